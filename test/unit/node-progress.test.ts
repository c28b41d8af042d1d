// Progress and tables: a bar only on terminals, no cursor codes elsewhere, silence where asked; columns that line up.
import { Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatSeconds, Progress, type ProgressStream } from '../../src/node/progress.ts';
import { displayWidth, formatNumber, markdownTable, textTable } from '../../src/node/table.ts';
import type { BatchEvent, EpochEvent } from '../../src/train/index.ts';

afterEach(() => vi.unstubAllEnvs());

function stream(isTTY: boolean, columns = 120): { stream: ProgressStream; text: () => string } {
  const chunks: string[] = [];
  const write = (chunk: Buffer, _: string, done: () => void) => {
    chunks.push(chunk.toString());
    done();
  };
  return { stream: Object.assign(new Writable({ write }), { isTTY, columns }), text: () => chunks.join('') };
}

const batchEvent = (epoch: number, batch: number, batches = 10): BatchEvent => ({
  position: { epoch, batch, step: epoch * batches + batch },
  batches,
  runningLoss: 0.5,
  epochLoss: 0.75,
  tokensPerSecond: 12_345,
  secondsLeft: (batches - batch) * 2,
  lr: 1e-4,
});
const epochEvent = (epoch: number): EpochEvent => ({
  epoch,
  step: epoch * 10,
  trainLoss: 0.75,
  lr: 1e-4,
  seconds: 20,
  tokensPerSecond: 987.6,
  metrics: { 'validation.loss': 0.8, 'validation.f1': 0.71236, 'validation.sentenceF1': 0.12 },
});

