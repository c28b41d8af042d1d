// Modules and optimisers: a network of one's own on two spirals, with Adam, clipping, a schedule and dropout.
import {
  Adam,
  argmax,
  backward,
  CosineAnnealingLR,
  clipGradNorm,
  crossEntropy,
  Dropout,
  init,
  Linear,
  Module,
  manualSeed,
  noGrad,
  parameterCount,
  step,
  type Tensor,
  tanh,
  tensor,
} from 'weftgrad';

/** A module is an object whose tensor and module fields are its parameters. */
class Network extends Module {
  readonly hidden = [new Linear(2, 32), new Linear(32, 32)];
  readonly dropout = new Dropout(0.05);
  readonly out = new Linear(32, 2);

  /** `x` `[B, 2]` → scores `[B, 2]` of the two spirals. */
  forward(x: Tensor): Tensor {
    const features = this.hidden.reduce((h, layer) => tanh(layer.forward(h)), x);
    return this.out.forward(this.dropout.forward(features));
  }
}

const STEPS = 150;
const device = await init();
manualSeed(7);

const { points, labels } = spirals(100);
const x = tensor(points);
const y = tensor(labels, { dtype: 'i32' });

const model = new Network();
for (const { name, layer, parameters } of model.summary())
  console.log(`${name.padEnd(10)} ${layer.padEnd(16)} ${parameters}`);
console.log(`${parameterCount(model)} parameters: ${[...model.stateDict().keys()].join(' ')}`);

const optimizer = new Adam(model.parameters(), { lr: 0.03 });
const schedule = new CosineAnnealingLR(optimizer, { tMax: STEPS });

for (let n = 1; n <= STEPS; n++) {
  const loss = step(() => {
    const loss = crossEntropy(model.forward(x), y);
    backward(loss);
    clipGradNorm(model.parameters(), 5);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  schedule.step();
  if (n % 50 === 0)
    console.log(`step ${n}  loss ${(await loss.item()).toFixed(4)}  lr ${optimizer.paramGroups[0]!.lr.toFixed(4)}`);
  loss.dispose();
}

model.eval(); // no dropout from here
const guesses = await step(() => noGrad(() => argmax(model.forward(x), 1))).data();
const right = labels.filter((label, i) => guesses[i] === label).length;
console.log(`accuracy ${(right / labels.length).toFixed(3)}`);
device.destroy();

/** Two arms of `n` points each, a turn around the middle. */
function spirals(n: number): { points: number[][]; labels: number[] } {
  const labels = Array.from({ length: 2 * n }, (_, i) => i % 2);
  const points = labels.map((label, i) => {
    const radius = 0.1 + (0.9 * i) / (2 * n);
    const angle = 2 * Math.PI * radius + Math.PI * label;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return { points, labels };
}
