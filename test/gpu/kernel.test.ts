// Kernels as values on a device: told by identity, and held to the names that they declare.
import { expect, test } from 'vitest';
import { type Bind, type Constants, type Kernel, kernel, type Numbers } from '../../src/gpu/kernel.ts';
import { empty, tensor } from '../../src/tensor/create.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();

type Scale = Kernel<Bind<'x' | 'y'>, Numbers<'size' | 'factor'>, Constants<'SHIFT'>>;

/** `y = factor * x + SHIFT`, or another expression of a value `v`. */
const scale = (expression: string): Scale =>
  kernel(
    `struct Params { size: u32, factor: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
override SHIFT: f32 = 0.0;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if id.x < params.size {
    let v = params.factor * x[id.x];
    y[id.x] = ${expression};
  }
}`,
    { name: 'mine' },
  );

const x = () => tensor([1, 2, 3]);
const given = { params: { size: 3, factor: 10 }, grid: 1, label: 'scaled' };

async function run(one: Scale, overrides: { SHIFT?: number | undefined } = {}): Promise<number[]> {
  const y = empty([3], { device: current.device, label: 'y' });
  current.device.run(one, { ...given, bind: { x: x().view, y: y.view }, overrides });
  return [...(await y.data())];
}

test('two kernels of one name both run, and each compiles once for its overrides', async () => {
  const [first, second] = [scale('v + SHIFT'), scale('SHIFT - v')];
  const { pipelines } = current.device.stats;
  expect(await run(first)).toEqual([10, 20, 30]);
  expect(await run(second)).toEqual([-10, -20, -30]);
  expect(await run(first, { SHIFT: 1 })).toEqual([11, 21, 31]);
  expect(await run(second, { SHIFT: undefined })).toEqual([-10, -20, -30]);
  expect(current.device.stats.pipelines - pipelines).toBe(3);
});

test('names that the kernel lacks, and those it misses, are told with the op before anything is queued', () => {
  const mine = scale('v');
  const loose: Kernel = mine;
  const y = empty([3], { device: current.device, label: 'y' });
  const bind = { x: x().view, y: y.view };
  const { dispatches } = current.device.stats;
  const message = (options: object) => {
    try {
      current.device.run(loose, { ...given, bind, ...options });
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was refused';
  };
  expect(message({ bind: { x: bind.x } })).toBe(
    'scaled: bind must be of what kernel mine declares (x, y), got x. Give y.',
  );
  expect(message({ bind: { ...bind, z: bind.x } })).toBe(
    'scaled: bind must be of what kernel mine declares (x, y), got x, y, z. Leave z out or declare it in the kernel.',
  );
  expect(message({ params: { size: 3, scale: 1 } })).toBe(
    'scaled: params must be of what kernel mine declares (size, factor), got size, scale. Give factor.',
  );
  expect(message({ overrides: { SHIFTED: 1 } })).toBe(
    'scaled: overrides must be among what kernel mine declares (SHIFT), got SHIFTED. Leave SHIFTED out or declare it in the kernel.',
  );
  expect(message({ bind: { ...bind, x: tensor([1]) } })).toBe(
    'scaled: bind.x must be a range of a buffer, got something else. Bind the view of a tensor.',
  );
  current.device.flush();
  expect(current.device.stats.dispatches).toBe(dispatches);
});

test('the compiler holds a typed kernel to its names', () => {
  const mine = scale('v');
  const y = empty([3], { device: current.device, label: 'y' });
  const bind = { x: x().view, y: y.view };
  // @ts-expect-error no such binding
  expect(() => current.device.run(mine, { ...given, bind: { x: bind.x, z: bind.y } })).toThrow('Give y');
  // @ts-expect-error a parameter is missing
  expect(() => current.device.run(mine, { ...given, bind, params: { size: 3 } })).toThrow('Give factor');
  // @ts-expect-error no such override
  expect(() => current.device.run(mine, { ...given, bind, overrides: { SHIFTED: 1 } })).toThrow('Leave SHIFTED out');
});
