// Which tensors are parameters: those with `requiresGrad`, and those that had it when a module was asked for its parameters, or were
// made as parameters: one that is frozen stays one.
import type { Tensor } from '../tensor/tensor.ts';

const known = new WeakSet<Tensor>();

export function markParameter(tensor: Tensor): void {
  known.add(tensor);
}

export function isParameter(tensor: Tensor): boolean {
  if (tensor.requiresGrad) known.add(tensor);
  return known.has(tensor);
}
