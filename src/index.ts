// weftgrad: tensors, autograd, ops, modules, optimisers and safetensors. Runs anywhere.
export { detach, gradEnabled, noGrad } from './autograd/tape.ts';
export * from './errors.ts';
export type { AdapterInfo } from './gpu/adapter.ts';
export { Device } from './gpu/device.ts';
export type { DeviceOptions } from './gpu/options.ts';
export {
  type ByteSource,
  openSafetensors,
  parseSafetensors,
  type SafetensorsFile,
  serializeSafetensors,
  streamSafetensors,
} from './io/safetensors.ts';
export type { EmbeddingOptions } from './nn/embedding.ts';
export * from './nn/index.ts';
export { type BackwardOptions, backward, type GradOptions, grad } from './ops/backward.ts';
export * from './ops/index.ts';
export * from './optim/index.ts';
export { type Compiled, type CompileOptions, type CompileStats, compile, type Tensors } from './tensor/compile.ts';
export {
  arange,
  assign,
  type CreateOptions,
  full,
  getDevice,
  init,
  ones,
  setDefaultDevice,
  tensor,
  zeros,
} from './tensor/create.ts';
export type { DType, TypedArray } from './tensor/dtype.ts';
export {
  eye,
  fullLike,
  linspace,
  onesLike,
  type RandomOptions,
  rand,
  randLike,
  randn,
  randnLike,
  zerosLike,
} from './tensor/like.ts';
export { defaultGenerator, Generator, manualSeed, normal, uniform } from './tensor/random.ts';
export { keep, step } from './tensor/scope.ts';
export { RowSparse, Tensor } from './tensor/tensor.ts';
