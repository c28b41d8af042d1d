// Autograd: ops on tensors with `requiresGrad` are recorded, `backward` fills their `grad`; `step` frees what lies between.
import { backward, init, mul, noGrad, step, sub, sum, Tensor, tensor } from 'weftgrad';

const device = await init();

// y = Σ x³, so dy/dx = 3x²
const x = tensor([1, 2, 3], { requiresGrad: true });
const y = sum(mul(mul(x, x), x));
backward(y);
console.log('y', await y.item(), ' dy/dx', await gradient(x));

// A second backward adds to the gradient: set it to undefined (or call an optimiser's zeroGrad) to start anew.
backward(sum(x));
console.log('3x² + 1', await gradient(x));
x.grad = undefined;

// Nothing is recorded in noGrad, so this result has no history.
const silent = noGrad(() => mul(x, 2));
console.log('recorded:', silent.node !== undefined);

// Newton's method for √2, by hand: the function and its slope at each turn.
let root = tensor([1], { requiresGrad: true });
for (let turn = 0; turn < 5; turn++) {
  // Every tensor made in a step goes back to the pool when it ends; what it returns stays.
  const { value, slope } = step(() => {
    const value = sub(mul(root, root), 2);
    backward(value);
    return { value, slope: root.grad as Tensor };
  });
  const next = (await root.item()) - (await value.item()) / (await slope.item());
  for (const t of [root, value, slope]) t.dispose();
  root = tensor([next], { requiresGrad: true });
}
console.log('√2 ≈', (await root.item()).toFixed(6));

device.destroy();

async function gradient(of: Tensor): Promise<number[]> {
  if (!(of.grad instanceof Tensor)) throw new Error('no dense gradient: was backward called?');
  return Array.from(await of.grad.data());
}
