// How a run tells where it stands: a bar on a terminal, plain lines elsewhere, nothing where silence is asked for.
import { SingleBar } from 'cli-progress';
import { getDevice } from '../tensor/create.ts';
import type { BatchEvent, Callback, EpochEvent } from '../train/index.ts';
import { formatNumber } from './table.ts';

/** Where progress is written: `process.stderr`, or anything with its few features. */
export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export interface ProgressOptions {
  /** Epochs of the whole run. */
  epochs: number;
  /** Default `process.stderr`. */
  stream?: ProgressStream;
  /** `auto` (default): a bar if the stream is a terminal that knows cursor codes, else lines. */
  mode?: 'auto' | 'bar' | 'lines' | 'silent';
  /** In lines: batches from one line to the next, default 50; the last batch of an epoch always has one. */
  every?: number;
  /** Metrics that the line of an epoch shows, default: those named `loss` or `f1`, with or without a part (`validation.f1`). */
  metrics?: readonly string[];
  /** Clock in milliseconds. */
  now?: () => number;
  /** Kernels that were asked for so far, default those of the default device: while the first batch waits for them, that is said. */
  kernels?: () => number;
}

/** A first batch that takes no longer than this needs no word; then one now and one every so often. */
const COMPILING_MS = { first: 2_000, next: 10_000, look: 250 };

const FORMAT = '{label} |{bar}| {value}/{total}  loss {loss}  running {running}  {speed}  left {left}';

/**
 * A callback of the trainer that shows epoch, mean loss of the epoch, running loss of the last batches, tokens per second
 * and the time left of the run. Close it (or declare it with `using`) when training ends, also by an error: a bar left open
 * keeps the process alive.
 */
export class Progress implements Callback, Disposable {
  readonly mode: 'bar' | 'lines' | 'silent';
  private readonly epochs: number;
  private readonly stream: ProgressStream;
  private readonly every: number;
  private readonly metrics: readonly string[] | undefined;
  private readonly now: () => number;
  /** Looks for kernels being compiled, until the first batch is done. */
  private watch: NodeJS.Timeout | undefined;
  private bar: SingleBar | undefined;
  private last: { total: number; value: number; payload: Record<string, string> } | undefined;
  private lastLine = 0;
  private epochStart: number;
  /** Seconds of the last whole epoch, its evaluation included. */
  private epochSeconds: number | undefined;

  constructor(options: ProgressOptions) {
    const { epochs, stream = process.stderr, mode = 'auto', every = 50, now = () => performance.now() } = options;
    const isTerminal = stream.isTTY === true && process.env.TERM !== 'dumb';
    this.mode = mode === 'auto' ? (isTerminal ? 'bar' : 'lines') : mode;
    this.epochs = epochs;
    this.stream = stream;
    this.every = every;
    this.metrics = options.metrics;
    this.now = now;
    this.epochStart = now();
    if (this.mode !== 'silent') this.watchKernels(options.kernels ?? kernelsOfDefaultDevice);
  }

  onBatch(event: BatchEvent): void {
    this.endWatch();
    const { epoch, batch, step } = event.position;
    const payload = {
      label: this.label(epoch + 1),
      loss: event.epochLoss.toFixed(4),
      running: event.runningLoss.toFixed(4),
      speed: formatSpeed(event.tokensPerSecond),
      left: formatSeconds(this.secondsLeft(event)),
    };
    if (this.mode === 'bar') this.draw({ total: event.batches, value: batch, payload });
    if (this.mode !== 'lines' || (step - this.lastLine < this.every && batch < event.batches)) return;
    this.lastLine = step;
    const { label, loss, running, speed, left } = payload;
    this.stream.write(
      `${label}  batch ${batch}/${event.batches}  loss ${loss}  running ${running}  ${speed}  left ${left}\n`,
    );
  }

  onEpoch(event: EpochEvent): void {
    const end = this.now();
    this.epochSeconds = (end - this.epochStart) / 1000;
    this.epochStart = end;
    const isShown = (name: string) => this.metrics?.includes(name) ?? /^(.*\.)?(loss|f1)$/.test(name);
    const shown = Object.entries(event.metrics).filter(([name]) => isShown(name));
    const metrics = shown.map(([name, value]) => `  ${name} ${formatNumber(value)}`);
    const rest = `  lr ${formatNumber(event.lr)}  ${formatSpeed(event.tokensPerSecond)}  ${formatSeconds(this.epochSeconds)}`;
    this.close();
    this.log(`${this.label(event.epoch)}  train loss ${event.trainLoss.toFixed(4)}${metrics.join('')}${rest}`);
  }

  /** Writes a line of text; a bar goes out of its way. */
  log(text: string): void {
    if (this.mode === 'silent') return;
    const { last } = this;
    this.close();
    this.stream.write(`${text}\n`);
    if (last) this.draw(last);
  }

  /** Takes the bar off the terminal. */
  close(): void {
    this.endWatch();
    this.bar?.stop();
    this.bar = undefined;
    this.last = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Compiling for an adapter that has not seen the kernels yet takes a software one many seconds, in which nothing else is to be seen. */
  private watchKernels(kernels: () => number): void {
    const before = kernels();
    let [since, next] = [Number.NaN, COMPILING_MS.first];
    this.watch = setInterval(() => {
      const count = kernels() - before;
      if (count <= 0) return;
      if (Number.isNaN(since)) since = this.now();
      const waited = this.now() - since;
      if (waited < next) return;
      next = waited + COMPILING_MS.next;
      const news = `${formatSeconds(waited / 1000)}, ${count} kernels so far`;
      this.stream.write(
        `compiling for this adapter (${news}): most drivers keep the result, and the next run starts at once\n`,
      );
    }, COMPILING_MS.look);
    this.watch.unref(); // a run that ends by an error ends
  }

  private endWatch(): void {
    clearInterval(this.watch);
    this.watch = undefined;
  }

  private draw(state: NonNullable<typeof this.last>): void {
    if (this.last && this.last.total !== state.total) this.close();
    this.last = state;
    const { total, value, payload } = state;
    if (this.bar) {
      this.bar.update(value, payload);
      return;
    }
    // No hidden cursor and no change of line wrapping: a run that is killed leaves the terminal as it was.
    this.bar = new SingleBar({
      stream: this.stream,
      format: FORMAT,
      barsize: 20,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      linewrap: true,
      hideCursor: false,
      clearOnComplete: true,
    });
    this.bar.start(total, value, payload);
  }

  private label(epoch: number): string {
    return `epoch ${String(epoch).padStart(String(this.epochs).length)}/${this.epochs}`;
  }

  /** Of the whole run: the rest of this epoch, then epochs as long as the last one, or as this one promises to be. */
  private secondsLeft({ position: { epoch, batch }, batches, secondsLeft }: BatchEvent): number {
    const elapsed = (this.now() - this.epochStart) / 1000;
    const whole = this.epochSeconds ?? elapsed + secondsLeft;
    return (batch < batches ? secondsLeft : 0) + Math.max(0, this.epochs - epoch - 1) * whole;
  }
}

function kernelsOfDefaultDevice(): number {
  try {
    return getDevice().stats.pipelines;
  } catch {
    return 0; // there is none yet
  }
}

/** `0:07`, `12:30`, `2:05:00`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(Math.max(0, seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function formatSpeed(tokensPerSecond: number): string {
  if (tokensPerSecond >= 10_000) return `${(tokensPerSecond / 1000).toFixed(1)}k tokens/s`;
  return `${Math.round(tokensPerSecond)} tokens/s`;
}
