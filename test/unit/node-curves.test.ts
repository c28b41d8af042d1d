// Pictures of runs: well-formed SVG with every name in it, the right epoch ringed, the same bytes for the same history.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chartSvg } from '../../src/node/chart.ts';
import {
  bestEpoch,
  curveChart,
  type EpochRecord,
  type RunHistory,
  TAGGER_PANELS,
  writeCurves,
} from '../../src/node/curves.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-curves-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const LOSSES = [0.9, 0.5, 0.3, 0.35, 0.4];
function run(name: string, losses = LOSSES, extra: Partial<RunHistory> = {}): RunHistory {
  const epochs = losses.map((loss, i): EpochRecord => {
    const metrics = { 'validation.loss': loss, 'validation.f1': 1 - loss, 'test.loss': loss + 0.05 };
    return { epoch: i + 1, trainLoss: loss / 2, lr: 1e-3 / 10 ** i, metrics };
  });
  return { name, epochs, ...extra };
}
const [loss, f1, rate] = TAGGER_PANELS as [
  (typeof TAGGER_PANELS)[0],
  (typeof TAGGER_PANELS)[0],
  (typeof TAGGER_PANELS)[0],
];

/** The texts of an SVG; fails on tags that do not pair and attributes that do not close. */
function textsOf(svg: string): string[] {
  const open: string[] = [];
  const texts: string[] = [];
  const tag = /<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"<]*")*) *(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const match of svg.matchAll(tag)) {
    end = match.index + match[0].length;
    if (match[5] !== undefined) texts.push(match[5]);
    else if (match[1]) expect(open.pop()).toBe(match[2]);
    else if (!match[4]) open.push(match[2]!);
  }
  expect(svg.slice(end)).toBe('');
  expect(open).toEqual([]);
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}

