// The tape of reverse-mode differentiation: ops record a closure for their gradient, `backward` (src/ops) runs the closures last to first.

import { refusePromise } from '../tensor/scope.ts';
import type { RowSparse } from '../tensor/tensor.ts';
import { type GradientNode, Tensor } from '../tensor/tensor.ts';

export type Gradient = Tensor | RowSparse;

/**
 * Gradients of an op's inputs from those of its outputs. `dOutputs[i]` is undefined where output `i` did not reach the
 * loss. Returns one gradient per input, undefined where `needs[i]` is false or there is none.
 */
export type BackwardFunction = (
  dOutputs: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
) => readonly (Gradient | undefined)[];

export class Node implements GradientNode {
  static count = 0;
  readonly order = Node.count++;
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly backward: BackwardFunction;
  spent = false;

  constructor(op: string, inputs: readonly Tensor[], outputs: readonly Tensor[], backward: BackwardFunction) {
    this.op = op;
    this.inputs = inputs;
    this.outputs = outputs;
    this.backward = backward;
  }
}

let enabled = true;

export function gradEnabled(): boolean {
  return enabled;
}

/** Runs a synchronous function without recording (`torch.no_grad`). */
export function noGrad<T>(fn: () => T): T {
  const before = enabled;
  enabled = false;
  try {
    const result = fn();
    refusePromise('noGrad', result);
    return result;
  } finally {
    enabled = before;
  }
}

/** Whether an op with these inputs should record a gradient. */
export function needsGrad(inputs: readonly (Tensor | undefined)[]): boolean {
  for (const t of inputs) if (t && !t.node) t.device.guard(() => enabled && t.requiresGrad);
  return enabled && inputs.some((t) => t !== undefined && (t.requiresGrad || t.node !== undefined));
}

/** Records how the gradients of `inputs` follow from those of `outputs`, if the tape is on and any input wants one. */
export function record(
  op: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  backward: BackwardFunction,
): void {
  if (!needsGrad(inputs)) return;
  const node = new Node(op, inputs, outputs, backward);
  for (const output of outputs) if (output.dtype === 'f32') output.node = node;
}

/** The same values without their history (`torch.Tensor.detach`); shares the storage. */
export function detach(x: Tensor): Tensor {
  return new Tensor(x.storage, x.shape, x.dtype, { offset: x.offset, host: x.host });
}
