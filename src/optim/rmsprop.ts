// RMSprop.
import { checkBoolean, checkNumber } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { Optimizer, type ParamsOf } from './optimizer.ts';
import type { OptionsOf, ParamGroup, Rule } from './rule.ts';

export interface RMSpropGroup extends ParamGroup {
  /** Decay of the average of squares. Default 0.99. */
  alpha: number;
  /** Added to the root. Default 1e-8. */
  eps: number;
  /** Factor of the parameter added to the gradient. Default 0. */
  weightDecay: number;
  /** Factor of the buffer that gathers updates; 0 for none. Default 0. */
  momentum: number;
  /** Whether to divide by an estimate of the deviation rather than of the square. Default false. */
  centered: boolean;
}
/** `lr` is 0.01 by default. */
export type RMSpropOptions = OptionsOf<RMSpropGroup>;

/** RMSprop (Tieleman & Hinton, lecture 6.5). State: `squareAvg`, `gradAvg`, `momentumBuffer`. PyTorch: `RMSprop`. */
export class RMSprop extends Optimizer<RMSpropGroup> {
  constructor(params: ParamsOf<RMSpropGroup>, options: RMSpropOptions = {}) {
    super(RULE, params, options);
  }
}

const RULE: Rule<RMSpropGroup> = {
  type: 'RMSprop',
  kernels: shaders.rmsprop,
  defaults: { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false },
  states: { squareAvg: 'square_avg', gradAvg: 'grad_avg', momentumBuffer: 'momentum_buffer' },
  always: ['squareAvg'],
  check({ alpha, eps, weightDecay, momentum, centered }) {
    const numbers = { alpha, eps, weightDecay, momentum };
    for (const [name, value] of Object.entries(numbers)) checkNumber('RMSprop', name, value, { min: 0 });
    checkBoolean('RMSprop', 'centered', centered);
  },
  uses: ({ centered, momentum }) => [
    'squareAvg',
    ...(centered ? ['gradAvg'] : []),
    ...(momentum > 0 ? ['momentumBuffer'] : []),
  ],
  overrides: ({ centered, momentum }) => ({ CENTERED: centered, MOMENTUM: momentum > 0 }),
  scalars: ({ lr, alpha, eps, weightDecay, momentum }) => [lr, weightDecay, alpha, 1 - alpha, eps, momentum],
  // With an eps of 0 a state of zero gives 0 / 0.
  leaves: ({ eps, weightDecay }) => (Math.fround(eps) > 0 && weightDecay === 0 ? 'resting' : 'none'),
};
