// Stochastic gradient descent.
import { checkBoolean, checkNumber, refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { Optimizer, type ParamGroup, type ParamsOf, type Rule } from './optimizer.ts';

export interface SGDOptions {
  /** Learning rate. No default: give it here or in every group. */
  lr?: number;
  /** Factor of the buffer that gathers gradients; 0 for none. Default 0. */
  momentum?: number;
  /** Share of the gradient that does not enter the buffer. Default 0. */
  dampening?: number;
  /** Factor of the parameter added to the gradient. Default 0. */
  weightDecay?: number;
  /** Nesterov's momentum; needs a momentum and no dampening. Default false. */
  nesterov?: boolean;
}

export interface SGDGroup extends ParamGroup {
  momentum: number;
  dampening: number;
  weightDecay: number;
  nesterov: boolean;
}

/**
 * Stochastic gradient descent, with momentum after Sutskever et al. 2013. State: `momentumBuffer`. A row-sparse gradient
 * without momentum and weight decay touches its rows alone. PyTorch: `SGD`.
 */
export class SGD extends Optimizer<SGDGroup> {
  constructor(params: ParamsOf<SGDGroup>, options: SGDOptions = {}) {
    const { lr = undefined as never, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    super(RULE, params, { lr, momentum, dampening, weightDecay, nesterov });
  }
}

const RULE: Rule<SGDGroup> = {
  type: 'SGD',
  kernels: {
    dense: shaders.sgd.dense,
    chunk: shaders.sgd.chunk,
    rows: shaders.sgd.rows,
    rowsVec4: shaders.sgd.rows_vec4,
  },
  states: { momentumBuffer: 'momentum_buffer' },
  always: [],
  check({ momentum, dampening, weightDecay, nesterov }) {
    checkNumber('SGD', 'momentum', momentum, { min: 0 });
    checkNumber('SGD', 'dampening', dampening);
    checkNumber('SGD', 'weightDecay', weightDecay, { min: 0 });
    checkBoolean('SGD', 'nesterov', nesterov);
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      const given = `momentum ${momentum} and dampening ${dampening}`;
      refuse('SGD', 'nesterov', 'used with a momentum above 0 and a dampening of 0', given);
    }
  },
  uses: ({ momentum }) => (momentum === 0 ? [] : ['momentumBuffer']),
  overrides: ({ momentum, nesterov }) => ({ MOMENTUM: momentum !== 0, NESTEROV: nesterov }),
  scalars({ lr, momentum, dampening, weightDecay }, _step, fresh) {
    // The first gradient enters the buffer whole.
    return fresh ? [lr, weightDecay, 0, 1, momentum] : [lr, weightDecay, momentum, 1 - dampening, momentum];
  },
  leavesIdleRows: ({ momentum, weightDecay }) => momentum === 0 && weightDecay === 0,
  leavesRestingRows: ({ weightDecay }) => weightDecay === 0,
};
