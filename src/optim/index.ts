// Optimisers, gradient clipping and learning rate schedules.
export { Adam, type AdamGroup, type AdamOptions, AdamW } from './adam.ts';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip.ts';
export { FiniteCheck } from './finite-check.ts';
export { type GroupOf, Optimizer, type ParamsOf, type StepOptions } from './optimizer.ts';
export { RMSprop, type RMSpropGroup, type RMSpropOptions } from './rmsprop.ts';
export type { ParamGroup, Rule } from './rule.ts';
export * from './schedule.ts';
export { SGD, type SGDGroup, type SGDOptions } from './sgd.ts';
