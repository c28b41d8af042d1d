// Choosing between two tensors by a mask, with NumPy broadcasting.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty, full } from '../tensor/create.ts';
import { broadcastShapes, broadcastStrides, formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
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
  // An operand that does not repeat advances with the result; one that does is bound whole.
  const own = (t: Tensor) => (sameShape(t.shape, shape) ? t : undefined);
  for (const { base, count, views } of windows(out.size, { mask: own(mask), a: own(a), b: own(b), out })) {
    const baseOf = (view: BufferView | undefined) => (view ? base : 0);
    out.device.run(shaders.where, {
      bind: { mask: views.mask ?? mask.view, a: views.a ?? a.view, b: views.b ?? b.view, out: views.out },
      params: {
        size: count,
        base,
        base_m: baseOf(views.mask),
        base_a: baseOf(views.a),
        base_b: baseOf(views.b),
        ...box.params,
      },
      overrides: box.overrides,
      grid: Math.ceil(count / 64),
      label,
    });
  }
  return out;
}
