// The kernels for subgroups of 4, 8 and 16 lanes: Mesa's software adapter has vectors of any of them, one width a process.
import { expect, test } from 'vitest';
import { runSource } from '../e2e/child.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();

interface Results {
  adapter: string;
  lanes: number;
  values: Record<string, number[]>;
}

test('products and recurrent layers have the same bits at every vector width', async ({ skip }) => {
  if (!current.device.info.name.includes('llvmpipe'))
    skip(`NOT CHECKED: ${current.device.info.name} has subgroups of one size only`);
  const run = async (width: string): Promise<Results> => {
    const env = { ...process.env, LP_NUM_THREADS: '0', LP_NATIVE_VECTOR_WIDTH: width };
    const { code, out, error } = await runSource('test/gpu/lanes-child.ts', [], { env, timeout: 600_000 });
    expect(code, error).toBe(0);
    return JSON.parse(out);
  };
  const [four, eight, sixteen] = await Promise.all(['128', '256', '512'].map(run));
  expect([four!.lanes, eight!.lanes, sixteen!.lanes]).toEqual([4, 8, 16]);
  const names = Object.keys(eight!.values);
  expect(names).toHaveLength(5 + 3 * 10);
  for (const { lanes, values } of [four!, sixteen!]) {
    expect(Object.keys(values)).toEqual(names);
    for (const name of names) expect(values[name], `${name} at ${lanes} lanes`).toEqual(eight!.values[name]);
  }
  for (const name of names)
    expect(
      eight!.values[name]!.some((v) => v !== 0),
      name,
    ).toBe(true);
}, 620_000);