describe('Progress', () => {
  test('in a pipe: a line every n batches and at the end of each epoch, no cursor codes', () => {
    let time = 0;
    const out = stream(false);
    const progress = new Progress({ epochs: 12, stream: out.stream, every: 4, now: () => time });
    for (let batch = 2; batch <= 10; batch += 2) {
      time = batch * 2000;
      progress.onBatch(batchEvent(0, batch));
    }
    time = 25_000;
    progress.onEpoch(epochEvent(1));
    progress.onBatch(batchEvent(1, 4));
    progress.close();
    expect(out.text().split('\n')).toEqual([
      'epoch  1/12  batch 4/10  loss 0.7500  running 0.5000  12.3k tokens/s  left 3:52',
      'epoch  1/12  batch 8/10  loss 0.7500  running 0.5000  12.3k tokens/s  left 3:44',
      'epoch  1/12  batch 10/10  loss 0.7500  running 0.5000  12.3k tokens/s  left 3:40',
      'epoch  1/12  train loss 0.7500  validation.loss 0.8000  validation.f1 0.7124  lr 0.0001  988 tokens/s  0:25',
      'epoch  2/12  batch 4/10  loss 0.7500  running 0.5000  12.3k tokens/s  left 4:22',
      '',
    ]);
    expect(out.text()).not.toContain('\u001b');
  });

  test.each([false, true])('while the first batch waits for kernels it says so (terminal: %s)', (isTTY) => {
    vi.useFakeTimers();
    try {
      const out = stream(isTTY);
      let kernels = 0;
      const progress = new Progress({ epochs: 2, stream: out.stream, now: () => Date.now(), kernels: () => kernels });
      vi.advanceTimersByTime(5_000); // the data is read
      kernels = 7;
      vi.advanceTimersByTime(2_000);
      expect(out.text()).toBe('');
      kernels = 29;
      vi.advanceTimersByTime(12_000);
      expect(out.text().split('\n')).toEqual([
        expect.stringMatching(
          /^compiling for this adapter \(0:02, 29 kernels so far\): .* the next run starts at once$/,
        ),
        expect.stringContaining('(0:12, 29 kernels so far)'),
        '',
      ]);
      progress.onBatch(batchEvent(0, 1));
      const before = out.text();
      vi.advanceTimersByTime(60_000);
      progress.close();
      expect(out.text().slice(before.length)).not.toContain('compiling');
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a first batch that comes soon, and a run that says nothing, have no word of compiling', () => {
    vi.useFakeTimers();
    try {
      const [soon, silent] = [stream(false), stream(false)];
      const now = () => Date.now();
      const progress = new Progress({ epochs: 2, stream: soon.stream, now, kernels: () => 29 });
      const quiet = new Progress({ epochs: 2, stream: silent.stream, mode: 'silent', now, kernels: () => 29 });
      vi.advanceTimersByTime(1_900);
      progress.onBatch(batchEvent(0, 1));
      vi.advanceTimersByTime(60_000);
      expect(soon.text() + silent.text()).toBe('');
      quiet.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test('on a terminal: a bar with all figures, cut to its width, and whole lines above it', () => {
    const out = stream(true, 120);
    const progress = new Progress({ epochs: 3, stream: out.stream });
    expect(progress.mode).toBe('bar');
    progress.onBatch(batchEvent(0, 5));
    expect(out.text()).toContain(
      'epoch 1/3 |██████████░░░░░░░░░░| 5/10  loss 0.7500  running 0.5000  12.3k tokens/s  left 0:',
    );
    progress.log('a word between');
    expect(out.text()).toContain('a word between\n');
    expect(out.text().split('a word between\n')[1]).toContain('5/10  loss 0.7500');
    progress.onEpoch(epochEvent(1));
    expect(out.text()).toMatch(
      /epoch 1\/3 {2}train loss 0\.7500 {2}validation\.loss 0\.8000 {2}validation\.f1 0\.7124 .*\n$/,
    );
    // Neither the cursor is hidden nor wrapping turned off, so a killed run leaves nothing to be mended.
    expect(out.text()).not.toContain('\u001b[?');
    const narrow = stream(true, 30);
    const small = new Progress({ epochs: 3, stream: narrow.stream });
    small.onBatch(batchEvent(0, 5));
    expect(narrow.text()).not.toContain('5/10');
    small.close();
  });

  test('a terminal without cursor codes gets lines; silence is silent', () => {
    vi.stubEnv('TERM', 'dumb');
    const out = stream(true);
    const progress = new Progress({ epochs: 3, stream: out.stream, every: 1 });
    progress.onBatch(batchEvent(0, 5));
    progress.close();
    expect(out.text()).toMatch(/^epoch 1\/3 {2}batch 5\/10 .*\n$/);
    expect(out.text()).not.toContain('\u001b');
    const silent = new Progress({ epochs: 3, stream: out.stream, mode: 'silent' });
    const before = out.text();
    silent.onBatch(batchEvent(0, 10));
    silent.onEpoch(epochEvent(1));
    silent.log('nothing');
    silent.close();
    expect(out.text()).toBe(before);
  });

  test('the line of an epoch shows the metrics asked for', () => {
    const out = stream(false);
    new Progress({ epochs: 1, stream: out.stream, metrics: ['validation.sentenceF1'] }).onEpoch(epochEvent(1));
    expect(out.text()).toContain('train loss 0.7500  validation.sentenceF1 0.1200  lr');
  });

  test('closing leaves no timer behind', () => {
    vi.useFakeTimers();
    const progress = new Progress({ epochs: 3, stream: stream(true).stream });
    progress.onBatch(batchEvent(0, 5));
    expect(vi.getTimerCount()).toBe(1);
    progress[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  test.each([
    [7.4, '0:07'],
    [59.6, '1:00'],
    [750, '12:30'],
    [7500, '2:05:00'],
    [-3, '0:00'],
    [Number.POSITIVE_INFINITY, '?'],
  ])('formatSeconds(%s) is %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});

describe('tables', () => {
  test('text: numbers to the right, words to the left, by the width seen', () => {
    const rows = [
      ['Київ', 1, 0.5],
      ['東京', 12, undefined],
      ['\u001b[31mred\u001b[39m', undefined, 1e-5],
    ];
    expect(textTable(rows, { header: ['place', 'n', 'loss'] })).toBe(
      [
        'place   n    loss',
        '─────  ──  ──────',
        'Київ    1  0.5000',
        '東京   12',
        '\u001b[31mred\u001b[39m          1e-5',
        '',
      ].join('\n'),
    );
    expect(
      textTable(
        [
          ['a', 'bb'],
          ['ccc', 'd'],
        ],
        { align: 'rl' },
      ),
    ).toBe('  a  bb\nccc  d\n');
  });

  test('Markdown: what would end a cell is escaped', () => {
    expect(
      markdownTable(
        [
          ['a|b', 2],
          ['c\nd', 10],
        ],
        { header: ['x', 'y'], format: (value) => `${value}!` },
      ),
    ).toBe('| x    |   y |\n| ---- | --: |\n| a\\|b |  2! |\n| c d  | 10! |\n');
  });

  test.each([
    [3, '3'],
    [0.123456, '0.1235'],
    [-0.00012, '-0.00012'],
    [0.00001234, '1.234e-5'],
    [1234567.8, '1.235e+6'],
    [Number.NaN, 'NaN'],
  ])('formatNumber(%s) is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  test('displayWidth', () => {
    expect(['naïve', 'nai\u0308ve', '東京', '🙂', 'і\u200dї'].map(displayWidth)).toEqual([5, 5, 4, 2, 2]);
  });
});
