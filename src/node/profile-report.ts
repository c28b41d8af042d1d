// A profile for people: the table of its kernels as text and Markdown, the roofline, the trace; all into one folder.
import { join } from 'node:path';
import { bandwidth, chromeTrace, type KernelRow, type ProfileReport } from '../profile/index.ts';
import { writeAtomic } from './files.ts';
import { rooflineSvg } from './roofline-chart.ts';
import { type Cell, markdownTable, textTable } from './table.ts';

const HEADER = [
  'op',
  'kernel',
  'dispatches',
  'total ms',
  'share',
  'mean µs',
  'first ms',
  'GFLOP/s',
  'GB/s',
  'FLOP/byte',
  'of roof',
] as const;
const ALIGN = 'llrrrrrrrrr';
/** A figure that is not known. */
const UNKNOWN = '—';

/** What `writeProfile` leaves in a folder. */
export const PROFILE_FILES = ['profile.md', 'profile.json', 'roofline.svg', 'trace.json'] as const;

/** The report as lines for a terminal: ceilings, sums, and the table of kernels, the longest first. */
export function profileText(report: ProfileReport, most = 25): string {
  const rows = report.kernels.slice(0, most).map(cellsOf);
  const rest = report.kernels.length - rows.length;
  return [
    ...summary(report).map((line) => `${line}\n`),
    '\n',
    textTable(rows, { header: HEADER, align: ALIGN }),
    ...(rest > 0 ? [`and ${rest} kernels more\n`] : []),
  ].join('');
}

/** The same as Markdown, with every kernel. */
export function profileMarkdown(report: ProfileReport): string {
  const lines = summary(report).map((line) => `- ${line}\n`);
  const table = markdownTable(report.kernels.map(cellsOf), { header: HEADER, align: ALIGN });
  return `# Profile\n\n${lines.join('')}\n![roofline](roofline.svg)\n\n${table}\n${NOTES}`;
}

const NOTES = `- *first ms*: the longest first dispatch of a pipeline, within which many a driver compiles; not in the other figures unless there
  was no other dispatch.
- *GFLOP/s*: a multiply-add is two operations; ${UNKNOWN} where a kernel's operations are not counted.
- *GB/s*: bytes that a kernel must read and write at least once, over its time; caches may serve them. ≤ where they are all that
  is bound, of which the kernel may touch a part.
- *of roof*: share of what the kernel's operations per byte allow under the measured ceilings; of the bandwidth where the
  operations are not counted. Over 100 % means that caches are faster than memory.
- \`trace.json\` opens in chrome://tracing and in Perfetto: the last submits, kernel by kernel.
`;

/**
 * Writes `profile.md`, `profile.json` (all but the trace), `roofline.svg` and `trace.json` (Chrome's format) into a folder,
 * which is made. Returns their paths.
 */
export async function writeProfile(folder: string, report: ProfileReport): Promise<string[]> {
  const { trace: _, ...figures } = report;
  const texts: Record<(typeof PROFILE_FILES)[number], string> = {
    'profile.md': profileMarkdown(report),
    'profile.json': `${JSON.stringify(figures, undefined, 2)}\n`,
    'roofline.svg': await rooflineSvg(report),
    'trace.json': traceText(report),
  };
  for (const file of PROFILE_FILES) await writeAtomic(join(folder, file), texts[file]);
  return PROFILE_FILES.map((file) => join(folder, file));
}

/** One event a line. */
function traceText(report: ProfileReport): string {
  const { traceEvents, ...rest } = chromeTrace(report);
  const events = traceEvents.map((event) => JSON.stringify(event)).join(',\n');
  return `{"traceEvents":[\n${events}\n],${JSON.stringify(rest).slice(1)}\n`;
}

function summary(report: ProfileReport): string[] {
  const { adapter, ceilings, wallMs, totals } = report;
  const { copies, firsts } = totals;
  const texels = ceilings.texelGbps === undefined ? '' : `, ${digits(ceilings.texelGbps)} GB/s through textures`;
  const copied = copies.count > 0 ? `, ${ms(copies.totalUs)} in ${copies.count} copies and clears between them` : '';
  return [
    `adapter: ${adapter}`,
    `measured ceilings: ${digits(ceilings.gflops)} GFLOP/s, ${digits(bandwidth(ceilings, false))} GB/s through storage buffers${texels}`,
    `wall time: ${ms(1000 * wallMs)}, ${ms(totals.kernelUs)} (${percent(totals.kernelUs / (1000 * wallMs))}) in ${totals.dispatches} dispatches${copied}`,
    ...(firsts.count > 0
      ? [
          `left out below: ${ms(firsts.totalUs)} in the first dispatches of ${firsts.count} pipelines, where drivers compile`,
        ]
      : []),
    `host: ${ms(1000 * totals.encodeMs)} encoding, ${ms(1000 * totals.submitMs)} submitting, ${totals.submits} submits`,
  ];
}

function cellsOf(row: KernelRow): Cell[] {
  const { bytesTold: told, bound } = row;
  return [
    row.label,
    row.kernel,
    String(row.dispatches),
    (row.totalUs / 1000).toFixed(1),
    percent(row.share),
    (row.totalUs / row.timed).toFixed(1),
    row.firstUs === undefined ? UNKNOWN : (row.firstUs / 1000).toFixed(1),
    row.gflops === undefined ? UNKNOWN : digits(row.gflops),
    `${told ? '' : '≤ '}${digits(row.gbps)}`,
    row.intensity === undefined ? UNKNOWN : `${told ? '' : '≥ '}${digits(row.intensity)}`,
    `${told || bound === 'compute' ? '' : '≤ '}${percent(row.ofRoof)}`,
  ];
}

function ms(us: number): string {
  return us >= 10_000_000 ? `${(us / 1e6).toFixed(1)} s` : `${(us / 1000).toFixed(1)} ms`;
}

/** Three digits that count. */
function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
