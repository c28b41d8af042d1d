// A chart of lines as SVG text, drawn by ECharts without a DOM; white background, dark text, so that it reads in any viewer.

/** A line of a chart: points `[x, y]` in rising x; y that is no finite number leaves a gap. */
export interface ChartLine {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Index of its colour, default its place among the lines. */
  color?: number;
  dash?: 'solid' | 'dashed' | 'dotted';
  /** A point to ring, such as the best epoch's, with a text above or below it. */
  mark?: { x: number; text: string; side: 'above' | 'below' } | undefined;
  /** Whether the legend begins a new row here. */
  newRow?: boolean;
}

export interface Chart {
  title: string;
  /** May have several lines. */
  subtitle?: string | undefined;
  /** Names of the axes, with units. */
  xName: string;
  yName: string;
  lines: readonly ChartLine[];
  /** Logarithmic y; default: where all values are positive and their ratio is over 50. */
  log?: boolean;
  /** In pixels, default 800. */
  width?: number;
  /** In pixels, default 480, and more where title and legend are long. */
  height?: number;
}

/** Okabe and Ito's colours, told apart by colour-blind eyes too; yellow is left out, being unreadable on white. */
export const CHART_COLORS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

export const CHART_TEXT = '#222222';
// Without quotes: ECharts writes the name into an attribute as it is.
export const CHART_FONT = 'Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif';
/** Left edge of the plot and of the legend. */
const MARGIN = 78;
const LEGEND_ROW = 20;
/** Pixels of the line before a legend's entry, and of a letter: wider than most, since the viewer's font is not known. */
const LEGEND_ICON = 34;
const LETTER = 7.8;
/** Markers of every point help in short runs and clutter long ones. */
const MOST_MARKED_POINTS = 40;

/** The SVG text of a chart. */
export async function chartSvg(chart: Chart): Promise<string> {
  const { width = 800 } = chart;
  const head = headOf(chart, width);
  const height = chart.height ?? 380 + head.bottom;
  return drawSvg(optionOf(chart, head), width, height);
}

/** The SVG text of what an option of ECharts describes, in pixels. Loads ECharts at the first call. */
export async function drawSvg(
  option: Readonly<Record<string, unknown>>,
  width: number,
  height: number,
): Promise<string> {
  const echarts = await loadEcharts();
  const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    drawing.setOption(option);
    return tidy(drawing.renderToSVGString());
  } finally {
    drawing.dispose();
  }
}

/**
 * Leaves out what is for the mouse, and the names that count drawings, so that the same chart is the same bytes, and centres
 * text in a way that all viewers know.
 */
function tidy(svg: string): string {
  const parts: [RegExp, string][] = [
    [/ (class="zr\d+-cls-\d+"|ecmeta_\w+="[^"]*")/g, ''],
    [/<style\s*>[\s\S]*?<\/style>\s*/, ''],
    [/zr\d+-c(\d+)/g, 'clip$1'],
    [/dominant-baseline="central"/g, 'dy="0.35em"'],
  ];
  return `${parts.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), svg)}\n`;
}

async function loadEcharts() {
  const [core, { LineChart }, components, { SVGRenderer }] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  const { GraphicComponent, GridComponent, MarkPointComponent, TitleComponent } = components;
  core.use([LineChart, GraphicComponent, GridComponent, MarkPointComponent, TitleComponent, SVGRenderer]);
  return core;
}

/** Where each entry of the legend stands, in columns of one width, and where the plot may begin below. */
function headOf({ subtitle, lines }: Chart, width: number) {
  const top = 46 + (subtitle === undefined ? 0 : subtitle.split('\n').length * 17);
  const step = LEGEND_ICON + 24 + LETTER * Math.max(...lines.map(({ name }) => name.length));
  const perRow = Math.max(1, Math.floor((width - MARGIN - 10) / step));
  let row = 0;
  let column = -1;
  const entries = lines.map(({ newRow }) => {
    column++;
    if (column === perRow || (newRow && column > 0)) {
      row++;
      column = 0;
    }
    return { x: MARGIN + column * step, y: top + (row + 0.5) * LEGEND_ROW };
  });
  return { entries, bottom: top + (row + 1) * LEGEND_ROW + 24 };
}

/** Drawn by hand: ECharts sets its own legend by the widths of letters, which nobody knows before the viewer. */
function legendOf(lines: readonly ChartLine[], entries: readonly { x: number; y: number }[]) {
  return lines.flatMap((line, i) => {
    const { x, y } = entries[i]!;
    const ink = inkOf(line, i);
    const stroke = { stroke: ink, lineWidth: 2, lineDash: line.dash ?? 'solid' };
    const style = {
      text: line.name,
      x: x + LEGEND_ICON + 7,
      y,
      fill: CHART_TEXT,
      font: `12px ${CHART_FONT}`,
      verticalAlign: 'middle',
    };
    return [
      { type: 'line', silent: true, shape: { x1: x, y1: y, x2: x + LEGEND_ICON, y2: y }, style: stroke },
      { type: 'circle', silent: true, shape: { cx: x + LEGEND_ICON / 2, cy: y, r: 3 }, style: { fill: ink } },
      { type: 'text', silent: true, style },
    ];
  });
}

function inkOf({ color }: ChartLine, index: number): string {
  return CHART_COLORS[(color ?? index) % CHART_COLORS.length]!;
}

function optionOf(chart: Chart, head: ReturnType<typeof headOf>) {
  const { title, subtitle, lines } = chart;
  const isLog = chart.log ?? spansDecades(lines);
  const values = lines.flatMap(({ points }) => points.map(([x]) => x));
  const [first, last] = [Math.min(...values), Math.max(...values)];
  const axis = CHART_AXIS;
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: CHART_FONT, color: CHART_TEXT },
    title: chartTitle(title, subtitle),
    graphic: legendOf(lines, head.entries),
    grid: { left: MARGIN, right: 34, bottom: 54, top: head.bottom },
    xAxis: {
      ...axis,
      type: 'value' as const,
      name: chart.xName,
      nameGap: 30,
      minInterval: 1,
      min: first === last ? first - 1 : first,
      max: first === last ? last + 1 : last,
    },
    yAxis: {
      ...axis,
      type: isLog ? ('log' as const) : ('value' as const),
      name: chart.yName,
      nameGap: 56,
      nameRotate: 90,
      scale: true,
      axisLabel: { ...axis.axisLabel, formatter: (value: number) => tickText(value) },
    },
    series: lines.map(seriesOf),
  };
}

