// The ground that a roofline is drawn on: logarithmic scales, the adapter's roofs, and where their names stand.
import { bandwidth, type KernelRow, type ProfileReport, ridge, type Spot } from '../profile/index.ts';
import { CHART_AXIS, CHART_COLORS, CHART_FONT } from './chart.ts';

/** In pixels. */
export const WIDTH = 860;
export const PLOT = { left: 78, right: WIDTH - 34, top: 96, bottom: 526 };
export const [BUFFERS, TEXELS] = [CHART_COLORS[0], CHART_COLORS[1]];
const PEAK = '#444444';
/** Of a letter of the roofs' names: wider than most, since the viewer's font is not known. */
const LETTER = 6.8;

/** A kernel that has a place in the plot. */
export type Shown = KernelRow & { gflops: number; intensity: number };
/** From a value of an axis to pixels. */
interface Scale {
  low: number;
  high: number;
  at(value: number): number;
}
export interface Plot {
  x: Scale;
  y: Scale;
}
export interface Roof {
  /** Over the slope. */
  text: string;
  gbps: number;
  color: string;
  /** Where its text stands, above or below the slope. */
  side: 1 | -1;
}

export interface RoofText {
  roof: Roof;
  start: Spot;
  angle: number;
}

export const spotIn =
  ({ x, y }: Plot) =>
  ({ intensity, gflops }: Shown): Spot => ({ x: x.at(intensity), y: y.at(gflops) });

export function roofsOf({ ceilings, kernels }: ProfileReport): Roof[] {
  const buffers = bandwidth(ceilings, false);
  const texels = bandwidth(ceilings, true);
  const roof = (gbps: number, way: string, color: string, side: 1 | -1): Roof => ({
    text: `${perSecond(gbps, 'B')} through ${way}`,
    gbps,
    color,
    side,
  });
  const two = texels > buffers && kernels.some((row) => row.texels);
  return [
    roof(buffers, 'storage buffers', BUFFERS, two ? -1 : 1),
    ...(two ? [roof(texels, 'textures', TEXELS, 1)] : []),
  ];
}

/** Whole decades around kernels and ridges. */
export function plotOf({ ceilings }: ProfileReport, shown: readonly Shown[]): Plot {
  const ridges = [ridge(ceilings, false), ridge(ceilings, true)];
  const xs = [...shown.map(({ intensity }) => intensity), ...ridges.flatMap((value) => [value / 10, value * 10])];
  const ys = [...shown.map(({ gflops }) => gflops), ceilings.gflops * 1.5, ceilings.gflops / 50];
  return {
    x: scale(xs, PLOT.left, PLOT.right),
    y: scale(ys, PLOT.bottom, PLOT.top),
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

export function axis({ low, high }: Scale, name: string) {
  return {
    ...CHART_AXIS,
    type: 'log' as const,
    name,
    min: low,
    max: high,
    axisLabel: { ...CHART_AXIS.axisLabel, formatter: (value: number) => String(Number(value.toPrecision(3))) },
  };
}

type Line = readonly [from: readonly [number, number], to: readonly [number, number]];

/** The slopes from where they enter the plot to their ridges, and from the first ridge on the peak. */
export function roofLines(roofs: readonly Roof[], { ceilings: { gflops } }: ProfileReport, { x, y }: Plot) {
  const slopes = roofs.map(({ gbps, color }) => {
    const enters = Math.max(x.low, y.low / gbps);
    const line: Line = [
      [enters, enters * gbps],
      [gflops / gbps, gflops],
    ];
    return { color, line };
  });
  const first = Math.min(...slopes.map(({ line }) => line[1][0]));
  const peak: Line = [
    [first, gflops],
    [x.high, gflops],
  ];
  return [{ color: PEAK, line: peak }, ...slopes];
}

/** Where along its slope a roof's text covers the fewest points; of equals the lowest. */
export function placeText(roof: Roof, points: readonly Spot[], { ceilings }: ProfileReport, { x, y }: Plot): RoofText {
  const enters = Math.max(x.low, y.low / roof.gbps);
  const at = (value: number) => ({ x: x.at(value), y: y.at(value * roof.gbps) });
  const [low, high] = [at(enters), at(ceilings.gflops / roof.gbps)];
  const angle = Math.atan2(low.y - high.y, high.x - low.x);
  const room = Math.hypot(high.x - low.x, low.y - high.y) - roof.text.length * LETTER;
  const covered = (text: RoofText) =>
    slopeSpots(text).reduce((n, s) => n + points.filter((p) => Math.hypot(p.x - s.x, p.y - s.y) < 12).length, 0);
  let best: { text: RoofText; count: number } | undefined;
  for (let far = 28; !best || far < room; far += 20) {
    const start = { x: low.x + far * Math.cos(angle), y: low.y - far * Math.sin(angle) };
    const text = { roof, start, angle };
    const count = covered(text);
    if (!best || count < best.count) best = { text, count };
  }
  return best.text;
}

export function slopeText({ roof, start, angle }: RoofText) {
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

/** Along the text of a slope, close enough together that no bubble fits between. */
export function slopeSpots({ roof: { text, side }, start, angle }: RoofText): Spot[] {
  const off = side * 12;
  return along(text, (far) => ({
    x: start.x + far * Math.cos(angle) - off * Math.sin(angle),
    y: start.y - far * Math.sin(angle) - off * Math.cos(angle),
  }));
}

const peakName = ({ ceilings }: ProfileReport) => `${perSecond(ceilings.gflops, 'FLOP')}, multiply-adds in registers`;

export function peakText(report: ProfileReport, { y }: Plot) {
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

export function peakSpots(report: ProfileReport, plot: Plot): Spot[] {
  const y = plot.y.at(report.ceilings.gflops) - 13;
  return along(peakName(report), (far) => ({ x: PLOT.right - 8 - far, y }));
}

function along(text: string, spot: (far: number) => Spot): Spot[] {
  return Array.from({ length: Math.ceil((text.length * LETTER) / 8) + 1 }, (_, i) => spot(8 * i));
}

/** Three digits that count, in thousands of 10⁹ where they are so many. */
function perSecond(giga: number, unit: 'FLOP' | 'B'): string {
  const tera = giga >= 10_000;
  return `${Number((tera ? giga / 1000 : giga).toPrecision(3))} ${tera ? 'T' : 'G'}${unit}/s`;
}
