// Gradients of rows taken by index, on both sides of every number at which they are computed another way. Gradients are small whole
// numbers, so that sums are exact in any order.
import { describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/device.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { MOST_LINKED } from '../../src/ops/index-select.ts';
import { LONGEST_SPAN, WHOLE_ROWS } from '../../src/ops/segments.ts';
import { tensor } from '../../src/tensor/create.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();

const ROWS = 7;
/** Occurrences of the id 3 among others: one run, runs whose sums make one run, and runs of them. */
const OFTEN = [
  LONGEST_SPAN,
  LONGEST_SPAN + 1,
  LONGEST_SPAN + LONGEST_SPAN ** 2,
  LONGEST_SPAN + LONGEST_SPAN ** 2 + 1,
  LONGEST_SPAN + 2 * LONGEST_SPAN ** 2 + 1,
];
const COUNTS = [WHOLE_ROWS - 1, WHOLE_ROWS, WHOLE_ROWS + 1, 2 * WHOLE_ROWS + LONGEST_SPAN];

/** `count` ids below ROWS, of which `often` are 3, spread evenly. */
function idsOf(count: number, often: number): Int32Array<ArrayBuffer> {
  const others = [0, 1, 2, 4, 5, 6];
  return Int32Array.from({ length: count }, (_, i) => {
    const mine = Math.floor(((i + 1) * often) / count) > Math.floor((i * often) / count);
    return mine ? 3 : others[i % others.length]!;
  });
}

async function gradient(op: 'embedding' | 'indexSelect', ids: Int32Array<ArrayBuffer>, width: number, device: Device) {
  const x = tensor(new Float32Array(ROWS * width), { shape: [ROWS, width], requiresGrad: true, device });
  const index = tensor(ids, { device });
  const out = op === 'embedding' ? ops.embedding(index, x) : ops.indexSelect(x, 0, index);
  const upstream = Float32Array.from({ length: ids.length * width }, (_, i) => ((i * 7) % 17) - 8);
  const sums = new Float32Array(ROWS * width);
  upstream.forEach((v, i) => {
    sums[ids[Math.floor(i / width)]! * width + (i % width)]! += v;
  });
  backward(out, tensor(upstream, { shape: out.shape, device }));
  const { grad } = x;
  const dense = grad instanceof RowSparse ? ops.densify(grad) : grad!;
  return { got: await dense.data(), sums };
}

describe.each(['embedding', 'indexSelect'] as const)('%s', (op) => {
  test.each(COUNTS.flatMap((count) => OFTEN.filter((often) => often <= count).map((often) => [count, often] as const)))(
    '%d ids of which %d are equal',
    async (count, often) => {
      for (const width of [1, 4, 5]) {
        const { got, sums } = await gradient(op, idsOf(count, often), width, current.device);
        expect(got, `rows of ${width}`).toEqual(sums);
      }
    },
  );

  test('pieces under the binding limit add up to the same', async () => {
    const device = await Device.create({ maxBindingBytes: 2 ** 16 });
    for (const often of OFTEN) {
      const { got, sums } = await gradient(op, idsOf(WHOLE_ROWS + 1, often), 4, device);
      expect(got, `${often} of an id`).toEqual(sums);
    }
    device.destroy();
  });
});

test('ids born on the GPU: up to a number, and refused past it', async () => {
  const x = tensor(new Float32Array(ROWS), { shape: [ROWS, 1], requiresGrad: true });
  const born = (count: number) => ops.cast(tensor(new Float32Array(count).fill(3)), 'i32');
  const out = ops.indexSelect(x, 0, born(MOST_LINKED));
  backward(out, tensor(new Float32Array(MOST_LINKED).fill(1), { shape: out.shape }));
  expect([...(await (x.grad as Exclude<typeof x.grad, RowSparse>)!.data())]).toEqual([0, 0, 0, MOST_LINKED, 0, 0, 0]);
  expect(() => ops.indexSelect(x, 0, born(MOST_LINKED + 1))).toThrow(
    `indexSelect: the number of indices made on the GPU must be at most ${MOST_LINKED}`,
  );
});
