// Steps that are not finite are refused: the device notes the first one, and from it on optimisers change nothing.
import { refuse } from '../check.ts';
import { NonFiniteError } from '../errors.ts';
import type { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { getDevice, lasting } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Where the partial sums of a parameter's gradient begin among those of all. */
export interface PartialsOf {
  /** Place of the parameter among those that were given. */
  readonly parameter: number;
  readonly first: number;
}

/** A step that was tested, and whose outcome the host does not know yet. */
interface Tested {
  readonly partials: readonly PartialsOf[];
  /** What takes back what the host counted for it, in order. */
  readonly undos: (() => void)[];
}

/** Words of the device's note; the layout is in finite_check.wgsl. */
const WORDS = 5;
const NONE = 0xffffffff;

/**
 * Refuses steps whose loss or gradient norm is not finite, without waiting for the device: give it to `clipGradNorm`, with
 * the loss, and to `optimizer.step` after it. From the first such step on, optimisers that go by it change neither
 * parameters nor state. `verify` finds out: call it every few steps, and before parameters are used or saved.
 */
export class FiniteCheck {
  readonly #state: Tensor;
  /** Steps since the last one that is known to be finite. */
  readonly #tested: Tested[] = [];
  /** Steps found finite that the device's note still counts. */
  #passed = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(device: Device = getDevice()) {
    this.#state = lasting([WORDS], { dtype: 'u32', device, label: 'FiniteCheck' });
    device.clear(this.#state.view);
  }

  /** Steps tested whose outcome is not known yet. */
  get pending(): number {
    return this.#tested.length;
  }

  /** One word on the device, 0 while all steps are finite. */
  get refused(): BufferView {
    return { ...this.#state.view, bytes: 4 };
  }

  /** Queues the test of a step by the partial sums of its gradients, their norm, and its loss if that is given. */
  test(sums: Tensor, norm: Tensor, loss: Tensor | undefined, partials: readonly PartialsOf[]): void {
    const { device } = this.#state;
    if (loss && (loss.dtype !== 'f32' || loss.size !== 1))
      refuse('clipGradNorm', 'loss', 'f32 of one element', `${loss}`);
    device.run(shaders.finite_check, {
      bind: { partials: sums.view, norm: norm.view, loss: (loss ?? norm).view, state: this.#state.view },
      params: { count: sums.size },
      grid: 1,
      label: 'FiniteCheck',
    });
    device.hostWork(() => {
      this.#tested.push({ partials, undos: [] });
      return () => {
        this.#tested.pop();
      };
    });
  }

  /** Notes how a step's count on the host is taken back if the step is refused. Returns what forgets it again. */
  onRefusal(undo: () => void): () => void {
    const undos = this.#tested.at(-1)?.undos ?? [];
    undos.push(undo);
    return () => {
      undos.splice(undos.lastIndexOf(undo), 1);
    };
  }

  /**
   * Resolves where every step tested so far is finite. Else everything that goes by this check is put back to before the
   * first one that is not, steps queued since included, and NonFiniteError says which it was; training may go on from there.
   */
  verify(): Promise<void> {
    const verifyNow = () => this.#verify();
    this.#turn = this.#turn.then(verifyNow, verifyNow);
    return this.#turn;
  }

  async #verify(): Promise<void> {
    const count = this.#tested.length;
    if (count === 0) return;
    const [refused, passed, first, loss, norm] = (await this.#state.data()) as Uint32Array;
    if (!refused) {
      this.#tested.splice(0, count);
      this.#passed += count;
      return;
    }
    const at = passed! - this.#passed;
    const { partials } = this.#tested[at]!;
    for (const { undos } of this.#tested.splice(at).reverse()) for (const undo of undos.reverse()) undo();
    this.#tested.length = 0;
    this.#passed = 0;
    this.#state.device.clear(this.#state.view);
    throw new NonFiniteError({
      step: at,
      loss: floatOf(loss!),
      norm: floatOf(norm!),
      parameter: first === NONE ? undefined : partials.findLast((p) => p.first <= first!)!.parameter,
    });
  }

  /** Frees what it keeps on the device. */
  dispose(): void {
    this.#state.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
