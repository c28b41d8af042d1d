// A profile as people see it: tables, the picture of the roofline, the files of a folder.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PROFILE_FILES, profileMarkdown, profileText, rooflineSvg, writeProfile } from '../../src/node/index.ts';
import {
  type Ceilings,
  type KernelTotal,
  type ProfileReport,
  placeBubbles,
  reportOf,
} from '../../src/profile/index.ts';

const CEILINGS: Ceilings = { gflops: 100, copyGbps: 8, triadGbps: 10, texelGbps: 25 };

function total(label: string, kernel: string, changes: Partial<KernelTotal> = {}): KernelTotal {
  const sums = {
    dispatches: 5,
    timed: 4,
    firstUs: 1400,
    totalUs: 2000,
    longestUs: 900,
    flops: 4e7,
    bytes: 1e7,
    bytesTold: true,
    texels: false,
  };
  return { label, kernel, ...sums, ...changes };
}

function report(kernels: readonly KernelTotal[]): ProfileReport {
  const kernelUs = kernels.reduce((sum, { totalUs }) => sum + totalUs, 0);
  const dispatches = kernels.reduce((sum, k) => sum + k.dispatches, 0);
  const copies = { count: 6, bytes: 1e5, totalUs: 1500 };
  const firsts = { count: 3, totalUs: 4321 };
  const totals = { submits: 3, dispatches, kernelUs, firsts, copies, encodeMs: 1.25, submitMs: 0.5 };
  return reportOf({ totals, kernels, trace: [] }, { adapter: 'An <adapter> & co', ceilings: CEILINGS, wallMs: 20 });
}

const THREE = report([
  total('lstm', 'lstm_step', { totalUs: 5000, firstUs: undefined, flops: undefined, bytes: 1e7, bytesTold: false }),
  total('matmul', 'matmul_direct', { totalUs: 4000, flops: 2e8 }),
  total('matmul', 'matmul_texel', { totalUs: 1000, bytes: 5e6, texels: true }),
]);

test('the table tells what each kernel reached, what is only a bound, and what is not known', () => {
  expect(profileText(THREE)).toBe(`adapter: An <adapter> & co
measured ceilings: 100 GFLOP/s, 10 GB/s through storage buffers, 25 GB/s through textures
wall time: 20.0 ms, 10.0 ms (50.0 %) in 15 dispatches, 1.5 ms in 6 copies and clears between them
left out below: 4.3 ms in the first dispatches of 3 pipelines, where drivers compile
host: 1.3 ms encoding, 0.5 ms submitting, 3 submits

op      kernel         dispatches  total ms   share  mean µs  first ms  GFLOP/s  GB/s  FLOP/byte   of roof
──────  ─────────────  ──────────  ────────  ──────  ───────  ────────  ───────  ────  ─────────  ────────
lstm    lstm_step               5       5.0  50.0 %   1250.0         —        —   ≤ 2          —  ≤ 20.0 %
matmul  matmul_direct           5       4.0  40.0 %   1000.0       1.4       50   2.5         20    50.0 %
matmul  matmul_texel            5       1.0  10.0 %    250.0       1.4       40     5          8    40.0 %
`);
  expect(profileText(THREE, 1)).toMatch(/lstm_step[^\n]*\nand 2 kernels more\n$/);
});

test('Markdown has every kernel, the picture, and what the figures mean', () => {
  const text = profileMarkdown(THREE);
  for (const { kernel } of THREE.kernels) expect(text).toContain(`| ${kernel}`);
  expect(text).toContain('![roofline](roofline.svg)');
  expect(text).toMatch(/^- \*of roof\*: /m);
});

