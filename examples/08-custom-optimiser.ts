// An optimiser of your own: what it does to one element, in WGSL, and what it says of itself. Lion (Chen et al. 2023):
//   θ ← θ · (1 - lr · decay) - lr · sign(β₁ m + (1 - β₁) g);   m ← β₂ m + (1 - β₂) g
import { backward, init, mul, step, sub, sum, tensor } from 'weftgrad';
import { Optimizer, type OptionsOf, type ParamGroup, type ParamsOf, type Rule, updateKernels } from 'weftgrad/custom';

interface LionGroup extends ParamGroup {
  /** Share of the momentum in the step; default 0.9. */
  beta1: number;
  /** Share of the momentum that stays; default 0.99. */
  beta2: number;
  /** Decay of the parameters, apart from the gradient; default 0. */
  weightDecay: number;
}

const RULE: Rule<LionGroup> = {
  type: 'Lion',
  kernels: updateKernels(
    `
struct Hyper { lr: f32, keep: f32, beta1: f32, beta2: f32 }
@group(0) @binding(30) var<storage, read_write> momentum: array<Unit>;

fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit {
  let m = momentum[at];
  momentum[at] = h.beta2 * m + (1.0 - h.beta2) * gradient;
  return value * h.keep - h.lr * sign(h.beta1 * m + (1.0 - h.beta1) * gradient);
}`,
    { name: 'lion' },
  ),
  defaults: { lr: 1e-4, beta1: 0.9, beta2: 0.99, weightDecay: 0 },
  states: { expAvg: 'momentum' },
  always: ['expAvg'],
  check({ beta1, beta2 }) {
    for (const beta of [beta1, beta2])
      if (!(beta >= 0 && beta < 1)) throw new RangeError(`Lion: ${beta} is not in [0, 1).`);
  },
  uses: () => ['expAvg'],
  overrides: () => ({}),
  scalars: ({ lr, weightDecay, beta1, beta2 }) => [lr, 1 - lr * weightDecay, beta1, beta2],
  // Rows of an embedding that never had a gradient have no momentum, and so do not move.
  leaves: ({ weightDecay }) => (weightDecay === 0 ? 'resting' : 'none'),
};

class Lion extends Optimizer<LionGroup> {
  constructor(params: ParamsOf<LionGroup>, options: OptionsOf<LionGroup> = {}) {
    super(RULE, params, options);
  }
}

const device = await init();
const target = [3, -1, 0.5];
const p = tensor([0, 0, 0], { requiresGrad: true });
const t = tensor(target);
const optimizer = new Lion([p], { lr: 0.02, weightDecay: 0.01 });
const plain = { value: [0, 0, 0], momentum: [0, 0, 0] };
for (let n = 1; n <= 400; n++) {
  const loss = step(() => {
    const error = sub(p, t);
    const loss = sum(mul(error, error));
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  if (n % 100 === 0) console.log(`step ${n}  loss ${(await loss.item()).toFixed(4)}`);
  loss.dispose();
  plain.value = plain.value.map((v, i) => {
    const [g, m] = [2 * (v - target[i]!), plain.momentum[i]!];
    plain.momentum[i] = 0.99 * m + 0.01 * g;
    return v * (1 - 0.02 * 0.01) - 0.02 * Math.sign(0.9 * m + 0.1 * g);
  });
}
const values = [...(await p.data())];
console.log('found', values.map((v) => v.toFixed(3)).join(' '));
console.log(
  'as in plain JavaScript:',
  values.every((v, i) => Math.abs(v - plain.value[i]!) < 1e-3),
);
device.destroy();
