// Launching the update kernels: a chunk, two parameters or one a dispatch where gradients are dense, a table where row-sparse.
import type { BufferView, Kernel } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { elementsPerBinding, stripOf, wholeVec4s } from '../gpu/strips.ts';
import type { Chunk } from '../tensor/chunk.ts';
import { rowPieces } from '../tensor/row-pieces.ts';
import type { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { blocksOf } from './blocks.ts';

/** The forms of an update kernel, by the gradient they take and where it lies. */
export interface UpdateKernels {
  readonly dense: Kernel;
  readonly chunk: Kernel;
  readonly rows: Kernel;
  readonly rowsVec4: Kernel;
}

/** One step of one kind of optimiser: what its dispatches have in common. */
export interface Update {
  readonly label: string;
  readonly kernels: UpdateKernels;
  readonly overrides: Readonly<Record<string, boolean>>;
  /** Scalars of the step, a row for each parameter. */
  readonly hyper: Tensor;
  /** Ranges of 256 bytes that stand for bindings without use, `SPARE` of them. */
  readonly spare: Tensor;
}

/** One parameter to update. */
export interface Target<Gradient> {
  readonly param: Tensor;
  readonly gradient: Gradient;
  /** Names of the state bindings, and for each the flat tensor it lies in or undefined where it is not used. */
  readonly states: readonly (readonly [binding: string, flat: Tensor | undefined])[];
  /** First element in the flat tensors. */
  readonly start: number;
  /** Row in `hyper`. */
  readonly row: number;
}

/** Which rows of a table an update concerns. */
export interface RowScope {
  /** Only those that have a gradient: for rules that leave the others as they are. */
  readonly listedOnly: boolean;
  /** Else for each row of the table where it was last listed, counted from 1; 0 for one at rest, which is left out. */
  readonly slots: Tensor | undefined;
}

export const SPARE = 4;
const WORKGROUP = 64;

/** The n-th range of a tensor of spares. */
export function spareView(spare: Tensor, n: number): BufferView {
  return { ...spare.view, offset: spare.view.offset + 256 * n, bytes: 256 };
}

/** Prepares the updates of parameters that share their flat tensors, those in a chunk in one dispatch; see `rowsUpdate`. */
export function denseUpdates(
  update: Update,
  targets: readonly Target<Tensor>[],
  chunk: Chunk | undefined,
): (() => void)[] {
  if (!chunk) return [() => updateDense(update, targets)];
  const inPlace = targets.filter(({ gradient, start }) => chunk.holds(gradient, start));
  const apart = targets.filter((target) => !inPlace.includes(target));
  const alone = apart.map((target) => () => updateDense(update, [target]));
  return inPlace.length > 0 ? [chunkUpdate(update, chunk, inPlace), ...alone] : alone;
}

/** Updates one or two parameters with dense gradients; two must share their flat tensors and fit one binding. */
function updateDense(update: Update, targets: readonly Target<Tensor>[]): void {
  const [first, second] = targets as [Target<Tensor>, Target<Tensor>?];
  const { param, gradient } = first;
  if (second) {
    launchDense(update, targets, first.start, second.start + second.param.size);
    return;
  }
  const piece = elementsPerBinding(param.device);
  for (let at = 0; at < param.size; at += piece) {
    const size = Math.min(piece, param.size - at);
    const part = {
      ...first,
      param: param.viewAs([size], param.offset + at),
      gradient: gradient.viewAs([size], gradient.offset + at),
    };
    launchDense(update, [part], first.start + at, first.start + at + size);
  }
}

function launchDense(
  { label, kernels, overrides, hyper, spare }: Update,
  targets: readonly Target<Tensor>[],
  begin: number,
  end: number,
): void {
  const [first, second] = targets as [Target<Tensor>, Target<Tensor>?];
  const { device } = hyper;
  const bind: Record<string, BufferView> = {
    hyper: hyper.view,
    value_0: wholeVec4s(first.param.view),
    gradient_0: wholeVec4s(first.gradient.view),
    value_1: second ? wholeVec4s(second.param.view) : spareView(spare, 0),
    gradient_1: wholeVec4s((second ?? first).gradient.view),
  };
  first.states.forEach(([name, flat], n) => {
    bind[name] = flat ? wholeVec4s(flat.viewAs([end - begin], flat.offset + begin).view) : spareView(spare, n + 1);
  });
  const units = targets.map(({ param }) => Math.ceil(param.size / 4));
  const strip = stripOf(device, Math.max(...units));
  device.run(kernels.dense, {
    bind,
    params: {
      size_0: first.param.size,
      size_1: second?.param.size ?? 0,
      hyper_0: first.row,
      hyper_1: second?.row ?? 0,
      at_1: second ? (second.start - begin) / 4 : 0,
      strip,
    },
    overrides,
    grid: units.reduce((sum, n) => sum + Math.ceil(n / (WORKGROUP * strip)), 0),
    label,
  });
}

function chunkUpdate(update: Update, chunk: Chunk, targets: readonly Target<Tensor>[]): () => void {
  const { label, kernels, overrides, hyper, spare } = update;
  const members = targets.map(({ param, start, row }) => ({ start, size: param.size, first: 0, row }));
  const blocks = blocksOf(chunk, members);
  const count = blocks.shape[0]!;
  const bind: Record<string, BufferView> = {
    hyper: hyper.view,
    blocks: blocks.view,
    value: chunk.values,
    gradient: chunk.gradients,
  };
  targets[0]!.states.forEach(([name, flat], n) => {
    bind[name] = flat?.view ?? spareView(spare, n);
  });
  return () => hyper.device.run(kernels.chunk, { bind, params: { blocks: count }, overrides, grid: count, label });
}

/**
 * Prepares the update of a table with a row-sparse gradient, and returns what launches it. Every row comes out as with the
 * dense gradient; `scope` says which of them that takes work. What memory it takes is taken before: a step of several
 * parameters either has it all or changes none.
 */
export function rowsUpdate(update: Update, target: Target<RowSparse>, scope: RowScope): () => void {
  const { rows } = target.gradient;
  if (target.param.size === 0 || (scope.listedOnly && rows.size === 0)) return () => {};
  return () => {
    if (scope.slots) fillSlots(rows, scope.slots, update.label);
    updateRows(update, target, scope);
  };
}

function updateRows(update: Update, target: Target<RowSparse>, { listedOnly, slots }: RowScope): void {
  const { param, gradient, states, start } = target;
  const { rows, values } = gradient;
  const tables = [param, ...states.map(([, flat]) => flat?.viewAs(param.shape, flat.offset + start))].map(
    (table) => table && rowPieces(table),
  );
  const pieces = rowPieces(values);
  if (pieces.length === 0) pieces.push({ firstRow: 0, rowCount: 0, view: values.view });
  for (const [n, { firstRow, rowCount }] of tables[0]!.entries())
    for (const piece of pieces) {
      const bind: Record<string, BufferView> = {
        hyper: update.hyper.view,
        rows: rows.view,
        slots: (slots ?? rows).view,
        gradients: wholeVec4s(piece.view),
        value: wholeVec4s(tables[0]![n]!.view),
      };
      states.forEach(([name], i) => {
        const own = tables[i + 1]?.[n];
        bind[name] = own ? wholeVec4s(own.view) : spareView(update.spare, i);
      });
      launchRows(update, bind, target, {
        listed: Number(listedOnly),
        count: rows.size,
        first_row: firstRow,
        row_count: rowCount,
        first_value: piece.firstRow,
        value_count: piece.rowCount,
      });
    }
}

function launchRows(
  { label, kernels, overrides, hyper: { device } }: Update,
  bind: Record<string, BufferView>,
  { row, gradient }: Target<RowSparse>,
  params: { listed: number; row_count: number; value_count: number } & Record<string, number>,
): void {
  const unit = gradient.shape[1] % 4 === 0 ? 4 : 1;
  const width = gradient.shape[1] / unit;
  const lanes = Math.min(device.tuning.rowLanes, width);
  device.run(unit === 4 ? kernels.rowsVec4 : kernels.rows, {
    bind,
    params: { ...params, width, lanes, hyper_row: row },
    overrides,
    grid: Math.ceil(((params.listed ? params.value_count : params.row_count) * lanes) / WORKGROUP),
    label,
  });
}

function fillSlots(rows: Tensor, slots: Tensor, label: string): void {
  rows.device.run(shaders.row_slots, {
    bind: { rows: rows.view, slots: slots.view },
    params: { count: rows.size },
    grid: Math.ceil(rows.size / WORKGROUP),
    label,
  });
}
