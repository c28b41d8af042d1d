// How the recurrent ops run their time steps: which kernels, padded states that alternate between two halves, packed weights.
import type { PoolTexture } from '../gpu/texture-pool.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { copyStrided } from './copy-strided.ts';
import { type Layer, packWeights } from './recurrent.ts';

/** How the steps run on a device, and to what multiple of 4 the states' rows are padded for it. */
export interface StepForm {
  /** Row groups of 8 that an invocation of the texel kernels holds; undefined where the plain kernels run. */
  readonly texel: 1 | 2 | 4 | undefined;
  readonly padded: number;
}

export function stepForm({ geometry, x }: Layer): StepForm {
  const { info, hasSubgroups } = x.device;
  if (info.kind !== 'cpu' || info.subgroupSize !== 8 || !hasSubgroups)
    return { texel: undefined, padded: geometry.hidden };
  return { texel: geometry.batch <= 8 ? 1 : geometry.batch <= 16 ? 2 : 4, padded: Math.ceil(geometry.hidden / 4) * 4 };
}

/** Two halves `[2, D, B, Hp]` of which the first holds `state`: steps read one and write the other. The padding is 0. */
export function alternating(state: Tensor, padded: number, label: string): Tensor {
  const [directions, batch, hidden] = state.shape as [number, number, number];
  const out = empty([2, directions, batch, padded], { device: state.device, label });
  if (padded !== hidden) out.device.clear(out.view);
  copyStrided(label, {
    shape: [directions * batch, hidden],
    source: state,
    sourceStrides: [hidden, 1],
    target: out,
    targetStrides: [padded, 1],
  });
  return out;
}

/** The half of an alternating state that step `steps` would read: the final state `[D, B, H]`. */
export function finalHalf(halves: Tensor, hidden: number, steps: number, label: string): Tensor {
  const [, directions, batch, padded] = halves.shape as [number, number, number, number];
  const out = empty([directions, batch, hidden], { device: halves.device, label });
  copyStrided(label, {
    shape: [directions * batch, hidden],
    source: halves,
    sourceStrides: [padded, 1],
    sourceOffset: (steps % 2) * directions * batch * padded,
    target: out,
    targetStrides: [hidden, 1],
  });
  return out;
}

/** Params of every step kernel. */
export function stepParams({ geometry }: Layer, step: number) {
  const { batch, time, hidden, directions, strideB, strideT } = geometry;
  return { batch, time, hidden, directions, stride_b: strideB, stride_t: strideT, step };
}

/** Grid of a step kernel: units (`units` to a workgroup of the texel form), directions, tiles of rows. */
export function stepGrid({ geometry }: Layer, { texel }: StepForm, units: 8 | 32): [number, number, number] {
  const { hidden, directions, batch } = geometry;
  return texel
    ? [Math.ceil(hidden / units), directions, Math.ceil(batch / (8 * texel))]
    : [Math.ceil(hidden / 64), directions, Math.ceil(batch / 4)];
}

/** Runs `steps` with the packed recurrent weights mirrored in a texture, where the form wants it. */
export function withWeights(
  layer: Layer,
  form: StepForm,
  layout: 1 | 2,
  steps: (r: Tensor, texture: PoolTexture | undefined) => void,
): void {
  const r = packWeights(layer, 'weightHh', layout, layout === 1 ? form.padded : undefined);
  if (form.texel) r.device.withTextures([r.view], layer.kind.op, ([texture]) => steps(r, texture));
  else steps(r, undefined);
  r.dispose();
}
