// The training loop: batches through a loss, gradients, clipping, the optimiser, the schedule; visible top to bottom.

import { refuse } from '../check.ts';
import { NonFiniteError, WeftError } from '../errors.ts';
import { backward } from '../ops/backward.ts';
import { clipGradNorm } from '../optim/clip.ts';
import { FiniteCheck } from '../optim/finite-check.ts';
import type { SchedulerState } from '../optim/schedule.ts';
import { type Compiled, type CompileStats, compile, type Tensors } from '../tensor/compile.ts';
import { lasting } from '../tensor/create.ts';
import { step as scoped } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkpointChunks, type Position, type RunParts, type RunState } from './checkpoint.ts';

/** Batches of an epoch, from any batch on; a `DataLoader` is one. */
export interface BatchSource<B> {
  readonly length: number;
  iterate(epoch: number, fromBatch?: number): Iterable<B>;
}

export interface BatchEvent {
  position: Position;
  batches: number;
  /** Mean loss of the last `logEvery` batches, and of the epoch so far. */
  runningLoss: number;
  epochLoss: number;
  tokensPerSecond: number;
  /** Until the end of the epoch. */
  secondsLeft: number;
  lr: number;
}

export interface EpochEvent {
  /** Counted from 1. */
  epoch: number;
  step: number;
  trainLoss: number;
  lr: number;
  seconds: number;
  tokensPerSecond: number;
  /** What `evaluate` returned. */
  metrics: Readonly<Record<string, number>>;
}

/** Told of a run's progress, in order; each may be asynchronous and is waited for. */
export interface Callback {
  onBatch?(event: BatchEvent): void | Promise<void>;
  onEpoch?(event: EpochEvent): void | Promise<void>;
}

export interface TrainerOptions<B, I extends Tensors> extends RunParts {
  data: BatchSource<B>;
  /** The batch on the device. */
  inputs(batch: B): I;
  /** Mean loss of a batch; run inside a step's scope, and recorded: what changes from batch to batch must be in `inputs`. */
  loss(inputs: I): Tensor;
  /** False where `loss` does what cannot be recorded, such as choosing ops by values; true by default. */
  compiled?: boolean;
  /** Bytes that recorded steps may take; see `compile`. */
  planBytes?: number | undefined;
  /** Rows of the data set that a batch is made of, for messages. */
  rows?(batch: B): ArrayLike<number>;
  /** Whether steps whose loss or gradient norm is not finite are refused; true by default. */
  checkFinite?: boolean;
  /** Tokens of a batch, padding not counted, for tokens per second. */
  tokens(batch: B): number;
  /** Largest global norm of the gradients; unlimited where undefined. */
  clipNorm?: number | undefined;
  /** When the schedule moves; per epoch by default. */
  scheduleEvery?: 'epoch' | 'batch';
  /** The metric that a plateau schedule watches: one that `evaluate` returns, or `trainLoss`. */
  scheduleMetric?: string | undefined;
  /** Batches between two reads of the loss; 10 by default. */
  logEvery?: number;
  /** Called at the end of every epoch with the model in eval mode. */
  evaluate?(): Promise<Readonly<Record<string, number>>>;
  callbacks?: readonly Callback[];
}

/** Where the run stood before a step whose loss is not read yet. */
interface Before<B> {
  readonly batch: B;
  readonly position: Position;
  readonly generatorStep: number;
  /** State of a schedule that moves with every batch. */
  readonly scheduler: SchedulerState | undefined;
  /** Steps that the check had not verified then. */
  readonly tested: number;
}

/** Rows that a message lists. */
const ROWS_SHOWN = 16;

export class Trainer<B, I extends Tensors> {
  readonly options: TrainerOptions<B, I>;
  position: Position = { epoch: 0, batch: 0, step: 0 };
  #progress = { lossSum: 0, batches: 0 };
  /** Losses not yet read, side by side: a tensor each would hold buffers that the next steps then cannot reuse. */
  #losses: Tensor | undefined;
  readonly #unread: Before<B>[] = [];
  #check: FiniteCheck | undefined;
  readonly #run: ((inputs: I) => Tensor) & Partial<Pick<Compiled<I, Tensor>, 'stats' | 'dispose'>>;

  constructor(options: TrainerOptions<B, I>) {
    this.options = options;
    const run = (inputs: I) => this.#update(inputs);
    this.#run = options.compiled === false ? run : compile(run, { planBytes: options.planBytes });
  }

