// Stochastic gradient descent.
import { checkBoolean, checkNumber, refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { Optimizer, type ParamsOf } from './optimizer.ts';
import type { OptionsOf, ParamGroup, Rule } from './rule.ts';

export interface SGDGroup extends ParamGroup {
  /** Factor of the buffer that gathers gradients; 0 for none. Default 0. */
  momentum: number;
  /** Share of the gradient that does not enter the buffer. Default 0. */
  dampening: number;
  /** Factor of the parameter added to the gradient. Default 0. */
  weightDecay: number;
  /** Nesterov's momentum; needs a momentum and no dampening. Default false. */
  nesterov: boolean;
}
/** `lr` has no default: give it here or in every group. */
export type SGDOptions = OptionsOf<SGDGroup>;

/**
 * Stochastic gradient descent, with momentum after Sutskever et al. 2013. State: `momentumBuffer`. A row-sparse gradient
 * without momentum and weight decay touches its rows alone. PyTorch: `SGD`.
 */
export class SGD extends Optimizer<SGDGroup> {
  constructor(params: ParamsOf<SGDGroup>, options: SGDOptions = {}) {
    super(RULE, params, options);
  }
}

const RULE: Rule<SGDGroup> = {
  type: 'SGD',
  kernels: shaders.sgd,
  defaults: { lr: undefined, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
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
  leaves: ({ momentum, weightDecay }) => (weightDecay !== 0 ? 'none' : momentum === 0 ? 'all' : 'resting'),
};
