// Random numbers that depend on (seed, step, call) alone: the generator that keys dropout masks, and filled tensors.
import { refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { DOMAIN, normalQuantile, streamKey, streamOf, threefry2x32 } from '../random.ts';
import { empty, getDevice, lasting, refuseInRecording } from './create.ts';
import { type Shape, sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';

const TWO_32 = 2 ** 32;

/**
 * Hands out numbers of calls, which with `seed` and `step` key every random draw (`torch.Generator`). To resume, make one
 * with the same seed and set the same step: there is no other state between steps.
 */
export class Generator {
  #seed: number;
  #step = 0;
  #calls = 0;
  #state: Tensor | undefined;
  /** The recording that named the number of calls last. */
  #recording: Plan | undefined;

  /** `seed` is a whole number in 0..2⁵³-1. */
  constructor(seed: number) {
    this.#seed = checked('seed', seed, Number.MAX_SAFE_INTEGER);
  }

  get seed(): number {
    return this.#seed;
  }

  /** Number of the training step, or of the pass where a step has several; set it before each one's forward pass. */
  get step(): number {
    return this.#step;
  }

  /** Starts the count of calls anew and puts the step's key where kernels read it, so that a recorded step draws new numbers. */
  set step(step: number) {
    this.#refuseInRecording('step');
    this.#step = checked('step', step, TWO_32);
    this.#calls = 0;
    if (this.#state) this.#upload(this.#state);
  }

  /** Starts anew from another seed, at step 0 (`torch.Generator.manual_seed`). Returns the generator. */
  manualSeed(seed: number): this {
    this.#refuseInRecording('manualSeed');
    this.#seed = checked('seed', seed, Number.MAX_SAFE_INTEGER);
    this.step = 0;
    return this;
  }

  /** Number of this draw within the step: 0, 1, 2, … A recorded step on `device` takes as many again in every replay. */
  nextCall(device?: Device): number {
    const call = this.#calls;
    if (device && device.recording !== this.#recording) {
      this.#recording = device.recording;
      // Calls are numbers in the commands: a replay that begins at another number than the recording would draw the same again.
      device.guard(() => this.#calls);
    }
    const count = () => {
      this.#calls++;
      return () => {
        this.#calls--;
      };
    };
    if (device) device.hostWork(count);
    else count();
    return call;
  }

  /** u32 `[2]` on the device: the key of dropout masks in the present step. */
  state(device: Device = getDevice()): Tensor {
    if (this.#state?.device !== device) {
      this.#state = lasting([2], { dtype: 'u32', device, label: 'generator' });
      this.#upload(this.#state);
    }
    return this.#state;
  }

  /** Frees what the generator keeps on the device; it may be used on. */
  dispose(): void {
    this.#state?.dispose();
    this.#state = undefined;
  }

  #refuseInRecording(name: string): void {
    if (!this.#state) return;
    const remedy = 'Set it before each call of the step.';
    refuseInRecording(this.#state.device, `Generator.${name}`, 'would be set once', remedy);
  }

  #upload(state: Tensor): void {
    const key = () => Uint32Array.from(streamKey(this.#seed, streamOf(DOMAIN.dropout, this.#step)));
    state.device.write({ ...state.view, bytes: state.bytes }, key);
  }
}

const shared = new Generator(0);

/** The generator that is used where none is given. Its seed is 0 until `manualSeed`. */
export function defaultGenerator(): Generator {
  return shared;
}

/** Seeds the default generator (`torch.manual_seed`). */
export function manualSeed(seed: number): Generator {
  return shared.manualSeed(seed);
}

/** Uniform f32 numbers from `low` to `high` (`torch.Tensor.uniform_`), with 24 random bits: the same bits on every machine. */
export function uniform(
  shape: Shape,
  low: number,
  high: number,
  generator: Generator = shared,
  device: Device = getDevice(),
): Tensor {
  if (!(low <= high) || !Number.isFinite(high - low))
    refuse('uniform', 'low', `finite and at most high = ${high}`, low);
  return filled('uniform', shape, generator, device, (word) => low + (high - low) * ((word >>> 8) / 2 ** 24));
}

/** Normal f32 numbers (`torch.Tensor.normal_`): the same bits on every machine. */
export function normal(
  shape: Shape,
  mean: number,
  std: number,
  generator: Generator = shared,
  device: Device = getDevice(),
): Tensor {
  if (!(std >= 0) || !Number.isFinite(std)) refuse('normal', 'std', 'finite and >= 0', std);
  return filled('normal', shape, generator, device, (word) => mean + std * normalQuantile((word + 0.5) / TWO_32));
}

/** Element `i` comes from word `i % 2` at the counter `(i / 2, call)`. */
function filled(
  op: string,
  shape: Shape,
  generator: Generator,
  device: Device,
  fromWord: (word: number) => number,
): Tensor {
  refuseInRecording(device, op, 'would be drawn once', 'Draw it before the step; dropout draws anew in every replay.');
  const out = empty(shape, { device, label: op });
  const [key0, key1] = streamKey(generator.seed, streamOf(DOMAIN.initialValue, generator.step));
  const call = generator.nextCall();
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i += 2) {
    const [first, second] = threefry2x32(key0, key1, i / 2, call);
    values[i] = fromWord(first);
    if (i + 1 < values.length) values[i + 1] = fromWord(second);
  }
  if (values.length > 0) device.write({ ...out.view, bytes: out.bytes }, values);
  return out;
}

function checked(argument: string, value: number, limit: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= limit)
    refuse('Generator', argument, `a whole number in 0..${limit - 1}`, value);
  return value;
}