/** How every axis looks. */
export const CHART_AXIS = {
  nameLocation: 'middle' as const,
  nameTextStyle: { color: CHART_TEXT, fontSize: 13 },
  axisLabel: { color: CHART_TEXT, fontSize: 12 },
  axisLine: { show: true, lineStyle: { color: '#666666' } },
  axisTick: { show: true },
  splitLine: { lineStyle: { color: '#e4e4e4' } },
};

/** Title and subtitle, whose lines are 17 pixels high, over the middle of a picture. */
export function chartTitle(title: string, subtitle = '') {
  return {
    text: title,
    subtext: subtitle,
    left: 'center',
    top: 8,
    itemGap: 6,
    textStyle: { fontSize: 17, color: CHART_TEXT },
    subtextStyle: { fontSize: 12, color: '#555555' },
  };
}

function seriesOf(line: ChartLine, index: number) {
  const { name, points, dash = 'solid', mark } = line;
  const ink = inkOf(line, index);
  const marked = mark && points.find(([x, y]) => x === mark.x && Number.isFinite(y));
  return {
    type: 'line' as const,
    name,
    data: points.map(([x, y]) => [x, Number.isFinite(y) ? y : null]),
    showSymbol: points.length <= MOST_MARKED_POINTS,
    symbol: 'circle',
    symbolSize: 4,
    lineStyle: { width: 2, type: dash, color: ink },
    itemStyle: { color: ink },
    ...(marked && { markPoint: ringAt(marked, mark, ink, placeAmong(points, marked[0])) }),
  };
}

function ringAt(
  coord: readonly [number, number],
  { text, side }: NonNullable<ChartLine['mark']>,
  ink: string,
  place: number,
) {
  return {
    symbol: 'circle',
    symbolSize: 13,
    itemStyle: { color: 'transparent', borderColor: ink, borderWidth: 2 },
    label: {
      position: side === 'above' ? ('top' as const) : ('bottom' as const),
      distance: 6,
      align: place < 0.15 ? ('left' as const) : place > 0.85 ? ('right' as const) : ('center' as const),
      color: ink,
      fontWeight: 'bold' as const,
      // A rim of the background keeps the text readable where it crosses a line.
      textBorderColor: '#ffffff',
      textBorderWidth: 3,
      formatter: () => text,
    },
    data: [{ coord: [...coord] }],
  };
}

/** 0 at the first point, 1 at the last. */
function placeAmong(points: ChartLine['points'], x: number): number {
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  return first === last ? 0.5 : (x - first) / (last - first);
}

function spansDecades(lines: readonly ChartLine[]): boolean {
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  const lowest = Math.min(...values);
  return lowest > 0 && Math.max(...values) / lowest > 50;
}

/** Rid of the digits that binary fractions add: 0.30000000000000004 is 0.3. */
function tickText(value: number): string {
  const text = String(Number(value.toPrecision(6)));
  return Math.abs(value) > 0 && Math.abs(value) < 0.01 ? Number(text).toExponential() : text;
}