  /**
   * Trains until `epochs` epochs are done in all, from wherever the run stands. `shouldStop` is asked after every batch; when
   * it says so the run stands where it stopped and a checkpoint taken then resumes exactly. Returns whether it finished.
   * A step that throws (memory over the budget, say) leaves parameters and position as they were: fit may be called again.
   * So does one whose loss or gradient norm is not finite: NonFiniteError names it, its batch and the first parameter whose
   * gradient is not finite, within `logEvery` batches, and all that was done since is taken back.
   */
  async fit(epochs: number, shouldStop: () => boolean = () => false): Promise<boolean> {
    while (this.position.epoch < epochs) {
      if (!(await this.#epoch(shouldStop))) return false;
    }
    return true;
  }

  /** The bytes of a checkpoint of the run as it stands. */
  async checkpoint(extra: Record<string, unknown>): Promise<Uint8Array[]> {
    await this.#readLosses();
    return checkpointChunks(this.options, { position: this.position, progress: this.#progress, extra });
  }

  /** Takes over position and progress from a checkpoint that `restore` has put into the parts. */
  resume(state: RunState): void {
    const progress = state.progress as { lossSum: number; batches: number } | null;
    for (const field of ['lossSum', 'batches'] as const)
      if (!Number.isFinite(progress?.[field]))
        refuse('Trainer.resume', `state.progress.${field}`, 'a number', JSON.stringify(progress?.[field]) ?? 'nothing');
    const { length } = this.options.data;
    if (state.position.batch > length)
      refuse(
        'Trainer.resume',
        'state.position.batch',
        `at most ${length}, the batches of an epoch`,
        state.position.batch,
        'Resume the run on the data that it began with.',
      );
    this.position = { ...state.position };
    this.#progress = { ...progress! };
  }

  /** Steps recorded and replayed; undefined where `compiled` is false. */
  get plans(): Readonly<CompileStats> | undefined {
    return this.#run.stats;
  }

  /** Frees what the trainer itself keeps on the device; model and optimiser are the caller's. */
  dispose(): void {
    this.#losses?.dispose();
    this.#losses = undefined;
    this.#unread.length = 0;
    this.#check?.dispose();
    this.#check = undefined;
    this.#run.dispose?.();
  }

  async #epoch(shouldStop: () => boolean): Promise<boolean> {
    const { data, model, optimizer, logEvery = 10 } = this.options;
    const start = performance.now();
    let tokens = 0;
    let done = 0;
    model.train();
    for (const batch of data.iterate(this.position.epoch, this.position.batch)) {
      this.#step(batch);
      tokens += this.options.tokens(batch);
      done++;
      this.position.batch++;
      this.position.step++;
      if (this.#unread.length >= logEvery || this.position.batch === data.length) {
        const runningLoss = await this.#readLosses();
        const seconds = (performance.now() - start) / 1000;
        await this.#tell('onBatch', {
          position: { ...this.position },
          batches: data.length,
          runningLoss,
          epochLoss: this.#progress.lossSum / this.#progress.batches,
          tokensPerSecond: tokens / seconds,
          secondsLeft: (seconds / done) * (data.length - this.position.batch),
          lr: optimizer.paramGroups[0]!.lr,
        });
      }
      if (shouldStop() && this.position.batch < data.length) {
        await this.#readLosses();
        return false;
      }
    }
    await this.#endEpoch((performance.now() - start) / 1000, tokens);
    return true;
  }

  #step(batch: B): void {
    const { model, optimizer, generator, scheduler, scheduleEvery = 'epoch' } = this.options;
    if (this.options.checkFinite !== false) this.#check ??= new FiniteCheck(model.parameters()[0]!.device);
    const before: Before<B> = {
      batch,
      position: { ...this.position },
      generatorStep: generator.step,
      scheduler: scheduleEvery === 'batch' ? scheduler?.stateDict() : undefined,
      tested: this.#check?.pending ?? 0,
    };
    generator.step = this.position.step;
    const noted = this.#roomForLoss();
    try {
      scoped(() => {
        const loss = this.#run(this.options.inputs(batch));
        loss.device.copy(loss.view, noted.view);
      });
    } catch (error) {
      optimizer.zeroGrad();
      throw error;
    }
    this.#unread.push(before);
    noted.device.flush();
    if (scheduleEvery === 'batch') scheduler?.step();
  }

