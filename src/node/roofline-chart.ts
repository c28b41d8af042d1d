// The picture of a roofline: both axes logarithmic, the adapter's roofs, kernels as numbered bubbles with a key below.
import { type KernelRow, type ProfileReport, placeBubbles, type Spot } from '../profile/index.ts';
import { CHART_FONT, CHART_TEXT, chartTitle, drawSvg } from './chart.ts';
import {
  axis,
  BUFFERS,
  PLOT,
  type Plot,
  peakSpots,
  peakText,
  placeText,
  plotOf,
  type Roof,
  type RoofText,
  roofLines,
  roofsOf,
  type Shown,
  slopeSpots,
  slopeText,
  spotIn,
  TEXELS,
  WIDTH,
} from './roofline-plot.ts';

const KEY_TOP = PLOT.bottom + 62;
const KEY_ROW = 21;
const RADIUS = 9;
/** Kernels with a number; the rest are dots. */
const MOST_NUMBERED = 16;
const LONGEST_NAME = 46;

/** SVG text of a report's roofline. Kernels whose operations are not known have no place in it; the subtitle says how much that is. */
export async function rooflineSvg(report: ProfileReport): Promise<string> {
  const shown = report.kernels.filter((row): row is Shown => !!row.gflops && row.intensity !== undefined);
  const numbered = shown.slice(0, MOST_NUMBERED);
  const plot = plotOf(report, shown);
  const roofs = roofsOf(report);
  const texts = roofs.map((roof) => placeText(roof, shown.map(spotIn(plot)), report, plot));
  const height = KEY_TOP + Math.ceil(numbered.length / 2) * KEY_ROW + 12;
  const left = report.kernels.reduce((sum, row) => sum - row.share * Number(shown.includes(row as Shown)), 1);
  const missing = left > 0.0005 ? `; ${percent(left)} in kernels whose operations are not counted` : '';
  const graphic = [
    ...texts.map(slopeText),
    peakText(report, plot),
    ...bubbles(numbered, shown.slice(MOST_NUMBERED), { roofs, texts, report, plot }),
    ...key(numbered, roofs),
  ];
  return drawSvg(
    {
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: CHART_FONT, color: CHART_TEXT },
      title: titleOf(report.adapter, missing),
      grid: { left: PLOT.left, right: WIDTH - PLOT.right, top: PLOT.top, height: PLOT.bottom - PLOT.top },
      xAxis: { ...axis(plot.x, 'operations per byte (FLOP/byte)'), nameGap: 30 },
      yAxis: { ...axis(plot.y, 'operations per second (GFLOP/s)'), nameGap: 56, nameRotate: 90 },
      series: roofLines(roofs, report, plot).map(({ color, line }) => ({
        type: 'line' as const,
        data: line.map((end) => [...end]),
        symbol: 'none',
        silent: true,
        lineStyle: { width: 2, color },
      })),
      graphic,
    },
    WIDTH,
    height,
  );
}

function titleOf(adapter: string, missing: string) {
  const title = chartTitle('Roofline', `${adapter}\nshare of kernel time in the key${missing}`);
  return { ...title, subtextStyle: { ...title.subtextStyle, lineHeight: 17 } };
}

function bubbles(
  numbered: readonly Shown[],
  rest: readonly Shown[],
  {
    roofs,
    texts,
    report,
    plot,
  }: { roofs: readonly Roof[]; texts: readonly RoofText[]; report: ProfileReport; plot: Plot },
) {
  const spotOf = spotIn(plot);
  const points = numbered.map(spotOf);
  const pixels = ([x, y]: readonly [number, number]): Spot => ({ x: plot.x.at(x), y: plot.y.at(y) });
  const lines = roofLines(roofs, report, plot).map(({ line: [a, b] }) => [pixels(a), pixels(b)] as const);
  const spots = placeBubbles(points, {
    ...PLOT,
    radius: RADIUS,
    taken: [...texts.flatMap(slopeSpots), ...peakSpots(report, plot), ...rest.map(spotOf)],
    lines,
  });
  const dot = ({ x, y }: Spot, fill: string, r = 2.5) => ({
    type: 'circle',
    silent: true,
    shape: { cx: x, cy: y, r },
    style: { fill },
  });
  return [
    ...rest.map((row) => dot(spotOf(row), '#999999')),
    ...numbered.flatMap((row, i) => {
      const [point, spot, ink] = [points[i]!, spots[i]!, inkOf(row, roofs)];
      const shape = { x1: point.x, y1: point.y, x2: spot.x, y2: spot.y };
      return [{ type: 'line', silent: true, shape, style: { stroke: ink, lineWidth: 1 } }, dot(point, ink)];
    }),
    ...numbered.flatMap((row, i) => bubble(spots[i]!, i + 1, inkOf(row, roofs))),
  ];
}

/** The colour of the roof that a kernel is under. */
function inkOf({ texels }: KernelRow, roofs: readonly Roof[]): string {
  return texels && roofs.length > 1 ? TEXELS : BUFFERS;
}

function bubble({ x, y }: Spot, number: number, fill: string) {
  const style = {
    text: String(number),
    x,
    y,
    fill: '#ffffff',
    font: `bold 11px ${CHART_FONT}`,
    align: 'center',
    verticalAlign: 'middle',
  };
  return [
    { type: 'circle', silent: true, shape: { cx: x, cy: y, r: RADIUS }, style: { fill, stroke: '#ffffff' } },
    { type: 'text', silent: true, style },
  ];
}

/** In two columns: number, kernel, the op where its name does not say it, share of the time. */
function key(numbered: readonly Shown[], roofs: readonly Roof[]) {
  const rows = Math.ceil(numbered.length / 2);
  return numbered.flatMap((row, i) => {
    const x = (i < rows ? 24 : WIDTH / 2 + 10) + RADIUS;
    const y = KEY_TOP + (i % rows) * KEY_ROW;
    const op = row.kernel.startsWith(row.label) ? '' : ` (${row.label})`;
    const text = `${shortened(`${row.kernel}${op}`)}, ${percent(row.share)}`;
    const style = { text, x: x + 16, y, fill: CHART_TEXT, font: `12px ${CHART_FONT}`, verticalAlign: 'middle' };
    return [...bubble({ x, y }, i + 1, inkOf(row, roofs)), { type: 'text', silent: true, style }];
  });
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
