// What the sanitizer finds, and how it says so.
import type { KernelText } from './source.ts';

export type FaultKind = 'race' | 'bounds' | 'init' | 'sync' | 'steps';

/** One invocation of a dispatch. */
export interface Invocation {
  readonly group: number;
  readonly lane: number;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly kernel: string;
  /** Of the expanded kernel, from 1. */
  readonly line: number;
  /** Where that line stands in shaders/, as `file:line`. */
  readonly where: string;
  /** The memory's name and the index of its element, where there is one. */
  readonly memory?: string | undefined;
  readonly index?: number | undefined;
  readonly invocation: Invocation;
  readonly other?: (Invocation & { readonly where: string }) | undefined;
  readonly message: string;
}

export class SanitizerError extends Error {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super(faults.map((f) => f.message).join('\n'));
    this.name = 'SanitizerError';
    this.faults = faults;
  }
}

/** The place of a line of a kernel, as `file:line`. */
export function whereOf(text: KernelText, line: number): string {
  const source = text.lines[line - 1];
  return source ? `${source.file}:${source.line}` : `line ${line}`;
}

const said = ({ group, lane }: Invocation) => `invocation ${lane} of workgroup ${group}`;

interface Details {
  line: number;
  memory?: string | undefined;
  index?: number | undefined;
  invocation: Invocation;
  other?: (Invocation & { line: number }) | undefined;
  what: string;
}

export function fault(kind: FaultKind, text: KernelText, details: Details): Fault {
  const { line, memory, index, invocation, other, what } = details;
  const where = whereOf(text, line);
  const place = memory === undefined ? '' : `${memory}${index === undefined ? '' : `[${index}]`} `;
  const and = other ? `, and ${said(other)} at ${whereOf(text, other.line)}` : '';
  return {
    kind,
    kernel: text.name,
    line,
    where,
    memory,
    index,
    invocation,
    other: other && { group: other.group, lane: other.lane, where: whereOf(text, other.line) },
    message: `${kind}: ${text.name}, ${where} (line ${line} of the kernel): ${place}${what} by ${said(invocation)}${and}`,
  };
}
