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
/** Numbers in a clock: a head, and three vec4s a step; the layout is in adam_lazy.wgsl. */
export const CLOCK_SIZE = 4 * (1 + 3 * RING);
// √v falls to 1e-19 and then at once to 0; an eps that is far above makes that no change.
const SMALLEST_EPS = 1e-15;

export class LazyClock {
  readonly #data = new Float32Array(CLOCK_SIZE);
  readonly #head = new Uint32Array(this.#data.buffer, 0, 4);
  readonly #steps = new Map<number, StepScalars>();

  /** The clock with `step` as the step of now. The same step may be asked for again, with other scalars. */
  at(step: number, scalars: StepScalars): Float32Array<ArrayBuffer> {
    const own = scalars.map(Math.fround) as unknown as StepScalars;
    const [decay, l2, beta1, rest1, beta2, rest2, stepSize, bias2Sqrt, eps] = own;
    const slot = (step - 1) % RING;
    this.#data.set([decay, stepSize, bias2Sqrt, l2], 4 * (1 + slot));
    this.#data.set([beta1, rest1, beta2, rest2], 4 * (1 + RING + slot));
    this.#data[4 * (1 + 2 * RING + slot)] = eps;
    const before = this.#steps.get(step - 1);
    this.#steps.set(step, own);
    this.#steps.delete(step - RING);
    this.#head[0] = step;
    if (decay !== 1 || l2 !== 0 || eps < SMALLEST_EPS) this.#head[1] = step;
    if (!before || [2, 3, 4, 5, 8].some((i) => before[i] !== own[i])) this.#head[2] = step;
    if (!before || !shrinks(before, own)) this.#head[3] = step;
    return this.#data.slice();
  }
}

/** Whether a gradient of zero in a step changes a parameter by no more than in the step before, roundings aside. */
function shrinks(before: StepScalars, now: StepScalars): boolean {
  const [, , beta1, , beta2, , stepSize, bias2Sqrt] = now;
  const rate = (stepSize / before[6]) * beta1;
  return rate * Math.max(1, bias2Sqrt / before[7] / Math.sqrt(beta2)) <= 1;
}
