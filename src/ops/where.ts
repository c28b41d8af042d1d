// Choosing between two tensors by a mask, with NumPy broadcasting.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { elementsPerBinding } from '../gpu/strips.ts';
import { empty, full } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { boxOf } from './box.ts';
import { repeated } from './copy-strided.ts';
import { commonDtype, holds, operandAs } from './promotion.ts';
import { sumTo } from './reduce.ts';

/**
 * `a` where `mask` (u32, as comparisons make it) is not 0, else `b`; all three broadcast (`torch.where`). Integers beside floats,
 * or a number with a fraction, count as f32; two numbers do.
 */
export function where(mask: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkMask('where', mask);
  const { device } = mask;
  const dtype = commonDtype('where', 'a and b', [a, b]);
  const [yes, no] = [operandAs(a, dtype, mask), operandAs(b, dtype, mask)];
  const out = choose('where', mask, yes, no);
  record('where', [yes, no], [out], ([dOut], needs) => {
    const zero = full([], 0, { device });
    return [
      needs[0] ? sumTo(choose('where', mask, dOut!, zero), yes.shape) : undefined,
      needs[1] ? sumTo(choose('where', mask, zero, dOut!), no.shape) : undefined,
    ];
  });
  return out;
}

/**
 * `x` with `value` where `mask` (u32) is not 0; the mask broadcasts to the shape of `x` (`torch.Tensor.masked_fill`).
 */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  checkMask('maskedFill', mask);
  if (!sameShape(broadcastShapes('maskedFill', mask.shape, x.shape), x.shape))
    refuse('maskedFill', 'mask', `of a shape that broadcasts to ${formatShape(x.shape)}`, formatShape(mask.shape));
  if (x.dtype !== 'f32' && !holds(x.dtype, value))
    refuse('maskedFill', 'value', `a whole number that ${x.dtype} holds`, value, 'Convert x with cast first.');
  return where(mask, value, x);
}

export function checkMask(op: string, mask: Tensor): void {
  if (mask.dtype !== 'u32') refuse(op, 'mask', 'u32, as comparisons make it', mask.dtype, 'Compare with ne(mask, 0).');
}

/** `a` where `mask` is not 0, else `b`; no autograd of its own. */
export function choose(label: string, mask: Tensor, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(label, broadcastShapes(label, mask.shape, a.shape), b.shape);
  const box = boxOf(shape, {
    m: broadcastStrides(mask.shape, shape),
    a: broadcastStrides(a.shape, shape),
    b: broadcastStrides(b.shape, shape),
  });
  if (!box) {
    const [m, yes, no] = [mask, a, b].map((t) => repeated(label, t, shape)) as [Tensor, Tensor, Tensor];
    return choose(label, m, yes, no);
  }
  const out = empty(shape, { dtype: a.dtype, device: a.device, label });
  const piece = elementsPerBinding(out.device);
  for (let base = 0; base < out.size; base += piece) {
    const size = Math.min(piece, out.size - base);
    const skip = (t: Tensor) => (sameShape(t.shape, shape) ? base : 0);
    const bound = (t: Tensor) =>
      sameShape(t.shape, shape)
        ? { ...t.view, offset: t.view.offset + base * BYTES_PER_ELEMENT, bytes: size * BYTES_PER_ELEMENT }
        : t.view;
    out.device.run(shaders.where, {
      bind: { mask: bound(mask), a: bound(a), b: bound(b), out: bound(out) },
      params: { size, base, skip_m: skip(mask), skip_a: skip(a), skip_b: skip(b), ...box.params },
      overrides: box.overrides,
      grid: Math.ceil(size / 64),
      label,
    });
  }
  return out;
}