/** Rings are the only hollow shapes 13 pixels wide; ECharts draws them as a unit circle that is scaled. */
const ringsOf = (svg: string) => svg.match(/matrix\(6\.5,0,0,6\.5,/g)?.length ?? 0;

describe('curveChart', () => {
  test('one run: a colour for each line, the best epoch told in the picture', () => {
    const chart = curveChart([run('LSTM')], loss)!;
    expect(chart.title).toBe('Loss: LSTM');
    expect(chart.lines.map(({ name, color, dash }) => [name, color, dash])).toEqual([
      ['train', 0, 'solid'],
      ['validation', 1, 'solid'],
      ['test', 2, 'solid'],
    ]);
    expect(chart.lines[1]!.points).toEqual(LOSSES.map((value, i) => [i + 1, value]));
    expect(chart.lines.map(({ mark }) => mark)).toEqual([
      undefined,
      { x: 3, text: 'best 0.3000, epoch 3', side: 'below' },
      undefined,
    ]);
  });

  test('several runs: a colour for each run, a dash for each line, the best epochs told below the title', () => {
    const chart = curveChart([run('GRU'), run('LSTM', LOSSES.slice(0, 2))], loss)!;
    expect(chart.lines.map(({ name, color, dash }) => [name, color, dash])).toEqual([
      ['GRU train', 0, 'dashed'],
      ['GRU validation', 0, 'solid'],
      ['GRU test', 0, 'dotted'],
      ['LSTM train', 1, 'dashed'],
      ['LSTM validation', 1, 'solid'],
      ['LSTM test', 1, 'dotted'],
    ]);
    expect(chart.subtitle).toBe('best validation: GRU 0.3000 (epoch 3), LSTM 0.5000 (epoch 2)');
  });

  test('the epoch that was kept is ringed where it is given', () => {
    const chart = curveChart([run('LSTM', LOSSES, { bestEpoch: 4 })], f1)!;
    expect(chart.lines[0]!.mark).toEqual({ x: 4, text: 'best 0.6500, epoch 4', side: 'above' });
  });

  test('values that no run has leave out their line, and the picture with the last one', () => {
    const bare = { name: 'bare', epochs: [{ epoch: 1, trainLoss: 1, lr: 0.1, metrics: {} }] };
    expect(curveChart([bare], loss)!.lines.map(({ name }) => name)).toEqual(['train']);
    expect(curveChart([bare], f1)).toBeUndefined();
    expect(() => curveChart([{ name: 'r', epochs: [...bare.epochs, ...bare.epochs] }], loss)).toThrow(
      'curveChart: epochs must be rising, got 1 after 1 in run "r".',
    );
  });

  test('bestEpoch passes over what is no number and takes the first of equals', () => {
    const { epochs } = run('r', [Number.NaN, 0.5, 0.3, 0.3]);
    expect(bestEpoch(epochs, 'validation.loss', 'min')).toBe(3);
    expect(bestEpoch(epochs, 'validation.loss', 'max')).toBe(2);
    expect(bestEpoch(epochs, 'missing', 'max')).toBeUndefined();
  });
});

describe('SVG', { timeout: 30_000 }, () => {
  test('has title, axes with units, legend and note on a white ground', async () => {
    const svg = await chartSvg(curveChart([run('ner-uk <LSTM> & "co"')], loss)!);
    expect(svg).toMatch(
      /^<svg width="800" height="\d+"[^>]*>\n<rect width="800" height="\d+" x="0" y="0" fill="#ffffff">/,
    );
    const texts = textsOf(svg);
    const note = 'best 0.3000, epoch 3';
    const expected = [
      'Loss: ner-uk &lt;LSTM&gt; &amp; &quot;co&quot;',
      'epoch',
      'cross-entropy (nats per token)',
      'train',
      'validation',
      'test',
      note,
    ];
    for (const text of expected) expect(texts).toContain(text);
    expect(ringsOf(svg)).toBe(1);
  });

  test('is the same bytes for the same chart, and other bytes for another', async () => {
    const first = await chartSvg(curveChart([run('a'), run('b')], loss)!);
    expect(await chartSvg(curveChart([run('a'), run('b')], loss)!)).toBe(first);
    expect(await chartSvg(curveChart([run('a'), run('b', [0.9, 0.5, 0.31, 0.35, 0.4])], loss)!)).not.toBe(first);
    expect(ringsOf(first)).toBe(2);
  });

  test('a rate over decades stands on a logarithmic axis, one within a decade does not', async () => {
    expect(textsOf(await chartSvg(curveChart([run('a')], rate)!))).toEqual(
      expect.arrayContaining(['1e-3', '1e-5', '1e-7']),
    );
    const narrow = curveChart([run('a', [0.9, 0.8])], rate)!;
    expect(textsOf(await chartSvg({ ...narrow, log: false }))).not.toContain('1e-5');
  });

  test('gaps, a single epoch and values that are no numbers are drawn, not thrown at', async () => {
    const gap = await chartSvg(curveChart([run('a', [0.9, Number.NaN, 0.4, 0.3])], loss)!);
    expect(gap).not.toMatch(/NaN|Infinity/);
    expect(ringsOf(gap)).toBe(1);
    const single = await chartSvg(curveChart([run('a', [0.9])], loss)!);
    expect(textsOf(single)).toContain('best 0.9000, epoch 1');
    expect(single).not.toMatch(/NaN|Infinity/);
  });

  test('writeCurves writes the pictures that have a line', async () => {
    const bare = { name: 'bare', epochs: [{ epoch: 1, trainLoss: 1, lr: 0.1, metrics: {} }] };
    const paths = await writeCurves(join(folder, 'out'), [bare]);
    expect(paths).toEqual(['loss.svg', 'learning-rate.svg'].map((name) => join(folder, 'out', name)));
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['learning-rate.svg', 'loss.svg']);
    expect(textsOf(await readFile(paths[0]!, 'utf8'))).toContain('Loss: bare');
  });
});
