// Linear regression: the training loop in ten lines. The weights that made the data come back out of it.
import { backward, init, Linear, manualSeed, mseLoss, normal, readStateDict, SGD, step, tensor } from 'weftgrad';

const device = await init();
manualSeed(1);

// 64 points of y = 2 a - 3 b + 0.5
const points = await normal([64, 2], 0, 1).data();
const x = tensor(points, { shape: [64, 2] });
const y = tensor(Array.from({ length: 64 }, (_, i) => [2 * points[2 * i]! - 3 * points[2 * i + 1]! + 0.5]));

const model = new Linear(2, 1);
const optimizer = new SGD(model.parameters(), { lr: 0.2 });

for (let n = 0; n <= 60; n++) {
  const loss = step(() => {
    const loss = mseLoss(model.forward(x), y);
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  // Reading a number waits for the GPU, so a loop reads the loss only now and then.
  if (n % 20 === 0) console.log(`step ${String(n).padStart(2)}  loss ${(await loss.item()).toExponential(2)}`);
  loss.dispose();
}

const { weight, bias } = Object.fromEntries(await readStateDict(model));
const [a, b] = weight!.data;
console.log(`y = ${a!.toFixed(3)} a ${b!.toFixed(3)} b + ${bias!.data[0]!.toFixed(3)}`);
device.destroy();
