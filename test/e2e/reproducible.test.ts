// Same seed, same bits: across processes and threads, and across a stop in mid-epoch. What a checkpoint must hold: test/train/resume.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BEST, LAST } from '../../src/ner/index.ts';

const child = fileURLToPath(new URL('reproducible-child.ts', import.meta.url));
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'weft-reproducible-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function run(folder: string, threads: string, stopAfter = Number.POSITIVE_INFINITY) {
  const started = spawn(
    process.execPath,
    ['-C', 'source', '--import', 'tsx', child, join(root, folder), String(stopAfter)],
    { env: { ...process.env, LP_NUM_THREADS: threads }, timeout: 100_000 },
  );
  let [out, error] = ['', ''];
  started.stdout.on('data', (data) => (out += data));
  started.stderr.on('data', (data) => (error += data));
  const [code] = await once(started, 'close');
  expect(code, error).toBe(0);
  return JSON.parse(out.trim().split('\n').at(-1)!);
}

const hashes = (folder: string) =>
  Promise.all(
    [LAST, BEST].map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(root, folder, name)))
        .digest('hex'),
    ),
  );

test('200 steps with dropout: one thread and two, and stopped at step 113 and resumed, give the same files', async () => {
  const whole = { finished: true, batches: 200, epochs: [1, 2, 3, 4, 5] };
  const runs = await Promise.all([run('one', '1'), run('two', '2')]);
  expect(runs).toEqual([whole, whole]);
  const expected = await hashes('one');
  expect(await hashes('two')).toEqual(expected);
  expect(await run('resumed', '2', 113)).toEqual({ finished: false, batches: 113, epochs: [1, 2] });
  expect((await hashes('resumed'))[0]).not.toEqual(expected[0]);
  expect(await run('resumed', '1')).toEqual({ ...whole, batches: 87 });
  expect(await hashes('resumed')).toEqual(expected);
});
