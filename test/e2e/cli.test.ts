// The command weft where it must not be silent: text that is none, files that are damaged, runs that are there already.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, runSource } from './child.ts';

const PEOPLE = ['Ann', 'Bob', 'Dana', 'Eve'];
const PLACES = ['Kyiv', 'Lviv', 'Odesa'];
const sentence = (i: number) =>
  `${PEOPLE[i % 4]} B-PER\nlives O\nin O\n${PLACES[i % 3]} B-LOC\n${i % 2 ? 'now O\n' : ''}\n`;
const sentences = (count: number, from = 0) => Array.from({ length: count }, (_, i) => sentence(from + i)).join('');

let base: string;
const at = (...names: string[]) => join(base, ...names);
const weft = (...args: string[]): Promise<Ended> => runSource('src/cli/main.ts', args);
/** How a command ended that was to refuse: its status, what it printed, and the sentence of the error. */
const refused = ({ code, out, error }: Ended) => ({
  code,
  out,
  said: error.split('\n').find((line) => line.startsWith('weft:')),
});

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'weft-cli-'));
  for (const folder of ['data', 'other']) await mkdir(at(folder));
  await writeFile(at('data/train.txt'), sentences(12));
  await writeFile(at('data/dev.txt'), sentences(4, 5));
  await writeFile(at('other/train.txt'), sentences(13));
  await writeFile(at('other/dev.txt'), sentences(4, 5));
  await writeFile(
    at('config.yaml'),
    `model: { cell: lstm, embedding: 6, hidden: 6, layers: 1, dropout: 0, packed: false }
optimizer: { lr: 0.05 }
training: { epochs: 2, batchSize: 4, out: ${JSON.stringify(at('run'))} }
`,
  );
  const { code, out, error } = await weft('train', at('config.yaml'), '--data', at('data'));
  expect({ code, error }).toMatchObject({ code: 0 });
  expect(error).toContain('model.packed is false: rows run over their padding, so a sentence’s scores depend on');
  expect(out).toContain(`written to ${at('run')}: best and last checkpoint`);
});

afterAll(() => rm(base, { recursive: true, force: true }));

describe('a folder that holds a run', () => {
  const files = async () => {
    const names = await readdir(at('run'));
    return Promise.all(names.sort().map(async (name) => [name, (await readFile(at('run', name))).toString('base64')]));
  };

  test('is not written over, and not resumed on other data; the files stay as they were', async () => {
    const before = await files();
    expect(refused(await weft('train', at('config.yaml'), '--data', at('data')))).toEqual({
      code: 1,
      out: '',
      said: expect.stringMatching(
        /run\/last\.safetensors: is of an earlier run \(2 of 2 epochs, best validation\.f1 \d\.\d{4}\), which this run would overwrite\. Train into another folder \(--out\), replace it \(--overwrite\), or go on with it \(--resume\)\.$/,
      ),
    });
    expect(refused(await weft('train', at('config.yaml'), '--data', at('other'), '--resume'))).toEqual({
      code: 1,
      out: '',
      said: expect.stringContaining(
        'its train part had 12 sentences of 54 tokens, this one has 13 sentences of 58 tokens.',
      ),
    });
    expect(await files()).toEqual(before);
  });
});

describe('predict', () => {
  const best = () => at('run/best.safetensors');

  test('refuses a header with one changed byte', async () => {
    const bytes = await readFile(best());
    bytes[bytes.indexOf('B-LOC') + 4] = 'X'.charCodeAt(0);
    await writeFile(at('damaged.safetensors'), bytes);
    expect(refused(await weft('predict', at('damaged.safetensors'), 'Ann lives in Kyiv.'))).toEqual({
      code: 1,
      out: '',
      said: expect.stringMatching(/damaged\.safetensors: the content must hash to .* header or data is damaged/),
    });
  });

  test('refuses text that is not UTF-8 before it looks for an adapter', async () => {
    await writeFile(at('cp1251.txt'), Buffer.from([0x41, 0x6e, 0x6e, 0x0a, 0xca, 0xe8, 0xbf, 0xe2]));
    const { code, out, error } = await weft('predict', best(), '--file', at('cp1251.txt'));
    expect({ code, out, error }).toEqual({
      code: 1,
      out: '',
      error: `weft: ${at('cp1251.txt')}:2: bytes are not UTF-8 (byte 1 of the line is 0xca); convert the file to UTF-8 first. [invalid-utf8]\n`,
    });
    const [lossy, both] = await Promise.all([
      weft('predict', best(), 'Ann lives in \ufffd.'),
      weft('predict', best(), 'Ann', '--file', at('data/dev.txt')),
    ]);
    expect(refused(lossy).said).toBe(
      'weft: command line: the text has U+FFFD, which stands for bytes that are not UTF-8.',
    );
    expect(refused(both).said).toContain('is not read: there is text on the command line too; give one.');
  });

  test('gives one result a line of tokenised text', async () => {
    await writeFile(at('lines.txt'), 'Ann lives in Kyiv\n\n \nBob\n');
    const { code, out } = await weft('predict', best(), '--file', at('lines.txt'), '--tokenised', '--format', 'jsonl');
    expect(code).toBe(0);
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { tokens: string[]; tags: string[] });
    expect(rows.map(({ tokens }) => tokens)).toEqual([['Ann', 'lives', 'in', 'Kyiv'], [], [], ['Bob']]);
    expect(rows.map(({ tags }) => tags.length)).toEqual([4, 0, 0, 1]);
  });
});
