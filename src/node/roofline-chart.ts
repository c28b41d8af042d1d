// The picture of a roofline: both axes logarithmic, the adapter's roofs, kernels as numbered bubbles with a key below.
import { bandwidth, type KernelRow, type ProfileReport, placeBubbles, ridge, type Spot } from '../profile/index.ts';
import { CHART_AXIS, CHART_COLORS, CHART_FONT, CHART_TEXT, chartTitle, drawSvg } from './chart.ts';

const WIDTH = 860;
const PLOT = { left: 78, right: WIDTH - 34, top: 92, height: 430 };
const BOTTOM = PLOT.top + PLOT.height;
const KEY_TOP = BOTTOM + 62;
const KEY_ROW = 21;
const RADIUS = 9;
/** Kernels with a number; the rest are dots. */
const MOST_NUMBERED = 16;
/** Of a letter of the roofs' names: wider than most, since the viewer's font is not known. */
const LETTER = 6.8;
const PEAK = '#444444';
const [BUFFERS, TEXELS] = [CHART_COLORS[0], CHART_COLORS[1]];

type Shown = KernelRow & { gflops: number; intensity: number };
/** From a value of an axis to pixels. */
interface Scale {
  low: number;
  high: number;
  at(value: number): number;
}
interface Plot {
  x: Scale;
  y: Scale;
}
interface Roof {
  /** Over the slope. */
  text: string;
  gbps: number;
  color: string;
  /** Where its text stands, above or below the slope. */
  side: 1 | -1;
  texels: boolean;
}

/** SVG text of a report's roofline. Kernels whose operations are not known have no place in it; the subtitle says how much that is. */
export async function rooflineSvg(report: ProfileReport): Promise<string> {
  const shown = report.kernels.filter((row): row is Shown => !!row.gflops && row.intensity !== undefined);
  const numbered = shown.slice(0, MOST_NUMBERED);
  const plot = plotOf(report, shown);
  const roofs = roofsOf(report);
  const height = KEY_TOP + Math.ceil(numbered.length / 2) * KEY_ROW + 12;
  const left = report.kernels.reduce((sum, row) => sum - row.share * Number(shown.includes(row as Shown)), 1);
  const missing = left > 0.0005 ? `; ${percent(left)} in kernels whose operations are not counted` : '';
  const graphic = [
    ...roofs.map((roof) => slopeText(roof, plot)),
    peakText(report, plot),
    ...bubbles(numbered, shown.slice(MOST_NUMBERED), roofs, report, plot),
    ...key(numbered),
  ];
  return drawSvg(
    {
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: CHART_FONT, color: CHART_TEXT },
      title: chartTitle('Roofline', `${report.adapter}\nshare of kernel time in the key${missing}`),
      grid: { left: PLOT.left, right: WIDTH - PLOT.right, top: PLOT.top, height: PLOT.height },
      xAxis: { ...axis(plot.x, 'operations per byte (FLOP/byte)'), nameGap: 30 },
      yAxis: { ...axis(plot.y, 'operations per second (GFLOP/s)'), nameGap: 56, nameRotate: 90 },
      series: roofs.map((roof) => roofLine(roof, report, plot)),
      graphic,
    },
    WIDTH,
    height,
  );
}

function roofsOf({ ceilings, kernels }: ProfileReport): Roof[] {
  const buffers = bandwidth(ceilings, false);
  const texels = bandwidth(ceilings, true);
  const roof = (gbps: number, way: string, color: string, side: 1 | -1): Roof => ({
    text: `${digits(gbps)} GB/s through ${way}`,
    gbps,
    color,
    side,
    texels: way === 'textures',
  });
  const two = texels > buffers && kernels.some((row) => row.texels);
  return [
    roof(buffers, 'storage buffers', BUFFERS, two ? -1 : 1),
    ...(two ? [roof(texels, 'textures', TEXELS, 1)] : []),
  ];
}

/** Whole decades around kernels and ridges. */
function plotOf({ ceilings }: ProfileReport, shown: readonly Shown[]): Plot {
  const ridges = [ridge(ceilings, false), ridge(ceilings, true)];
  const xs = [...shown.map(({ intensity }) => intensity), ...ridges.flatMap((value) => [value / 10, value * 10])];
  const ys = [...shown.map(({ gflops }) => gflops), ceilings.gflops * 1.5, ceilings.gflops / 50];
  return {
    x: scale(xs, PLOT.left, PLOT.right),
    y: scale(ys, BOTTOM, PLOT.top),
  };
}

function scale(values: readonly number[], start: number, end: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return {
    low: 10 ** low,
    high: 10 ** high,
    at: (value) => start + ((Math.log10(value) - low) / (high - low)) * (end - start),
  };
}

function axis({ low, high }: Scale, name: string) {
  return {
    ...CHART_AXIS,
    type: 'log' as const,
    name,
    min: low,
    max: high,
    axisLabel: { ...CHART_AXIS.axisLabel, formatter: (value: number) => String(Number(value.toPrecision(3))) },
  };
}

/** From where the slope enters the plot, over the ridge, to the right edge. */
function corners({ gbps }: Roof, { ceilings: { gflops } }: ProfileReport, { x, y }: Plot): [number, number][] {
  const enters = Math.max(x.low, y.low / gbps);
  return [
    [enters, enters * gbps],
    [gflops / gbps, gflops],
    [x.high, gflops],
  ];
}

