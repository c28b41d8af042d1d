// RMSprop.
import { checkBoolean, checkNumber } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { Optimizer, type ParamGroup, type ParamsOf, type Rule } from './optimizer.ts';

export interface RMSpropOptions {
  /** Learning rate. Default 0.01. */
  lr?: number;
  /** Decay of the average of squares. Default 0.99. */
  alpha?: number;
  /** Added to the root. Default 1e-8. */
  eps?: number;
  /** Factor of the parameter added to the gradient. Default 0. */
  weightDecay?: number;
  /** Factor of the buffer that gathers updates; 0 for none. Default 0. */
  momentum?: number;
  /** Whether to divide by an estimate of the deviation rather than of the square. Default false. */
  centered?: boolean;
}

export interface RMSpropGroup extends ParamGroup {
  alpha: number;
  eps: number;
  weightDecay: number;
  momentum: number;
  centered: boolean;
}

/** RMSprop (Tieleman & Hinton, lecture 6.5). State: `squareAvg`, `gradAvg`, `momentumBuffer`. PyTorch: `RMSprop`. */
export class RMSprop extends Optimizer<RMSpropGroup> {
  constructor(params: ParamsOf<RMSpropGroup>, options: RMSpropOptions = {}) {
    const { lr = 1e-2, alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0, centered = false } = options;
    super(RULE, params, { lr, alpha, eps, weightDecay, momentum, centered });
  }
}

const RULE: Rule<RMSpropGroup> = {
  type: 'RMSprop',
  kernels: {
    dense: shaders.rmsprop.dense,
    chunk: shaders.rmsprop.chunk,
    rows: shaders.rmsprop.rows,
    rowsVec4: shaders.rmsprop.rows_vec4,
  },
  states: { squareAvg: 'square_avg', gradAvg: 'grad_avg', momentumBuffer: 'momentum_buffer' },
  always: ['squareAvg'],
  check({ alpha, eps, weightDecay, momentum, centered }) {
    checkNumber('RMSprop', 'alpha', alpha, { min: 0 });
    checkNumber('RMSprop', 'eps', eps, { min: 0 });
    checkNumber('RMSprop', 'weightDecay', weightDecay, { min: 0 });
    checkNumber('RMSprop', 'momentum', momentum, { min: 0 });
    checkBoolean('RMSprop', 'centered', centered);
  },
  uses: ({ centered, momentum }) => [
    'squareAvg',
    ...(centered ? ['gradAvg'] : []),
    ...(momentum > 0 ? ['momentumBuffer'] : []),
  ],
  overrides: ({ centered, momentum }) => ({ CENTERED: centered, MOMENTUM: momentum > 0 }),
  scalars({ lr, alpha, eps, weightDecay, momentum }) {
    return [lr, weightDecay, alpha, 1 - alpha, eps, momentum];
  },
  leavesIdleRows: () => false,
  // With an eps of 0 a state of zero gives 0 / 0.
  leavesRestingRows: ({ eps, weightDecay }) => Math.fround(eps) > 0 && weightDecay === 0,
};
