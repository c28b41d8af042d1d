// What a device may be asked for.
import type { AdapterChoice } from './adapter.ts';

export interface DeviceOptions extends AdapterChoice {
  /** Bytes of GPU memory that tensors may take together; unlimited where undefined. */
  byteBudget?: number | undefined;
  /** Bytes of free buffers kept for reuse. */
  maxFreeBytes?: number | undefined;
  /** Lower bound on the adapter's own storage binding limit, in bytes (for tests of splitting). */
  maxBindingBytes?: number | undefined;
  /** Lower bound on the adapter's own limit of workgroups per dimension (for tests of folding). */
  maxGrid?: number | undefined;
  /** Time every kernel with timestamp queries. */
  profile?: boolean | undefined;
  /**
   * Switches that make faults visible; for tests. `poisonFreed` fills memory with NaN when it is made and when it is freed;
   * `exactBindings` binds no byte past a view.
   */
  debug?:
    | { poisonFreed?: boolean; groupsReversed?: boolean; flushEveryOp?: boolean; exactBindings?: boolean }
    | undefined;
}
