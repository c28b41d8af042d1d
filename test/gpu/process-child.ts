// What process.test.ts runs in a process of its own: a little work on a device, and then an end of one kind or another.
import { add, mul, sum } from '../../src/ops/index.ts';
import { init, tensor } from '../../src/tensor/create.ts';

const device = await init();
const x = add(tensor([1, 2]), 3);
console.log(await sum(x).item());

const end = process.argv[2];
if (end === 'destroy') device.destroy();
if (end === 'destroy early') {
  mul(x, x)
    .data()
    .catch((error: Error) => console.log(error.name));
  device.destroy();
}
if (end === 'queued') mul(x, x);
if (end === 'submitted') {
  mul(x, x);
  device.flush();
}
if (end === 'reading') mul(x, x).data();
if (end === 'two devices') {
  device.destroy();
  const other = await init();
  console.log(await sum(tensor([1, 1])).item());
  other.destroy();
}
if (end === 'cache') console.log(process.env.MESA_SHADER_CACHE_DIR);
if (end === 'throw') throw new Error('the user’s own error');
if (end === 'exit') process.exit(3);
