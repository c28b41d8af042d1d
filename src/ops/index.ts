// Every op, one line each file.
export { argmax, argmin } from './argmax.ts';
export * from './arithmetic.ts';
export { type Conv1dOptions, conv1d } from './conv1d.ts';
export { type ClassLossOptions, type CrossEntropyOptions, crossEntropy, type Reduction } from './cross-entropy.ts';
export { cumsum } from './cumsum.ts';
export { dropout } from './dropout.ts';
export { einsum } from './einsum.ts';
export * from './elementwise.ts';
export { type EmbeddingOptions, embedding } from './embedding.ts';
export { max, min, type ValuesAndIndices } from './extrema.ts';
export { gather } from './gather.ts';
export type { Activation } from './gemm-product.ts';
export { type GruOptions, gru } from './gru.ts';
export { indexSelect } from './index-select.ts';
export { layerNorm } from './layer-norm.ts';
export {
  chunk,
  concat,
  flatten,
  narrow,
  pad,
  permute,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './layout.ts';
export * from './logical.ts';
export {
  type BceOptions,
  bceWithLogits,
  huberLoss,
  type KlDivOptions,
  klDiv,
  type LossOptions,
  l1Loss,
  mseLoss,
  nllLoss,
  smoothL1Loss,
} from './losses.ts';
export { type LstmOptions, lstm } from './lstm.ts';
export { maskedSelect } from './masked-select.ts';
export { linear, type MatmulOptions, matmul } from './matmul.ts';
export { type MultinomialOptions, multinomial } from './multinomial.ts';
export { oneHot } from './one-hot.ts';
export type { CellWeights, SequenceOptions } from './recurrent-layer.ts';
export { amax, amin, broadcastTo, type Dims, mean, type ReduceOptions, sum } from './reduce.ts';
export { type RnnOptions, rnn } from './rnn.ts';
export { densify } from './row-sparse.ts';
export { indexAdd, scatter, scatterAdd } from './scatter.ts';
export { logSoftmax, softmax } from './softmax.ts';
export { argsort, type SortOptions, sort, type TopkOptions, topk } from './sort.ts';
export { cosineSimilarity, logsumexp, norm, std, type VarianceOptions, variance } from './statistics.ts';
export { tril, triu } from './triangle.ts';
export { maskedFill, where } from './where.ts';
