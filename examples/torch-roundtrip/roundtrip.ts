// PyTorch → weft → PyTorch (`npm run torch:roundtrip`): a tagger's state dict goes there and back; names, bits and scores must agree.
//
// Needs a Python with PyTorch: the one in the variable PYTHON, else the first of python3, /usr/bin/python3 and python that
// can import torch. An argument names a folder for the files; without one they are removed. Exit code 0: all agree, 1: not,
// 3: there is no PyTorch here.
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Adam, backward, crossEntropy, init, noGrad, readStateDict, step, type Tensor, tensor } from 'weftgrad';
import { Tagger } from 'weftgrad/ner';
import { openSafetensorsFile, saveSafetensors, textTable } from 'weftgrad/node';
import { loadModel } from 'weftgrad/train';

const SIZES = { vocabulary: 40, embedding: 16, hidden: 12, layers: 2, tags: 5 };
/** Largest difference of a score: both sides compute in float32, each in its own order. */
const TOLERANCE = 1e-5;

type Numbers = ReadonlyMap<string, { shape: readonly number[]; data: ArrayLike<number> }>;

const python = findPython();
if (python) process.exitCode = (await roundTrip(python.command)) ? 0 : 1;
else process.exitCode = 3;

async function roundTrip(command: string): Promise<boolean> {
  const device = await init();
  const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'weft-torch-')));
  try {
    await mkdir(folder, { recursive: true });
    console.log(`weft on ${device.info.name}, ${python!.version} (${command})`);
    return await compare(command, folder);
  } finally {
    device.destroy();
    if (process.argv[2] === undefined) await rm(folder, { recursive: true });
  }
}

async function compare(command: string, folder: string): Promise<boolean> {
  torchSide(command, 'make', folder);
  const file = await openSafetensorsFile(join(folder, 'torch.safetensors'));
  const rows = await example(folder);
  const { vocabulary, ...sizes } = SIZES;
  const model = new Tagger({ ...sizes, vocabularySize: vocabulary, cell: 'lstm', packed: true });
  await loadModel(file, model); // names and shapes must be the model's own, all of them

  const received = await readStateDict(model);
  const first = await scores(model, rows);
  const losses = await train(model, rows, 3);
  console.log(`three steps of Adam in weft: loss ${losses.map((loss) => loss.toFixed(4)).join(' → ')}\n`);
  const trained = await readStateDict(model);
  const second = await scores(model, rows);
  await saveSafetensors(
    join(folder, 'weft.safetensors'),
    [...trained].map(([name, { shape, data }]) => ({
      name,
      dtype: 'F32',
      shape,
      data: data as Float32Array<ArrayBuffer>,
    })),
  );

  torchSide(command, 'check', folder); // load_state_dict(strict=True)
  return report(
    { sent: await numbers(folder, 'torch'), got: received, scores: [rows.scores, first] },
    { sent: trained, got: await numbers(folder, 'returned'), scores: [second, await scoresOf(folder, 'returned')] },
    losses,
  );
}

interface Way {
  sent: Numbers;
  got: Numbers;
  scores: readonly [ArrayLike<number>, ArrayLike<number>];
}

/** Prints a row for every tensor with the largest difference each way, and says whether all is as it must be. */
function report(there: Way, back: Way, losses: readonly number[]): boolean {
  const names = [...new Set([there.sent, there.got, back.sent, back.got].flatMap((state) => [...state.keys()]))];
  const rows = names.map((name) => {
    const ways = [there, back].map(({ sent, got }) => difference(sent.get(name)?.data, got.get(name)?.data));
    return { name, shape: `[${there.sent.get(name)?.shape.join(', ')}]`, ways, good: ways.every((d) => d === 0) };
  });
  const outputs = [there, back].map((way) => difference(...way.scores));
  rows.push({ name: 'scores', shape: '', ways: outputs, good: outputs.every((d) => d <= TOLERANCE) });
  const verdict = (good: boolean) => (good ? 'PASS' : 'FAIL');
  const table = rows.map(({ name, shape, ways, good }) => [name, shape, ...ways.map(inWords), verdict(good)]);
  process.stdout.write(textTable(table, { header: ['tensor', 'shape', 'PyTorch → weft', 'weft → PyTorch', ''] }));

  const learned = losses.at(-1)! < losses[0]!;
  if (!learned) console.log('FAIL: the loss did not fall');
  const good = learned && rows.every((row) => row.good);
  const [worst, allowed] = [inWords(Math.max(...outputs)), TOLERANCE.toExponential()];
  if (good) console.log(`\nPASS: ${names.length} tensors equal both ways, scores within ${worst} (${allowed} allowed)`);
  else console.log(`\nFAIL: tensors must be equal, and scores within ${allowed}`);
  return good;
}

