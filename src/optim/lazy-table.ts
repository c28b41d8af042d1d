// Exact-lazy updates of a table: rows without a gradient are left behind, and brought up to date before anybody sees them.
import { DeviceLostError } from '../errors.ts';
import type { BufferView, Kernel } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { wholeVec4s } from '../gpu/strips.ts';
import { lasting } from '../tensor/create.ts';
import { type RowPiece, rowPieces } from '../tensor/row-pieces.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Storage, Tensor } from '../tensor/tensor.ts';
import { CLOCK_SIZE, LazyClock, RECORD_SIZE, RING, type StepScalars } from './lazy-clock.ts';
import { SPARE, spareView } from './update.ts';

/** The kernel that brings rows up to date, for rows of any width and for rows of whole vec4s. */
export interface LazyKernels {
  readonly single: Kernel;
  readonly vec4: Kernel;
}

/** A parameter `[V, E]` and its state, as the optimiser sees them at present. */
export interface LazyOwner {
  readonly param: Tensor;
  /** Steps done. */
  readonly step: number;
  /** Names of the state bindings, and for each the state in the parameter's shape or undefined where it is not used. */
  states(): readonly (readonly [binding: string, state: Tensor | undefined])[];
}

/** Which rows a dispatch is about: fields of the kernel's parameters. */
interface Reach {
  readonly list: BufferView | undefined;
  readonly gradient: RowPiece | undefined;
  readonly listed: number;
  readonly firstListed: number;
  /** Rows in all of the list. */
  readonly places: number;
  readonly swept: number;
}

const WORKGROUP = 64;
// Every row has its turn within so many steps; what it missed since is in the ring then.
const TURNS = RING - 2;

/**
 * The lazy side of one table. While it lives, the storages of the table and of its state call it before they are read or
 * written (`Storage.settle`), so that nobody sees a row that is behind.
 */
export class LazyTable {
  /** The overrides that the missed updates go by. */
  overrides: Readonly<Record<string, boolean>>;
  readonly #kernels: LazyKernels;
  readonly #label: string;
  readonly #owner: LazyOwner;
  readonly #clock = new LazyClock();
  readonly #clockData: Tensor;
  /** Where the coming step's record arrives. */
  readonly #arrival: Tensor;
  readonly #spare: Tensor;
  readonly #stands: Tensor;
  readonly #watched = new Set<Storage>();
  /** The step at which all rows stood together last; -1 where that is not known. */
  #settled = -1;
  /** The step at which all rows stood together first. */
  #begun = 0;
  readonly #settle = (ids?: Tensor, table?: Tensor) => this.settle(ids, table);

