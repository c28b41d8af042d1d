// The plans of a device: one may be in the making, the others give way when memory runs short.
import { WeftError } from '../errors.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Plan } from './plan.ts';

export class Recorder {
  readonly #pool: BufferPool;
  readonly #plans = new Set<Plan>();
  /** The plan that is being recorded. */
  plan: Plan | undefined;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Runs `fn`, whose commands go into `plan` too; where `fn` throws it is dropped. */
  record<T>(plan: Plan, fn: () => T): T {
    if (this.plan) throw new WeftError('compile: a compiled step cannot be recorded inside another');
    this.plan = plan;
    this.#pool.recording = true;
    try {
      const result = fn();
      plan.seal();
      for (const old of this.#plans) if (!old.valid) this.#plans.delete(old);
      if (plan.valid) this.#plans.add(plan);
      return result;
    } catch (error) {
      plan.drop();
      throw error;
    } finally {
      this.plan = undefined;
      this.#pool.recording = false;
    }
  }

  /** Runs `make`, whose buffers outlive the step that is being recorded: none is one that plans have set apart. */
  lasting<T>(make: () => T): T {
    const { recording } = this.#pool;
    this.#pool.recording = false;
    try {
      return make();
    } finally {
      this.#pool.recording = recording;
    }
  }

  /** Gives all plans up; the one in the making will be dropped when it is complete. */
  dropAll(): void {
    for (const plan of this.#plans) plan.drop();
    this.#plans.clear();
    this.plan?.spoil();
  }
}