test('the picture has roofs and kernels at their places on logarithmic axes', async () => {
  const svg = await rooflineSvg(THREE);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((m) => m[1]!);
  expect(texts).toEqual(
    expect.arrayContaining([
      'An &lt;adapter&gt; &amp; co',
      'share of kernel time in the key; 50.0 % in kernels whose operations are not counted',
      '10 GB/s through storage buffers',
      '25 GB/s through textures',
      '100 GFLOP/s, multiply-adds in registers',
      'matmul_direct, 40.0 %',
      'matmul_texel, 10.0 %',
    ]),
  );
  expect(texts.join()).not.toContain('lstm_step');
  // x from 0.1 to 100 between pixels 78 and 826, y from 1 to 1000 between 526 and 96: the ridges at 10 and 4 operations a byte.
  const x = (value: number) => 78 + ((Math.log10(value) + 1) / 3) * (826 - 78);
  const y = (value: number) => 526 - (Math.log10(value) / 3) * (526 - 96);
  const near = (value: number) => `${Number(value.toFixed(1))}`;
  expect(svg).toContain(`d="M78 526L${near(x(10))} ${near(y(100))}"`);
  expect(svg).toContain(`d="M78 ${near(y(2.5))}L${near(x(4))} ${near(y(100))}"`);
  expect(svg).toContain(`d="M${near(x(4))} ${near(y(100))}L826 ${near(y(100))}"`);
  const bubbles = [...svg.matchAll(/bold 11px[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>(\d+)</g)].map((m) =>
    m.slice(1).map(Number),
  );
  const [inPlot, inKey] = [bubbles.filter(([, top]) => top! < 526), bubbles.filter(([, top]) => top! > 526)];
  expect(inKey.map(([, , number]) => number)).toEqual([1, 2]);
  expect(inPlot.map((bubble) => bubble.map(Math.round))).toEqual([
    [Math.round(x(20)), Math.round(y(50)), 1],
    [Math.round(x(8)), Math.round(y(40)), 2],
  ]);
  const inks = (picture: string) => new Set([...picture.matchAll(/fill="(#0072B2|#D55E00)"/g)].map((m) => m[1]));
  expect(inks(svg), 'kernels have the colour of their roof').toEqual(new Set(['#0072B2', '#D55E00']));
  const slow = { ...THREE, ceilings: { ...CEILINGS, texelGbps: 9 } };
  expect(inks(await rooflineSvg(slow)), 'which is the buffers’ where textures are slower').toEqual(
    new Set(['#0072B2']),
  );
  expect(await rooflineSvg(THREE), 'the same report is the same bytes').toBe(svg);
});

test('bubbles cover no other bubble and no point, wherever there is room', () => {
  const spot = fc.record({ x: fc.integer({ min: 100, max: 700 }), y: fc.integer({ min: 100, max: 480 }) });
  const room = { left: 78, right: 826, top: 96, bottom: 526, radius: 9 };
  fc.assert(
    fc.property(
      fc.uniqueArray(spot, { minLength: 1, maxLength: 16, selector: ({ x, y }) => `${x},${y}` }),
      (points) => {
        const placed = placeBubbles(points, room);
        placed.forEach((bubble, i) => {
          expect(bubble.x - 9).toBeGreaterThan(room.left);
          expect(bubble.y + 9).toBeLessThan(room.bottom);
          placed.slice(0, i).forEach((other) => {
            expect(Math.hypot(bubble.x - other.x, bubble.y - other.y)).toBeGreaterThanOrEqual(18);
          });
          points.forEach((point, j) => {
            if (i !== j) expect(Math.hypot(bubble.x - point.x, bubble.y - point.y)).toBeGreaterThanOrEqual(9);
          });
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('a bubble that stands alone is on its point; texts and lines are kept clear', () => {
  const room = { left: 0, right: 400, top: 0, bottom: 400, radius: 9 };
  expect(placeBubbles([{ x: 50, y: 60 }], room)).toEqual([{ x: 50, y: 60 }]);
  const [moved] = placeBubbles([{ x: 50, y: 60 }], { ...room, taken: [{ x: 55, y: 60 }] });
  expect(Math.hypot(moved!.x - 55, moved!.y - 60)).toBeGreaterThan(9);
  const line = [
    { x: 0, y: 60 },
    { x: 400, y: 60 },
  ] as const;
  const [off] = placeBubbles([{ x: 50, y: 60 }], { ...room, lines: [line] });
  expect(Math.abs(off!.y - 60)).toBeGreaterThan(9);
});

test('a folder gets the table, the figures, the picture and the trace', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-profile-'));
  try {
    const written = await writeProfile(join(folder, 'deep/down'), THREE);
    expect(written).toEqual(PROFILE_FILES.map((file) => join(folder, 'deep/down', file)));
    expect((await readdir(join(folder, 'deep/down'))).sort()).toEqual([...PROFILE_FILES].sort());
    const read = (file: string) => readFile(join(folder, 'deep/down', file), 'utf8');
    expect(await read('profile.md')).toBe(profileMarkdown(THREE));
    const { trace: _, ...figures } = THREE;
    expect(JSON.parse(await read('profile.json'))).toEqual(JSON.parse(JSON.stringify(figures)));
    expect(JSON.parse(await read('trace.json')).traceEvents.length).toBe(3);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