  /** Takes memory, and may throw where there is none; nothing has changed then. */
  constructor(
    owner: LazyOwner,
    { label, kernels, overrides }: { label: string; kernels: LazyKernels; overrides: Record<string, boolean> },
  ) {
    const { device, shape } = owner.param;
    const made: Tensor[] = [];
    const make = (size: number, dtype: 'f32' | 'u32') => {
      const tensor = lasting([size], { dtype, device, label });
      made.push(tensor);
      return tensor;
    };
    try {
      this.#clockData = make(CLOCK_SIZE, 'f32');
      this.#arrival = make(RECORD_SIZE, 'f32');
      this.#spare = make(SPARE * 64, 'f32');
      this.#stands = make(shape[0]!, 'u32');
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
    this.#owner = owner;
    this.#label = label;
    this.#kernels = kernels;
    this.overrides = overrides;
    this.#begin();
    device.clear(this.#clockData.view);
  }

  /** Has all rows stand at the owner's step. */
  #begin(): void {
    const { step, param } = this.#owner;
    this.#settled = step;
    this.#begun = step;
    // Rows that took part in dense steps may have moments.
    const stand = step === 0 ? 0 : 2 * step + 1;
    const { view, bytes, size } = this.#stands;
    param.device.write({ ...view, bytes }, new Uint32Array(size).fill(stand));
  }

  /** Whether a table can be lazy: no other optimiser's rows in its storage are behind. */
  static fits(param: Tensor): boolean {
    return param.rank === 2 && param.storage.settle === undefined;
  }

  /** Has the storages of the table and of its state ask before they are used. */
  watch(): void {
    const { param } = this.#owner;
    const storages = [param.storage, ...this.#owner.states().flatMap(([, state]) => (state ? [state.storage] : []))];
    for (const storage of storages) {
      if (storage.settle === this.#settle) continue;
      storage.settle = this.#settle;
      this.#watched.add(storage);
      // What was recorded before reads the bytes as they lie.
      for (const plan of [...storage.buffer.plans]) plan.drop();
    }
  }

  /** Sends the scalars of the coming step, made by `scalars` now and in replays; `hyper` says whether it is refused. */
  upload(scalars: () => StepScalars, hyper: Tensor): void {
    const { device, view, bytes } = this.#arrival;
    device.write({ ...view, bytes }, () => this.#clock.record(this.#owner.step + 1, scalars()));
    device.run(shaders.lazy_clock, {
      bind: { hyper: hyper.view, record: view, clock: this.#clockData.view },
      params: {},
      grid: 1,
      label: this.#label,
    });
  }

  /** Is told that the owner went back a step; the clock on the device has not gone further. */
  rewind(): void {
    this.#settled = -1;
    if (this.#owner.step < this.#begun) this.#begin();
  }

  /** Queues the coming step, whose scalars have been sent: rows with a gradient take it, those whose turn it is catch up. */
  update(gradient: RowSparse | Tensor): void {
    const { param } = this.#owner;
    if (gradient instanceof RowSparse) {
      const { rows, values } = gradient;
      const swept = Math.ceil(param.shape[0]! / TURNS);
      const pieces = rowPieces(values);
      if (pieces.length === 0) pieces.push({ firstRow: 0, rowCount: 0, view: values.view });
      this.#launch(
        pieces.map((piece, n) => ({
          list: rows.view,
          gradient: piece,
          listed: piece.rowCount,
          firstListed: piece.firstRow,
          places: rows.size,
          swept: n === 0 ? swept : 0,
        })),
      );
      return;
    }
    const each = rowPieces(gradient).map((piece) => ({
      list: undefined,
      gradient: piece,
      listed: piece.rowCount,
      firstListed: piece.firstRow,
      places: 0,
      swept: 0,
    }));
    this.#launch(each);
    param.device.hostWork(() => this.#setSettled(this.#owner.step + 1));
  }

  /** Queues what brings rows up to date: those that `ids` names where it is given for this very `table`, all otherwise. */
  settle(ids?: Tensor, table?: Tensor): void {
    const { param } = this.#owner;
    if (!param.storage.alive) return;
    // A replay comes at another step, so that a recording has the work in it even where there is none now.
    if (this.#settled === this.#owner.step && !param.device.recording) return;
    const some = ids && table && table.offset === param.offset && sameShape(table.shape, param.shape);
    const listed = some ? ids.size : param.shape[0]!;
    const list = some ? ids.view : undefined;
    this.#launch([{ list, gradient: undefined, listed, firstListed: 0, places: listed, swept: 0 }]);
    if (some) return;
    param.device.hostWork(() => this.#setSettled(this.#owner.step));
  }

  #setSettled(step: number): () => void {
    const before = this.#settled;
    this.#settled = step;
    return () => {
      this.#settled = before;
    };
  }

  /** Brings all rows up to date and leaves the table to itself. */
  dispose(): void {
    try {
      this.settle();
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error;
    }
    for (const storage of this.#watched) if (storage.settle === this.#settle) storage.settle = undefined;
    this.#watched.clear();
    for (const tensor of [this.#clockData, this.#arrival, this.#spare, this.#stands]) tensor.dispose();
  }

  #launch(reaches: readonly Reach[]): void {
    for (const storage of this.#watched) storage.settle = undefined;
    try {
      const { param } = this.#owner;
      const states = this.#owner.states();
      const tables = [param, ...states.map(([, state]) => state)].map((table) => table && rowPieces(table));
      for (const [n, { firstRow, rowCount }] of tables[0]!.entries()) {
        const bind: Record<string, BufferView> = { value: wholeVec4s(tables[0]![n]!.view) };
        states.forEach(([name], i) => {
          const own = tables[i + 1]?.[n];
          bind[name] = own ? wholeVec4s(own.view) : spareView(this.#spare, i);
        });
        for (const reach of reaches) this.#run(reach, bind, { first_row: firstRow, row_count: rowCount });
      }
    } finally {
      for (const storage of this.#watched) storage.settle = this.#settle;
    }
  }

  #run(
    { list, gradient, listed, firstListed, places, swept }: Reach,
    bind: Record<string, BufferView>,
    piece: { first_row: number; row_count: number },
  ): void {
    const { device, shape } = this.#owner.param;
    const [rows, columns] = shape as [number, number];
    const unit = columns % 4 === 0 ? 4 : 1;
    const width = columns / unit;
    const lanes = Math.min(device.tuning.lazyLanes, 2 ** Math.ceil(Math.log2(Math.max(1, width))));
    // A whole table has many rows that there is nothing to do for; a list has few, and most of them want work.
    const span = list ? Math.max(device.tuning.lazyRows, WORKGROUP / lanes) : WORKGROUP;
    device.run(unit === 4 ? this.#kernels.vec4 : this.#kernels.single, {
      bind: {
        ...bind,
        clock: this.#clockData.view,
        stands: this.#stands.view,
        rows: list ?? this.#clockData.view, // not read
        gradients: gradient ? wholeVec4s(gradient.view) : this.#clockData.view,
      },
      params: {
        ...piece,
        width,
        lanes,
        rows,
        first_value: gradient?.firstRow ?? 0,
        first_listed: firstListed,
        listed,
        places,
        swept,
        whole: Number(list === undefined),
        apply: Number(gradient !== undefined),
        span,
      },
      overrides: this.overrides,
      grid: Math.ceil((listed + swept) / span),
      label: this.#label,
    });
  }
}
