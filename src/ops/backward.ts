// Running the tape: the closures that ops recorded, last to first, with gradients added where a tensor was used more than once.
import { type Gradient, type Node, noGrad } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { WeftError } from '../errors.ts';
import { optionsOf } from '../options.ts';
import { empty, full } from '../tensor/create.ts';
import { keep } from '../tensor/scope.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Storage, Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import { binary } from './pointwise.ts';
import { densify } from './row-sparse.ts';
import * as rows from './rows.ts';

export interface BackwardOptions {
  /** Whether the graph may be run again; false by default. */
  retainGraph?: boolean;
}

/**
 * Accumulates the gradient of a scalar `loss` (or of `sum(loss * gradient)`) into `grad` of every leaf with
 * `requiresGrad`. The recorded graph can be run once, unless it is retained.
 */
export function backward(loss: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  const { retainGraph } = optionsOf('backward', options, { retainGraph: false });
  const seed = seedOf('backward', loss, gradient);
  noGrad(() => new Pass(loss, seed()).run(retainGraph).store());
}

export interface GradOptions extends BackwardOptions {
  /** What `output` is weighed with, of its shape; 1 for a scalar. */
  gradOutput?: Tensor | undefined;
}

/**
 * The gradients of `output` with respect to `inputs`, leaves or not, undefined where it does not depend on one; `grad` of the leaves
 * stays as it is (`torch.autograd.grad`, `allow_unused`).
 */
export function grad(output: Tensor, inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | undefined)[] {
  const { retainGraph, gradOutput } = optionsOf('grad', options, { retainGraph: false, gradOutput: undefined });
  const seed = seedOf('grad', output, gradOutput);
  return noGrad(() => new Pass(output, seed(), inputs).run(retainGraph).taken(inputs));
}

function seedOf(op: string, loss: Tensor, gradient: Tensor | undefined): () => Tensor {
  if (!loss.node && !loss.requiresGrad)
    refuse(
      op,
      'loss',
      'computed from a tensor with requiresGrad',
      'a tensor without history',
      'Was it made inside noGrad, or detached?',
    );
  if (!gradient && loss.size !== 1)
    refuse(op, 'loss', 'a scalar (or pass a gradient of its shape)', `of shape ${formatShape(loss.shape)}`);
  if (gradient && !sameShape(gradient.shape, loss.shape))
    refuse(op, 'gradient', `of shape ${formatShape(loss.shape)}`, formatShape(gradient.shape));
  return () => gradient ?? full(loss.shape, 1, { device: loss.device });
}

/** One run of the graph: gradients not yet used, and how many still stand in each storage so that it can be freed early. */
class Pass {
  readonly #grads = new Map<Tensor, Gradient>();
  readonly #users = new Map<Storage, number>();
  readonly #nodes: Node[];
  readonly #seed: Storage;
  #retains = false;

  /** Tensors whose gradients are wanted, and not those of leaves alone. */
  readonly #wanted: ReadonlySet<Tensor>;
  readonly #found = new Map<Tensor, Gradient>();

  constructor(loss: Tensor, gradient: Tensor, wanted: readonly Tensor[] = []) {
    this.#wanted = new Set(wanted);
    this.#nodes = reachable(loss);
    this.#add(loss, gradient);
    // The caller's own gradient must survive the pass.
    this.#retain(gradient, 1);
    this.#seed = gradient.storage;
  }

  run(retainGraph: boolean): this {
    this.#retains = retainGraph;
    for (const node of this.#nodes) {
      if (node.spent)
        throw new WeftError(`backward: the graph through ${node.op} was already used; run the forward pass again`);
      node.spent = !retainGraph;
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
    return this;
  }

  store(): void {
    const owned = new Set<Storage>();
    for (const [leaf, gradient] of this.#grads) this.#store(leaf, gradient, owned);
  }

  /** Copies of the gradients of these, dense; each is its caller's own. */
  taken(inputs: readonly Tensor[]): (Tensor | undefined)[] {
    return inputs.map((input) => {
      const gradient = this.#found.get(input) ?? this.#grads.get(input);
      if (!gradient) return undefined;
      return gradient instanceof RowSparse ? densify(gradient) : copyOf(gradient);
    });
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
    if (this.#wanted.has(output)) {
      this.#found.set(output, gradient);
      this.#retain(gradient, 1);
    }
    return gradient as Tensor;
  }

  #retain(gradient: Gradient, by: 1 | -1): void {
    if (gradient instanceof RowSparse) return;
    const users = (this.#users.get(gradient.storage) ?? 0) + by;
    this.#users.set(gradient.storage, users);
    // What a retained graph gave may be what it keeps.
    if (users === 0 && by === -1 && !this.#retains) gradient.dispose();
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
