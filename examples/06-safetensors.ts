// Safetensors: a model for others to read, and a checkpoint from which a stopped run goes on as if it had not stopped.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adam,
  Dropout,
  init,
  Linear,
  type Module,
  manualSeed,
  mseLoss,
  normal,
  ReLU,
  readStateDict,
  Sequential,
  tensor,
} from 'weftgrad';
import { openSafetensorsFile, saveSafetensors, writeAtomic } from 'weftgrad/node';
import { loadModel, restore, Trainer } from 'weftgrad/train';

const device = await init();
const folder = await mkdtemp(join(tmpdir(), 'weft-'));

manualSeed(5);
const inputs = (await normal([64, 4], 0, 1).data()) as Float32Array<ArrayBuffer>;
const targets = inputs.map((v) => Math.abs(v));

// Eight epochs in one go, and the same run stopped after three and taken up by a new process's empty hands.
const whole = newRun();
await whole.fit(8);
const first = newRun();
await first.fit(3);
const checkpoint = join(folder, 'run.safetensors');
await writeAtomic(checkpoint, await first.checkpoint({ note: 'after three epochs' }));
const second = newRun();
const state = await restore(await openSafetensorsFile(checkpoint), second.options);
second.resume(state);
await second.fit(8);
console.log(`resumed at epoch ${state.position.epoch}: ${state.extra.note}`);
console.log('same bits as the run that never stopped:', await sameBits(whole.options.model, second.options.model));

// A model alone: tensors under PyTorch's names.
const path = join(folder, 'model.safetensors');
const tensors = [...(await readStateDict(whole.options.model))].map(([name, { shape, data }]) => {
  return { name, dtype: 'F32' as const, shape, data };
});
await saveSafetensors(path, tensors, { about: 'absolute values' });
const file = await openSafetensorsFile(path);
for (const [name, { dtype, shape }] of file.tensors) console.log(`${name.padEnd(10)} ${dtype} [${shape.join(', ')}]`);
const loaded = newModel();
await loadModel(file, loaded);
console.log('loaded model equals the saved one:', await sameBits(whole.options.model, loaded));

await rm(folder, { recursive: true });
device.destroy();

function newModel(): Sequential {
  return new Sequential(new Linear(4, 16), new ReLU(), new Dropout(0.1), new Linear(16, 4));
}

/** A run from seed 5: model, optimiser, generator of the dropout, and four batches of 16 rows an epoch. */
function newRun() {
  const generator = manualSeed(5);
  const model = newModel();
  const rows = (values: Float32Array<ArrayBuffer>, n: number) =>
    tensor(values.slice(64 * n, 64 * (n + 1)), { shape: [16, 4] });
  return new Trainer({
    model,
    optimizer: new Adam(model.parameters(), { lr: 0.01 }),
    generator,
    data: { length: 4, iterate: (_epoch, fromBatch = 0) => [0, 1, 2, 3].slice(fromBatch) },
    inputs: (n: number) => ({ x: rows(inputs, n), y: rows(targets, n) }),
    loss: ({ x, y }) => mseLoss(model.forward(x), y),
    tokens: () => 16,
  });
}

async function sameBits(a: Module, b: Module): Promise<boolean> {
  const [x, y] = [await readStateDict(a), await readStateDict(b)];
  return [...x].every(([name, { data }]) => data.every((v, i) => Object.is(v, y.get(name)!.data[i])));
}
