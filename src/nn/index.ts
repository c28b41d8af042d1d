// Modules: parameters with a forward pass, named and behaving as in torch.nn.
export { GELU, ReLU, Sigmoid, Tanh } from './activation.ts';
export { Dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { type InitOptions, kaimingUniformBound, xavierUniformBound } from './init.ts';
export { LayerNorm, type LayerNormOptions } from './layer-norm.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { type HostTensor, Module, parameterCount, readStateDict, type SummaryRow } from './module.ts';
export { GRU, LSTM, type RecurrentInput, type RecurrentOptions, RNN } from './recurrent.ts';
export { type Layer, Sequential } from './sequential.ts';
