// What an adapter can do at most, measured here and now: multiply-adds in registers, bytes through buffers and texels.
import type { AdapterChoice } from '../gpu/adapter.ts';
import { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';

/** The roofs of a roofline, in 10⁹ a second. Each is the fastest of many short dispatches. */
export interface Ceilings {
  /** Floating-point operations, a multiply-add being two. */
  gflops: number;
  /** Bytes read and written through storage buffers: `out = x`, and `out = x + a·y`. */
  copyGbps: number;
  triadGbps: number;
  /** Bytes read through textures; only where kernels do that, on software adapters. */
  texelGbps: number | undefined;
}

export interface MeasuredCeilings extends Ceilings {
  /** The adapter's name. */
  adapter: string;
}

/** What a dispatch is to take: long beside a clock's step, short beside a driver's patience and other work of a shared machine. */
const DISPATCH_US = 4000;
/** Of one ceiling: long enough for a GPU to raise its clock. */
const BUDGET_MS = 500;
/** What ceiling_fma computes in an invocation and a round. */
const FLOPS_PER_ROUND = 2 * 16 * 8;

/**
 * Measures an adapter's ceilings, half a second each, on a device of its own, which is gone afterwards. Throws AdapterError
 * where there is no such adapter, WeftError where it has no timestamp queries.
 */
export async function measureCeilings(choice: AdapterChoice = {}): Promise<MeasuredCeilings> {
  const device = await Device.create({ ...choice, profile: true });
  try {
    const gflops = await measureFma(device);
    const stream = await measureStream(device);
    const texelGbps = device.tuning.texelLanes > 0 ? await measureTexels(device) : undefined;
    return { adapter: device.info.name, gflops, ...stream, texelGbps };
  } finally {
    device.destroy();
  }
}

async function measureFma(device: Device): Promise<number> {
  const size = device.tuning.ceilings.invocations;
  const [out] = slices(device, 4 * size, 1);
  const run = (rounds: number) =>
    device.run(shaders.ceiling_fma, {
      bind: { out: out! },
      params: { size, rounds, a: 0.999, b: 0.001 },
      grid: size / 64,
      label: 'ceilings',
    });
  const trial = 16;
  const us = await fastest(device, () => run(trial), 50);
  const rounds = Math.max(trial, Math.round((trial * DISPATCH_US) / us));
  return (size * rounds * FLOPS_PER_ROUND) / (await fastest(device, () => run(rounds))) / 1000;
}

async function measureStream(device: Device): Promise<Pick<Ceilings, 'copyGbps' | 'triadGbps'>> {
  const { ceilings } = device.tuning;
  const bytes = Math.min(ceilings.bytes, 2 ** Math.floor(Math.log2(device.maxBindingBytes)));
  const [xs, ys, outs] = [0, 1, 2].map(() => slices(device, bytes, ceilings.slices)) as [
    BufferView[],
    BufferView[],
    BufferView[],
  ];
  let n = 0;
  const run = (OP: 0 | 1) => {
    const at = n++ % xs.length;
    device.run(shaders.ceiling_stream, {
      bind: { x: xs[at]!, y: ys[at]!, out: outs[at]! },
      params: { size: bytes / 16, a: 0.5 },
      overrides: { OP },
      grid: Math.ceil(bytes / 16 / (64 * 8)),
      label: 'ceilings',
    });
  };
  const copyGbps = (2 * bytes) / (await fastest(device, () => run(0))) / 1000;
  const triadGbps = (3 * bytes) / (await fastest(device, () => run(1))) / 1000;
  return { copyGbps, triadGbps };
}

async function measureTexels(device: Device): Promise<number> {
  const size = 2 ** 19;
  const [x] = slices(device, 16 * size, 1);
  const [out] = slices(device, size / 2, 1);
  const run = () =>
    device.texels!.mirror([x!], 'ceilings', ([texels]) =>
      device.run(shaders.ceiling_texels, {
        bind: { x: texels, out: out! },
        params: { size },
        grid: size / 256,
        label: 'ceilings',
      }),
    );
  return (16 * size) / (await fastest(device, run)) / 1000;
}

/** Microseconds of the fastest dispatch within the budget, the first ones aside, which touch memory for the first time. */
async function fastest(device: Device, run: () => void, budgetMs = BUDGET_MS): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + budgetMs;
  for (let done = -8; done < 4 || performance.now() < end; ) {
    for (let n = 0; n < 4; n++) run();
    for (const { durationUs } of await device.kernelTimes()) if (done++ >= 0) best = Math.min(best, durationUs);
  }
  return best;
}

/** So many ranges of `bytes` bytes, one after the other. */
function slices(device: Device, bytes: number, count: number): BufferView[] {
  return Array.from({ length: count }, () => ({ buffer: device.allocate(bytes, 'ceilings'), offset: 0, bytes }));
}