/** Largest absolute difference; not a number where one side lacks the tensor or has another number of elements. */
function difference(a?: ArrayLike<number>, b?: ArrayLike<number>): number {
  if (!a || !b || a.length !== b.length) return Number.NaN;
  return Array.from(a, (v, i) => Math.abs(v - b[i]!)).reduce((x, y) => Math.max(x, y), 0);
}

function inWords(d: number): string {
  if (Number.isNaN(d)) return 'missing';
  return d === 0 ? '0' : d.toExponential(1);
}

interface Example {
  ids: Tensor;
  lengths: Tensor;
  tags: Tensor;
  scores: ArrayLike<number>;
}

/** Three steps of Adam on all rows; the losses before each. */
async function train(model: Tagger, { ids, lengths, tags }: Example, steps: number): Promise<number[]> {
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const losses: number[] = [];
  for (let n = 0; n < steps; n++) {
    const loss = step(() => {
      const loss = crossEntropy(model.forward({ ids, lengths }), tags, { ignoreIndex: -100 });
      backward(loss);
      optimizer.step();
      optimizer.zeroGrad();
      return loss;
    });
    losses.push(await loss.item());
  }
  return losses;
}

function scores(model: Tagger, { ids, lengths }: Example): Promise<ArrayLike<number>> {
  return step(() => noGrad(() => model.eval().forward({ ids, lengths }))).data();
}

/** The rows that PyTorch made, and its scores of them. */
async function example(folder: string): Promise<Example> {
  const file = await openSafetensorsFile(join(folder, 'torch-scores.safetensors'));
  const integers = async (name: string) => tensor(await file.readInt32(name), { shape: file.tensors.get(name)!.shape });
  const [ids, lengths, tags] = [await integers('ids'), await integers('lengths'), await integers('tags')];
  return { ids, lengths, tags, scores: await file.readFloat32('scores') };
}

async function scoresOf(folder: string, name: string): Promise<ArrayLike<number>> {
  return (await openSafetensorsFile(join(folder, `${name}-scores.safetensors`))).readFloat32('scores');
}

async function numbers(folder: string, name: string): Promise<Numbers> {
  const file = await openSafetensorsFile(join(folder, `${name}.safetensors`));
  const found = new Map<string, { shape: readonly number[]; data: ArrayLike<number> }>();
  for (const [key, { shape }] of file.tensors) found.set(key, { shape, data: await file.readFloat32(key) });
  return found;
}

function torchSide(command: string, task: 'make' | 'check', folder: string): void {
  const script = fileURLToPath(new URL('torch_side.py', import.meta.url));
  const { status, stderr, error } = spawnSync(command, [script, task, folder, JSON.stringify(SIZES)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`torch_side.py ${task} failed: ${error?.message ?? stderr.trim()}`);
}

function findPython(): { command: string; version: string } | undefined {
  const candidates = process.env.PYTHON ? [process.env.PYTHON] : ['python3', '/usr/bin/python3', 'python'];
  for (const command of candidates) {
    const asked = 'import torch; print("PyTorch", torch.__version__)';
    const { status, stdout } = spawnSync(command, ['-c', asked], { encoding: 'utf8' });
    if (status === 0) return { command, version: stdout.trim() };
  }
  const tried = candidates.join(', ');
  console.error(
    `torch-roundtrip: none of ${tried} can import torch. Install PyTorch (pip install torch, or apt install python3-torch) or name a Python that has it: PYTHON=/path/to/python npm run torch:roundtrip`,
  );
  return undefined;
}