  /** The work of a step on the device: all of it, so that it is recorded whole. */
  #update(inputs: I): Tensor {
    const { model, optimizer, clipNorm, loss } = this.options;
    const mean = loss(inputs);
    backward(mean);
    const check = this.#check;
    if (check || clipNorm !== undefined)
      clipGradNorm(model.parameters(), clipNorm ?? Number.POSITIVE_INFINITY, { check, loss: mean });
    optimizer.step({ check });
    optimizer.zeroGrad();
    return mean;
  }

  /** Where the coming step's loss goes. Made before the step, which must not fail once the parameters are updated. */
  #roomForLoss(): Tensor {
    const { model, data, logEvery = 10 } = this.options;
    const { device } = model.parameters()[0]!;
    this.#losses ??= lasting([Math.min(logEvery, data.length)], { device, label: 'losses' });
    return this.#losses.viewAs([], this.#unread.length);
  }

  /** Mean of the losses not yet read. Where a step is refused the run goes back to it, and NonFiniteError says so. */
  async #readLosses(): Promise<number> {
    const losses = this.#losses;
    const unread = this.#unread.splice(0);
    if (!losses || unread.length === 0) return Number.NaN;
    this.#losses = undefined;
    const [values, refused] = await Promise.all([
      losses.data(),
      this.#check?.verify().catch((error: unknown) => {
        if (error instanceof NonFiniteError) return error;
        throw error;
      }),
    ]).finally(() => losses.dispose());
    const first = refused ? unread.findIndex(({ tested }) => tested >= refused.step) : -1;
    let sum = 0;
    for (const value of values.subarray(0, first < 0 ? unread.length : first)) {
      sum += value;
      // One by one: where the run was stopped and read meanwhile must not show in the last bits.
      this.#progress.lossSum += value;
      this.#progress.batches++;
    }
    // A test without a step is that of one that threw after it.
    if (refused) throw first < 0 ? refused : this.#goBack(unread[first]!, refused);
    return sum / unread.length;
  }

  /** Puts the run back to before a step that was refused. Returns the error that names it. */
  #goBack({ batch, position, generatorStep, scheduler }: Before<B>, refused: NonFiniteError): NonFiniteError {
    const { model, generator, data, rows } = this.options;
    this.position = position;
    generator.step = generatorStep;
    if (scheduler) this.options.scheduler!.loadStateDict(scheduler);
    const own = rows ? Array.from(rows(batch)) : [];
    const listed = own.slice(0, ROWS_SHOWN).join(', ') + (own.length > ROWS_SHOWN ? `, … (${own.length})` : '');
    const inEpoch = `epoch ${position.epoch + 1}, batch ${position.batch + 1} of ${data.length}`;
    const parameter = model.parameters()[refused.parameter as number];
    return new NonFiniteError(
      { ...refused, parameter: model.namedParameters().find(([, p]) => p === parameter)?.[0] },
      `training: step ${position.step + 1} (${inEpoch}${listed && `, rows ${listed}`})`,
      ' Lower the learning rate, clip the gradients, or look at that batch.',
    );
  }

  async #endEpoch(seconds: number, tokens: number): Promise<void> {
    const { model, optimizer, scheduler, scheduleEvery = 'epoch', scheduleMetric, evaluate } = this.options;
    const trainLoss = this.#progress.lossSum / Math.max(1, this.#progress.batches);
    const lr = optimizer.paramGroups[0]!.lr;
    model.eval();
    const metrics = (await evaluate?.()) ?? {};
    model.train();
    if (scheduleEvery === 'epoch' && scheduler) {
      const known: Readonly<Record<string, number>> = { trainLoss, ...metrics };
      if (scheduleMetric !== undefined && known[scheduleMetric] === undefined)
        throw new WeftError(
          `training: the schedule watches "${scheduleMetric}", but there are ${Object.keys(known).join(', ')}`,
        );
      scheduler.step(scheduleMetric === undefined ? undefined : known[scheduleMetric]);
    }
    this.position = { epoch: this.position.epoch + 1, batch: 0, step: this.position.step };
    this.#progress = { lossSum: 0, batches: 0 };
    await this.#tell('onEpoch', {
      epoch: this.position.epoch,
      step: this.position.step,
      trainLoss,
      lr,
      seconds,
      tokensPerSecond: tokens / Math.max(seconds, 1e-9),
      metrics,
    });
  }

  async #tell<K extends keyof Callback>(name: K, event: Parameters<NonNullable<Callback[K]>>[0]): Promise<void> {
    for (const callback of this.options.callbacks ?? [])
      await (callback[name] as ((e: typeof event) => void | Promise<void>) | undefined)?.call(callback, event);
  }
}