function roofLine(roof: Roof, report: ProfileReport, plot: Plot) {
  return {
    type: 'line' as const,
    data: corners(roof, report, plot),
    symbol: 'none',
    silent: true,
    lineStyle: { width: 2, color: roof.color },
  };
}

/** Along the slope, near its lower end. */
function slopeText(roof: Roof, plot: Plot) {
  const { start, angle } = slopeAt(roof, plot);
  return {
    type: 'text',
    silent: true,
    x: start.x,
    y: start.y,
    rotation: angle,
    style: {
      text: roof.text,
      x: 0,
      y: -roof.side * 5,
      fill: roof.color,
      font: `12px ${CHART_FONT}`,
      verticalAlign: roof.side > 0 ? 'bottom' : 'top',
    },
  };
}

function slopeAt({ gbps }: Roof, { x, y }: Plot): { start: Spot; angle: number } {
  const enters = Math.max(x.low, y.low / gbps);
  const pixels = (value: number) => ({ x: x.at(value), y: y.at(value * gbps) });
  const [a, b] = [pixels(enters), pixels(enters * 10)];
  const angle = Math.atan2(a.y - b.y, b.x - a.x);
  return { start: { x: a.x + 22 * Math.cos(angle), y: a.y - 22 * Math.sin(angle) }, angle };
}

const peakName = ({ ceilings }: ProfileReport) => `${digits(ceilings.gflops)} GFLOP/s, multiply-adds in registers`;

function peakText(report: ProfileReport, { y }: Plot) {
  return {
    type: 'text',
    silent: true,
    style: {
      text: peakName(report),
      x: PLOT.right - 8,
      y: y.at(report.ceilings.gflops) - 6,
      fill: PEAK,
      font: `12px ${CHART_FONT}`,
      align: 'right',
      verticalAlign: 'bottom',
    },
  };
}

function bubbles(
  numbered: readonly Shown[],
  rest: readonly Shown[],
  roofs: readonly Roof[],
  report: ProfileReport,
  plot: Plot,
) {
  const spotOf = ({ intensity, gflops }: Shown): Spot => ({ x: plot.x.at(intensity), y: plot.y.at(gflops) });
  const points = numbered.map(spotOf);
  const lines = roofs.flatMap((roof) => {
    const [a, b, c] = corners(roof, report, plot).map(([x, y]) => ({ x: plot.x.at(x), y: plot.y.at(y) }));
    return [[a!, b!] as const, [b!, c!] as const];
  });
  const spots = placeBubbles(points, {
    left: PLOT.left,
    right: PLOT.right,
    top: PLOT.top,
    bottom: BOTTOM,
    radius: RADIUS,
    taken: [...textSpots(roofs, report, plot), ...rest.map(spotOf)],
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
      const [point, spot, ink] = [points[i]!, spots[i]!, inkOf(row)];
      const shape = { x1: point.x, y1: point.y, x2: spot.x, y2: spot.y };
      return [{ type: 'line', silent: true, shape, style: { stroke: ink, lineWidth: 1 } }, dot(point, ink)];
    }),
    ...numbered.flatMap((row, i) => bubble(spots[i]!, i + 1, inkOf(row))),
  ];
}

/** Along the texts of the roofs, close enough together that no bubble fits between. */
function textSpots(roofs: readonly Roof[], report: ProfileReport, plot: Plot): Spot[] {
  const slopes = roofs.flatMap((roof) => {
    const { start, angle } = slopeAt(roof, plot);
    const off = roof.side * 12;
    return along(roof.text, (far) => ({
      x: start.x + far * Math.cos(angle) - off * Math.sin(angle),
      y: start.y - far * Math.sin(angle) - off * Math.cos(angle),
    }));
  });
  const y = plot.y.at(report.ceilings.gflops) - 13;
  return [...slopes, ...along(peakName(report), (far) => ({ x: PLOT.right - 8 - far, y }))];
}

function along(text: string, spot: (far: number) => Spot): Spot[] {
  return Array.from({ length: Math.ceil((text.length * LETTER) / 8) + 1 }, (_, i) => spot(8 * i));
}

function inkOf({ texels }: KernelRow): string {
  return texels ? TEXELS : BUFFERS;
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

/** In two columns: number, kernel, the op where its name does not say it, GFLOP/s, share of the time. */
function key(numbered: readonly Shown[]) {
  const rows = Math.ceil(numbered.length / 2);
  return numbered.flatMap((row, i) => {
    const x = (i < rows ? 24 : WIDTH / 2 + 10) + RADIUS;
    const y = KEY_TOP + (i % rows) * KEY_ROW;
    const op = row.kernel.startsWith(row.label) ? '' : ` (${row.label})`;
    const text = `${row.kernel}${op}, ${digits(row.gflops)} GFLOP/s, ${percent(row.share)}`;
    const style = { text, x: x + 16, y, fill: CHART_TEXT, font: `12px ${CHART_FONT}`, verticalAlign: 'middle' };
    return [...bubble({ x, y }, i + 1, inkOf(row)), { type: 'text', silent: true, style }];
  });
}

/** Three digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
