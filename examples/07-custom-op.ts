// An op of your own: a kernel in WGSL, its gradient, a check against plain numbers. softsign(x) = x / (1 + |x|).
import { backward, init, sum, type Tensor, tensor } from 'weftgrad';
import { checkOp, empty, kernel, map, record, run } from 'weftgrad/custom';

// One text is both passes: the slope is 1 / (1 + |x|)². Each invocation takes one element.
const softsignKernel = kernel(`
override BACKWARD: bool = false;
struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> upstream: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn softsign(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if i >= params.size {
    return;
  }
  let d = 1.0 + abs(x[i]);
  if BACKWARD {
    out[i] = upstream[i] / (d * d);
  } else {
    out[i] = x[i] / d;
  }
}`);

/** `x / (1 + |x|)`, element by element (`torch.nn.functional.softsign`). */
function softsign(x: Tensor): Tensor {
  const launch = { params: { size: x.size }, grid: Math.ceil(x.size / 64), label: 'softsign' };
  const out = empty(x.shape, { device: x.device, label: 'softsign' });
  run(softsignKernel, { bind: { x, upstream: x, out }, ...launch });
  record('softsign', [x], [out], ([upstream]) => {
    const gradient = empty(x.shape, { device: x.device, label: 'softsign' });
    const bind = { x, upstream: upstream!, out: gradient };
    run(softsignKernel, { bind, overrides: { BACKWARD: true }, ...launch });
    return [gradient];
  });
  return out;
}

const device = await init();
const x = tensor([-2, -0.5, 0, 1, 3], { requiresGrad: true });
const y = softsign(x);
backward(sum(y));
const numbers = (values: ArrayLike<number>) => Array.from(values, (v) => v.toFixed(3).padStart(7)).join('');
console.log('x       ', numbers(await x.data()));
console.log('softsign', numbers(await y.data()));
console.log('slope   ', numbers(await (x.grad as Tensor).data()));

// The reference is the forward pass alone, in doubles: gradients are held against its central differences.
await checkOp(
  ([x]) => softsign(x!),
  ([x]) => map(x!, (v) => v / (1 + Math.abs(v))),
  { shapes: [[[1]], [[7]], [[3, 50]]] },
);
console.log('agrees with its reference, forward and backward');
device.destroy();
