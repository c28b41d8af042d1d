// Queueing the updates: of what lies in an arena with its gradients, of other parameters one by one, of rows of tables.
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { wholeVec4s } from '../gpu/strips.ts';
import { gatherGradients } from '../tensor/arena.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { blockTables, type Extent } from './blocks.ts';
import type { Rule } from './rule.ts';
import { type Entry, flatOf, type Home } from './state.ts';

/** What the dispatches of a step have in common. */
interface Step {
  readonly rule: Rule;
  /** Scalars of the step, a row for each parameter (lib/step_scalars). */
  readonly hyper: Tensor;
  /** 64 elements for each kind of state, that stand for those without use. */
  readonly spare: Tensor;
}

/** What one dispatch of the dense form takes. */
interface Dense {
  readonly entry: Entry;
  readonly views: { readonly value: BufferView; readonly gradient: BufferView };
  /** First element of the state, and how many. */
  readonly state: readonly [from: number, size: number];
  readonly extents: Extent[];
}

const WORKGROUP = 64;
/** Rows without a gradient that a dispatch leaves as they are, in the numbers of lib/update_rows. */
const LEAVES = { none: 0, resting: 1, all: 2 };

/**
 * Takes the memory that the updates need, and returns what queues them: a step of several parameters either has all of it or
 * changes none.
 */
export function updatesOf(step: Step, due: readonly Entry[]): (() => void)[] {
  gatherGradients(due.map(({ param }) => param));
  const launches: (() => void)[] = [];
  const dense: Dense[] = [];
  const arenas = new Map<Home, Dense>();
  for (const entry of due) {
    const { param, home, start, index } = entry;
    const { grad } = param;
    if (grad instanceof RowSparse) launches.push(() => updateRows(step, entry, grad));
    else if (home.arena?.holds(grad!, start)) {
      const { values: value, gradients: gradient } = home.arena;
      const views = { value, gradient };
      const all = arenas.get(home) ?? { entry, views, state: [0, home.size] as const, extents: [] };
      all.extents.push({ start, size: param.size, mark: index });
      arenas.set(home, all);
    } else
      for (const { base, count, views } of windows(param.size, { value: param, gradient: grad! }))
        dense.push({ entry, views, state: [start + base, count], extents: [{ start: 0, size: count, mark: index }] });
  }
  dense.push(...arenas.values());
  const tables = blockTables(
    step.hyper,
    dense.map(({ extents }) => extents),
  );
  return [...launches, ...dense.map((one, i) => () => updateDense(step, one, tables[i]!))];
}

function updateDense(step: Step, { entry, views, state }: Dense, table: Tensor): void {
  const { rule, hyper } = step;
  const blocks = table.shape[0]!;
  hyper.device.run(rule.kernels.dense, {
    bind: {
      hyper: hyper.view,
      blocks: table.view,
      value: wholeVec4s(views.value),
      gradient: wholeVec4s(views.gradient),
      ...stateViews(step, entry, state),
    },
    params: { blocks },
    overrides: rule.overrides(entry.group),
    grid: blocks,
    label: rule.type.toLowerCase(),
  });
}

/** Every row comes out as with the dense gradient. */
function updateRows(step: Step, entry: Entry, { shape: [length, columns], rows, values }: RowSparse): void {
  const { rule, hyper } = step;
  const { device } = hyper;
  const { param, group, slots, stirred, start } = entry;
  const label = rule.type.toLowerCase();
  const leaves = rule.leaves(group);
  const listed = leaves === 'all';
  if (!listed)
    device.run(shaders.row_slots, {
      bind: { rows: rows.view, slots: slots!.view },
      params: { count: rows.size },
      grid: Math.ceil(rows.size / WORKGROUP),
      label,
    });
  const unit = columns % 4 === 0 ? 4 : 1;
  const width = columns / unit;
  const lanes = Math.min(device.tuning.rowLanes, width);
  const parts = windows(rows.size, { gradients: values });
  if (parts.length === 0) parts.push({ base: 0, count: 0, views: { gradients: values.view } });
  for (const own of windows(length, { value: param }))
    for (const part of parts)
      device.run(unit === 4 ? rule.kernels.rows_vec4 : rule.kernels.rows, {
        bind: {
          hyper: hyper.view,
          rows: rows.view,
          slots: (listed ? rows : slots!).view,
          gradients: wholeVec4s(part.views.gradients),
          value: wholeVec4s(own.views.value),
          ...stateViews(step, entry, [start + own.base * columns, own.count * columns]),
        },
        params: {
          width,
          lanes,
          hyper_row: entry.index,
          leaves: LEAVES[stirred && !listed ? 'none' : leaves],
          places: rows.size,
          base_value: own.base,
          count_value: own.count,
          base_gradients: part.base,
          count_gradients: part.count,
        },
        overrides: rule.overrides(group),
        grid: Math.ceil(((listed ? part.count : own.count) * lanes) / WORKGROUP),
        label,
      });
}

/** The state bindings: a part of the flat tensors, and spare elements for kinds without use. */
function stateViews({ rule, spare }: Step, entry: Entry, [from, size]: Dense['state']): Record<string, BufferView> {
  const used = rule.uses(entry.group);
  const views = Object.entries(rule.states).map(([kind, binding], n) => {
    const part = used.includes(kind) ? flatOf(entry, kind).viewAs([size], from) : spare.viewAs([64], 64 * n);
    return [binding, wholeVec4s(part.view)];
  });
  return Object.fromEntries(views);
}
