// Pictures of training runs: loss, F1 and learning rate by epoch as SVG files, one run or several laid over each other.
import { join } from 'node:path';
import { refuse } from '../check.ts';
import type { EpochEvent } from '../train/index.ts';
import { type Chart, type ChartLine, chartSvg } from './chart.ts';
import { writeAtomic } from './files.ts';
import { formatNumber } from './table.ts';

/** What an epoch leaves behind: the fields of the trainer's `EpochEvent` that are drawn. */
export type EpochRecord = Pick<EpochEvent, 'epoch' | 'trainLoss' | 'lr' | 'metrics'>;

/** A run, as pictures name it. */
export interface RunHistory {
  name: string;
  epochs: readonly EpochRecord[];
  /** The epoch whose parameters were kept; default: the best of each picture's `best` line. */
  bestEpoch?: number;
}

/** A line of a picture: its label, and what it shows: `trainLoss`, `lr`, or the name of a metric. */
export interface CurveLine {
  label: string;
  value: string;
  /** Look: 0, 1 and 2 are dashed, solid and dotted where runs are compared, and colours where one is shown. Default its place. */
  look?: number;
}

/** One picture: which values of an epoch are its lines. */
export interface CurvePanel {
  /** File name without `.svg`. */
  file: string;
  title: string;
  yName: string;
  lines: readonly CurveLine[];
  /** The line whose best epoch is ringed, and what best is. */
  best?: { value: string; mode: 'min' | 'max' };
}

/** The pictures of a tagger's run; lines whose metric no run has are left out, and so are pictures without a line. */
export const TAGGER_PANELS: readonly CurvePanel[] = [
  {
    file: 'loss',
    title: 'Loss',
    yName: 'cross-entropy (nats per token)',
    lines: [
      { label: 'train', value: 'trainLoss' },
      { label: 'validation', value: 'validation.loss', look: 1 },
      { label: 'test', value: 'test.loss', look: 2 },
    ],
    best: { value: 'validation.loss', mode: 'min' },
  },
  {
    file: 'f1',
    title: 'Entity F1',
    yName: 'micro-averaged F1 (0 to 1)',
    lines: [
      { label: 'validation', value: 'validation.f1', look: 1 },
      { label: 'test', value: 'test.f1', look: 2 },
    ],
    best: { value: 'validation.f1', mode: 'max' },
  },
  {
    file: 'learning-rate',
    title: 'Learning rate',
    yName: 'learning rate (per step)',
    lines: [{ label: 'learning rate', value: 'lr' }],
  },
];

const DASHES = ['dashed', 'solid', 'dotted'] as const;

/**
 * The chart of one panel. Of one run, each line has a colour; of several, each run has a colour and each line a dash
 * (first dashed, second solid, third dotted). Undefined where no run has any of the values.
 */
export function curveChart(runs: readonly RunHistory[], panel: CurvePanel): Chart | undefined {
  for (const { name, epochs } of runs) {
    const wrong = epochs.findIndex(({ epoch }, i) => i > 0 && epoch <= epochs[i - 1]!.epoch);
    if (wrong < 0) continue;
    const actual = `${epochs[wrong]!.epoch} after ${epochs[wrong - 1]!.epoch} in run ${JSON.stringify(name)}`;
    refuse('curveChart', 'epochs', 'rising', actual);
  }
  const lines = runs.flatMap((run, r) => linesOf(run, r, panel, runs.length > 1));
  if (lines.length === 0) return undefined;
  const single = runs.length === 1 ? runs[0]! : undefined;
  return {
    title: single ? `${panel.title}: ${single.name}` : panel.title,
    subtitle: single ? undefined : bestNotes(lines, runs, panel),
    xName: 'epoch',
    yName: panel.yName,
    lines,
  };
}

/** Draws every panel into `<folder>/<file>.svg` and returns the paths; pictures without a line are not written. */
export async function writeCurves(
  folder: string,
  runs: readonly RunHistory[],
  panels: readonly CurvePanel[] = TAGGER_PANELS,
): Promise<string[]> {
  const written: string[] = [];
  for (const panel of panels) {
    const chart = curveChart(runs, panel);
    if (!chart) continue;
    const path = join(folder, `${panel.file}.svg`);
    await writeAtomic(path, await chartSvg(chart));
    written.push(path);
  }
  return written;
}

/** The best epoch by one value, undefined where no epoch has it; of equals the first. */
export function bestEpoch(epochs: readonly EpochRecord[], value: string, mode: 'min' | 'max'): number | undefined {
  let best: readonly [number, number] | undefined;
  for (const [epoch, y] of pointsOf(epochs, value)) {
    if (Number.isFinite(y) && (!best || (mode === 'min' ? y < best[1] : y > best[1]))) best = [epoch, y];
  }
  return best?.[0];
}

/** Notes of several runs would cover each other in the picture: they stand below its title, three a line. */
function bestNotes(lines: readonly ChartLine[], runs: readonly RunHistory[], panel: CurvePanel): string | undefined {
  const notes = lines.flatMap(({ mark, points, color }) => {
    const at = mark && points.find(([x]) => x === mark.x);
    return at ? [`${runs[color!]!.name} ${formatNumber(at[1])} (epoch ${at[0]})`] : [];
  });
  if (notes.length === 0) return undefined;
  const label = panel.lines.find(({ value }) => value === panel.best!.value)!.label;
  const rows = Array.from({ length: Math.ceil(notes.length / 3) }, (_, i) => notes.slice(3 * i, 3 * i + 3).join(', '));
  return `best ${label}: ${rows.join(',\n')}`;
}

function linesOf(run: RunHistory, index: number, panel: CurvePanel, several: boolean): ChartLine[] {
  const { best } = panel;
  const found = panel.lines.map((line) => ({ ...line, points: pointsOf(run.epochs, line.value) }));
  const drawn = found.filter(({ points }) => points.length > 0);
  return drawn.map(({ label, value, points, look }) => {
    const place = look ?? panel.lines.findIndex((line) => line.value === value);
    const marked = best?.value === value ? (run.bestEpoch ?? bestEpoch(run.epochs, value, best.mode)) : undefined;
    const at = points.find(([epoch]) => epoch === marked);
    const text = at && !several ? `best ${formatNumber(at[1])}, epoch ${at[0]}` : '';
    return {
      name: several ? [run.name, ...(panel.lines.length > 1 ? [label] : [])].join(' ') : label,
      points,
      newRow: several && drawn[0]!.value === value && panel.lines.length > 1,
      color: several ? index : place,
      dash: several && panel.lines.length > 1 ? DASHES[place % DASHES.length]! : 'solid',
      mark: at && { x: at[0], text, side: best!.mode === 'max' ? 'above' : 'below' },
    };
  });
}

function pointsOf(epochs: readonly EpochRecord[], value: string): (readonly [number, number])[] {
  return epochs.flatMap((record) => {
    const y = value === 'trainLoss' || value === 'lr' ? record[value] : record.metrics[value];
    return y === undefined ? [] : [[record.epoch, y] as const];
  });
}
