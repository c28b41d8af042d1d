// What a table whose rows are behind goes by: the scalars of the last steps, and what may be left out of them.

/** Scalars of a step of Adam: the fields of the kernel's `Hyper`. */
export type StepScalars = readonly [
  decay: number,
  l2: number,
  beta1: number,
  oneMinusBeta1: number,
  beta2: number,
  oneMinusBeta2: number,
  stepSize: number,
  bias2Sqrt: number,
  eps: number,
];

/** Steps that a row may be behind. */
export const RING = 128;
/** Numbers in a clock on the device: a head, three vec4s a step, and a last one; the layout is in adam_lazy.wgsl. */
export const CLOCK_SIZE = 4 * (2 + 3 * RING);
/** Numbers in the record of a step, from which lazy_clock.wgsl moves a clock on. */
export const RECORD_SIZE = 4 * 4;
// √v falls to 1e-19 and then at once to 0; an eps that is far above makes that no change.
const SMALLEST_EPS = 1e-15;

export class LazyClock {
  readonly #head = new Uint32Array(4);
  /** Scalars of the last steps. */
  readonly #steps = new Map<number, StepScalars>();

  /**
   * The record of `step`, the step of now. Steps may be asked for again, with other scalars: what the head then names too late
   * makes work, and no other bits.
   */
  record(step: number, scalars: StepScalars): Float32Array<ArrayBuffer> {
    const own = scalars.map(Math.fround) as unknown as StepScalars;
    const [decay, l2, beta1, rest1, beta2, rest2, stepSize, bias2Sqrt, eps] = own;
    const before = this.#steps.get(step - 1);
    this.#steps.set(step, own);
    this.#steps.delete(step - 2);
    this.#head[0] = step;
    if (decay !== 1 || l2 !== 0 || eps < SMALLEST_EPS) this.#head[1] = step;
    if (!before || [2, 3, 4, 5, 8].some((i) => before[i] !== own[i])) this.#head[2] = step;
    if (!before || !shrinks(before, own)) this.#head[3] = step;
    const data = new Float32Array(RECORD_SIZE);
    new Uint32Array(data.buffer).set(this.#head);
    data.set([decay, stepSize, bias2Sqrt, l2, beta1, rest1, beta2, rest2, eps], 4);
    return data;
  }
}

/** Whether a gradient of zero in a step changes a parameter by no more than in the step before, roundings aside. */
function shrinks(before: StepScalars, now: StepScalars): boolean {
  const [, , beta1, , beta2, , stepSize, bias2Sqrt] = now;
  const rate = (stepSize / before[6]) * beta1;
  return rate * Math.max(1, bias2Sqrt / before[7] / Math.sqrt(beta2)) <= 1;
}
