// Running the tape: the closures that ops recorded, last to first, with gradients added where a tensor was used more than once.
import { type Gradient, type Node, noGrad } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { WeftError } from '../errors.ts';
import { empty, full } from '../tensor/create.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import { keep } from '../tensor/scope.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Storage, Tensor } from '../tensor/tensor.ts';
import { binary } from './pointwise.ts';
import { densify } from './row-sparse.ts';
import * as rows from './rows.ts';

/**
 * Accumulates the gradient of a scalar `loss` (or of `sum(loss * gradient)`) into `grad` of every leaf with
 * `requiresGrad`. The recorded graph can be run once.
 */
export function backward(loss: Tensor, gradient?: Tensor): void {
  if (!loss.node && !loss.requiresGrad)
    refuse(
      'backward',
      'loss',
      'computed from a tensor with requiresGrad',
      'a tensor without history',
      'Was it made inside noGrad, or detached?',
    );
  if (!gradient && loss.size !== 1)
    refuse('backward', 'loss', 'a scalar (or pass a gradient of its shape)', `of shape ${formatShape(loss.shape)}`);
  if (gradient && !sameShape(gradient.shape, loss.shape))
    refuse('backward', 'gradient', `of shape ${formatShape(loss.shape)}`, formatShape(gradient.shape));
  noGrad(() => new Pass(loss, gradient ?? full(loss.shape, 1, { device: loss.device })).run());
}

/** One run of the graph: gradients not yet used, and how many still stand in each storage so that it can be freed early. */
class Pass {
  readonly #grads = new Map<Tensor, Gradient>();
  readonly #users = new Map<Storage, number>();
  readonly #nodes: Node[];
  readonly #seed: Storage;

  constructor(loss: Tensor, gradient: Tensor) {
    this.#nodes = reachable(loss);
    this.#add(loss, gradient);
    // The caller's own gradient must survive the pass.
    this.#retain(gradient, 1);
    this.#seed = gradient.storage;
  }

  run(): void {
    for (const node of this.#nodes) {
      if (node.spent)
        throw new WeftError(`backward: the graph through ${node.op} was already used; run the forward pass again`);
      node.spent = true;
      const dOutputs = node.outputs.map((output) => this.#take(output));
      if (dOutputs.every((d) => d === undefined)) continue;
      const needs = node.inputs.map((t) => t.requiresGrad || t.node !== undefined);
      const dInputs = node.backward(dOutputs, needs);
      node.inputs.forEach((input, i) => {
        const d = dInputs[i];
        if (d && needs[i]) this.#add(input, d);
      });
      for (const d of dOutputs) if (d) this.#retain(d, -1);
    }
    const owned = new Set<Storage>();
    for (const [leaf, gradient] of this.#grads) this.#store(leaf, gradient, owned);
  }

  /** Adds to the leaf's gradient. Each leaf gets a storage of its own, for clipping scales gradients in place. */
  #store(leaf: Tensor, gradient: Gradient, owned: Set<Storage>): void {
    let total = leaf.grad ? accumulate(leaf.grad, gradient) : gradient;
    if (leaf.grad && leaf.grad !== total) leaf.grad.dispose();
    if (total instanceof RowSparse) {
      keep(total.rows);
      keep(total.values);
    } else {
      if (owned.has(total.storage) || total.storage === this.#seed) total = copyOf(total);
      owned.add(keep(total).storage);
    }
    leaf.grad = total;
  }

  #add(input: Tensor, gradient: Gradient): void {
    if (!(gradient instanceof RowSparse) && !sameShape(gradient.shape, input.shape))
      throw new WeftError(
        `backward: a gradient of shape ${formatShape(gradient.shape)} for a tensor of shape ${formatShape(input.shape)}`,
      );
    const before = this.#grads.get(input);
    if (before) {
      const total = accumulate(before, gradient);
      this.#grads.set(input, total);
      this.#retain(total, 1);
      this.#retain(before, -1);
      return;
    }
    this.#grads.set(input, gradient);
    this.#retain(gradient, 1);
  }

  #take(output: Tensor): Tensor | undefined {
    const gradient = this.#grads.get(output);
    if (!gradient) return undefined;
    this.#grads.delete(output);
    return gradient as Tensor;
  }

  #retain(gradient: Gradient, by: 1 | -1): void {
    if (gradient instanceof RowSparse) return;
    const users = (this.#users.get(gradient.storage) ?? 0) + by;
    this.#users.set(gradient.storage, users);
    if (users === 0 && by === -1) gradient.dispose();
  }
}

/** The sum of two gradients of one tensor. */
function accumulate(a: Gradient, b: Gradient): Tensor {
  const [x, y] = [a, b].map((g) => (g instanceof RowSparse ? densify(g) : g)) as [Tensor, Tensor];
  return binary(rows.add, x, y, 'accumulate');
}

function copyOf(x: Tensor): Tensor {
  const out = empty(x.shape, { dtype: x.dtype, device: x.device, label: 'gradient' });
  x.device.copy(x.view, out.view);
  return out;
}

/** Nodes that lead to `loss`, last recorded first: an order in which every gradient is complete before it is used. */
function reachable(loss: Tensor): Node[] {
  const seen = new Set<Node>();
  const open = loss.node ? [loss.node as Node] : [];
  for (const node of open) seen.add(node);
  for (let node = open.pop(); node; node = open.pop()) {
    for (const input of node.inputs) {
      const next = input.node as Node | undefined;
      if (next && !seen.has(next)) {
        seen.add(next);
        open.push(next);
      }
    }
  }
  return [...seen].sort((a, b) => b.order - a.order);
}
