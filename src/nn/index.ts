// Modules: parameters with a forward pass, named and behaving as in torch.nn.
export { GELU, ReLU, Sigmoid, Tanh } from './activation.ts';
export { BatchNorm1d, type BatchNormOptions } from './batch-norm.ts';
export { type CellOptions, GRUCell, LSTMCell, RNNCell } from './cells.ts';
export { ModuleDict, ModuleList } from './containers.ts';
export { Conv1d } from './conv1d.ts';
export { Dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { type InitOptions, kaimingUniformBound, xavierUniformBound } from './init.ts';
export {
  calculateGain,
  constant_,
  type KaimingOptions,
  kaimingNormal_,
  kaimingUniform_,
  type Nonlinearity,
  normal_,
  ones_,
  uniform_,
  type XavierOptions,
  xavierNormal_,
  xavierUniform_,
  zeros_,
} from './initialise.ts';
export { LayerNorm, type LayerNormOptions } from './layer-norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { type HostTensor, Module, parameterCount, readStateDict, type SummaryRow } from './module.ts';
export { GRU, LSTM, type RecurrentInput, type RecurrentOptions, RNN } from './recurrent.ts';
export { RMSNorm, type RMSNormOptions } from './rms-norm.ts';
export { type Layer, Sequential } from './sequential.ts';
