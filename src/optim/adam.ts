// Adam and AdamW.
import { checkBoolean, checkNumber, refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { Optimizer, type ParamsOf } from './optimizer.ts';
import type { OptionsOf, ParamGroup, Rule } from './rule.ts';

export interface AdamGroup extends ParamGroup {
  /** Decay of the averages of the gradient and of its square, in [0, 1). Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  eps: number;
  /** Adam: factor of the parameter added to the gradient, default 0. AdamW: share taken off the parameter per unit of rate, default 0.01. */
  weightDecay: number;
  /** Whether to divide by the largest average of squares so far (On the Convergence of Adam and Beyond). Default false. */
  amsgrad: boolean;
}
/** `lr` is 1e-3 by default. */
export type AdamOptions = OptionsOf<AdamGroup>;

/** Adam (arXiv 1412.6980) with L2 weight decay. State: `expAvg`, `expAvgSq`, `maxExpAvgSq`. PyTorch: `Adam`. */
export class Adam extends Optimizer<AdamGroup> {
  constructor(params: ParamsOf<AdamGroup>, options: AdamOptions = {}) {
    super(ruleOf('Adam', 0), params, options);
  }
}

/** Adam with weight decay apart from the gradient (arXiv 1711.05101). State as for Adam. PyTorch: `AdamW`. */
export class AdamW extends Optimizer<AdamGroup> {
  constructor(params: ParamsOf<AdamGroup>, options: AdamOptions = {}) {
    super(ruleOf('AdamW', 1e-2), params, options);
  }
}

function ruleOf(type: 'Adam' | 'AdamW', weightDecay: number): Rule<AdamGroup> {
  const decoupled = type === 'AdamW';
  return {
    type,
    kernels: shaders.adam,
    defaults: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay, amsgrad: false },
    states: { expAvg: 'exp_avg', expAvgSq: 'exp_avg_sq', maxExpAvgSq: 'max_exp_avg_sq' },
    always: ['expAvg', 'expAvgSq'],
    check({ betas, eps, weightDecay, amsgrad }) {
      if (!Array.isArray(betas) || betas.length !== 2)
        refuse(type, 'betas', 'a pair of numbers', JSON.stringify(betas));
      betas.forEach((beta, i) => {
        checkNumber(type, `betas[${i}]`, beta, { min: 0, below: 1 });
      });
      checkNumber(type, 'eps', eps, { min: 0 });
      checkNumber(type, 'weightDecay', weightDecay, { min: 0 });
      checkBoolean(type, 'amsgrad', amsgrad);
    },
    uses: ({ amsgrad }) => ['expAvg', 'expAvgSq', ...(amsgrad ? ['maxExpAvgSq'] : [])],
    overrides: ({ amsgrad }) => ({ AMSGRAD: amsgrad }),
    scalars({ lr, betas: [beta1, beta2], eps, weightDecay }, step) {
      const decay = decoupled ? 1 - lr * weightDecay : 1;
      const stepSize = lr / (1 - beta1 ** step);
      const bias2Sqrt = Math.sqrt(1 - beta2 ** step);
      return [decay, decoupled ? 0 : weightDecay, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, bias2Sqrt, eps];
    },
    // With an eps of 0 a state of zero gives 0 / 0.
    leaves: ({ eps, weightDecay }) => (Math.fround(eps) > 0 && weightDecay === 0 ? 'resting' : 'none'),
  };
}
