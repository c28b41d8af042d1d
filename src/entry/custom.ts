// weftgrad/custom: what our own ops and optimisers are made of, for those of others. An op is a check, `empty` for its result, `run`
// of a kernel, and `record` with its gradient; `checkOp` holds it against a reference in plain numbers.
export { type BackwardFunction, type Gradient, needsGrad, record } from '../autograd/tape.ts';
export type { Bindings, Kernel, Overrides, Params } from '../gpu/kernel.ts';
export { Optimizer, type ParamsOf } from '../optim/optimizer.ts';
export type { OptionsOf, ParamGroup, Rule } from '../optim/rule.ts';
export { assign, empty } from '../tensor/create.ts';
export { type CheckOptions, checkOp } from './check-op.ts';
export { at, map, type Nd, nd, randomNd } from './nd.ts';
export { kernel, type RunOptions, run } from './run.ts';
export { updateKernels } from './update-kernels.ts';
