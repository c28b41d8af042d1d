// A device that goes away in the middle of training: the run says so at once, its files are whole, and a new device takes it up.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { platform } from '#platform';
import { DeviceLostError } from '../../src/errors.ts';
import { Device } from '../../src/gpu/device.ts';
import { BEST, LAST, trainTagger } from '../../src/ner/index.ts';
import { folderStore, openSafetensorsFile } from '../../src/node/index.ts';
import { setDefaultDevice } from '../../src/tensor/create.ts';
import { tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

// Two epochs of five batches, each with its evaluation and its checkpoints.
const corpus = tinyCorpus(20, { longest: 6 });
const config = tinyConfig({ model: { layers: 1 }, training: { ...tinyConfig().training, epochs: 2, logEvery: 2 } });

const root = await mkdtemp(join(tmpdir(), 'weft-device-loss-'));
afterAll(() => rm(root, { recursive: true, force: true }));

let whole: Record<string, string>;
/** What an uninterrupted run does. */
const total = { dispatches: 0, reads: 0, writes: 0 };

/** A device, and the driver's device behind it. */
async function makeDevice(): Promise<{ device: Device; driver: GPUDevice }> {
  const gpu = await platform.gpu({});
  const { requestAdapter } = gpu;
  let driver: GPUDevice | undefined;
  gpu.requestAdapter = async (options) => {
    const adapter = (await requestAdapter.call(gpu, options))!;
    const { requestDevice } = adapter;
    adapter.requestDevice = async (wanted) => (driver = await requestDevice.call(adapter, wanted));
    return adapter;
  };
  try {
    const device = await Device.create();
    setDefaultDevice(device);
    return { device, driver: driver! };
  } finally {
    gpu.requestAdapter = requestAdapter;
  }
}

/** Trains in `folder`, from where its files stand; `begin` is told of every dispatch, read and write as it begins. */
async function train(folder: string, device: Device, begin: (kind: keyof typeof total) => void = () => {}) {
  setDefaultDevice(device);
  const { run, replay, read } = device;
  device.run = ((kernel: never, options: never) => {
    begin('dispatches');
    run.call(device, kernel, options);
  }) as typeof run;
  device.replay = (plan) => {
    for (const { kind } of plan.commands) if (kind === 'dispatch') begin('dispatches');
    replay.call(device, plan);
  };
  device.read = (source) => {
    const bytes = read.call(device, source);
    begin('reads');
    return bytes;
  };
  const store = folderStore(join(root, folder));
  const write: typeof store.write = (name, chunks) => {
    const written = store.write(name, chunks);
    begin('writes');
    return written;
  };
  try {
    const { model } = await trainTagger({ config, corpus, resume: true, store: { ...store, write } });
    model.dispose();
  } finally {
    Object.assign(device, { run, replay, read });
  }
}

/** Hashes of the folder's files. Each must be whole: safetensors that opens, with the content that its hash says. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const names = await readdir(join(root, folder)).catch(() => []);
  const hashes: Record<string, string> = {};
  for (const name of names) {
    await openSafetensorsFile(join(root, folder, name));
    hashes[name] = createHash('sha256')
      .update(await readFile(join(root, folder, name)))
      .digest('hex');
  }
  return hashes;
}

/** Runs on to the end wherever another device was lost: compiling kernels anew takes longer than training. */
let healthy: Device;

beforeAll(async () => {
  healthy = (await makeDevice()).device;
  await train('whole', healthy, (kind) => total[kind]++);
  whole = await filesOf('whole');
  expect(Object.keys(whole).sort()).toEqual([BEST, LAST]);
});

afterAll(async () => {
  await healthy.synchronize();
  healthy.destroy();
});

test.each([
  ['dispatches', 0, 'destroy()'],
  ['dispatches', 0.23, 'destroy()'],
  ['dispatches', 0.57, 'destroy()'],
  ['dispatches', 0.81, 'destroy()'],
  ['dispatches', 0.06, 'the driver'],
  ['dispatches', 0.39, 'the driver'],
  ['dispatches', 0.92, 'the driver'],
  ['reads', 0, 'destroy()'],
  ['reads', 0.7, 'destroy()'],
  ['reads', 0.3, 'the driver'],
  ['reads', 1, 'the driver'],
  ['writes', 0, 'destroy()'],
] as const)(
  'of %s, at %d of the run, lost by %s: told within a second, files whole, resumed bit for bit',
  async (kind, at, by) => {
    const folder = `${kind}-${at}-${by}`;
    const place = Math.max(1, Math.round(at * total[kind]));
    const { device, driver } = await makeDevice();
    let count = 0;
    let lostAt = 0;
    const error = await train(folder, device, (begun) => {
      if (begun !== kind || ++count !== place) return;
      lostAt = performance.now();
      if (by === 'destroy()') device.destroy();
      else driver.destroy();
    }).catch((error: unknown) => error);
    expect(performance.now() - lostAt).toBeLessThan(1000);
    expect(error).toBeInstanceOf(DeviceLostError);
    expect(await device.lost).toBeInstanceOf(DeviceLostError);
    const left = Object.keys(await filesOf(folder));
    // The first epoch's files are there from the middle of the run on; what was in the host's hands already is written.
    if (kind === 'writes' || at > 0.5) expect(left.sort()).toEqual([BEST, LAST]);
    else if (at < 0.4) expect(left).toEqual([]);
    await train(folder, healthy);
    expect(await filesOf(folder)).toEqual(whole);
  },
);
