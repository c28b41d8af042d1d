// Cross-entropy from logits: loss and gradient of every row in one kernel, then one sum.
import { needsGrad, noGrad, record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { formatShape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { add, mul } from './arithmetic.ts';
import { neg } from './elementwise.ts';
import { mean, sum } from './reduce.ts';
import { rowForm, rowGrid } from './row-kernels.ts';
import { logSoftmax } from './softmax.ts';

export type Reduction = 'mean' | 'sum' | 'none';

export interface ClassLossOptions {
  /** `[K]`, the weight of each class. Gets no gradient. */
  weight?: Tensor | undefined;
  /** Rows with this class have no loss and no gradient; -100 by default. */
  ignoreIndex?: number;
  /** 'mean' by default. */
  reduction?: Reduction;
}

export interface CrossEntropyOptions extends ClassLossOptions {
  /** Share of the target that is spread evenly over all classes, in 0..1; 0 by default. */
  labelSmoothing?: number;
}

/**
 * `-Σ q · log softmax(logits)` over the classes (`torch.nn.functional.cross_entropy`). The class axis is the LAST one: `logits`
 * `[…, K]`; for PyTorch's `[N, K, T]` write `permute(logits, [0, 2, 1])`, also of probabilities: where K = T shapes cannot
 * tell the two layouts apart, and the loss is another. `target` is i32 class indices `[…]`, or f32 probabilities `[…, K]`.
 *
 * 'mean' divides by the sum of the weights of the rows that are not ignored (by their number without `weight`); with
 * probabilities by the number of rows. Where that is 0 the mean is NaN as in PyTorch, its gradient 0. 'none' returns `[…]`.
 * Indices that the host knows are checked before anything runs; an index made on the GPU that is outside 0..K-1 and not
 * `ignoreIndex` makes the loss and the row's gradient NaN.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  const { labelSmoothing = 0, ignoreIndex = -100 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) refuse(op, 'labelSmoothing', 'in 0..1', labelSmoothing);
  checkRows(op, 'logits', logits, options);
  if (target.dtype !== 'f32') {
    checkClasses(op, logits, target, ignoreIndex);
    return classLoss(op, logits, target, options);
  }
  if (!sameShape(target.shape, logits.shape))
    refuse(
      op,
      'target',
      `class indices (i32) ${formatShape(logits.shape.slice(0, -1))} or probabilities (f32) ${formatShape(logits.shape)}`,
      `f32 ${formatShape(target.shape)}`,
    );
  if (ignoreIndex >= 0) refuse(op, 'ignoreIndex', 'negative (unused) where target holds probabilities', ignoreIndex);
  return needsGrad([target]) ? composed(logits, target, options) : classLoss(op, logits, target, options);
}

/** Loss of rows of logits, or with `logProbabilities` of log p, whose arguments were checked. */
export function classLoss(
  op: string,
  logits: Tensor,
  target: Tensor,
  options: CrossEntropyOptions & { logProbabilities?: boolean },
): Tensor {
  const { reduction = 'mean' } = options;
  const { device } = logits;
  const classes = logits.shape.at(-1)!;
  const rows = sizeOf(logits.shape.slice(0, -1));
  const wanted = needsGrad([logits]);
  const terms = empty([2, rows], { device, label: op });
  const dLogits = wanted ? empty(logits.shape, { device, label: op }) : undefined;
  runRows(op, logits, target, terms, dLogits, options);
  const totals = reduction === 'none' ? undefined : total(op, terms, rows, reduction === 'mean');
  const loss = totals ? totals.viewAs([]) : terms.viewAs(logits.shape.slice(0, -1));
  if (!dLogits) return loss;
  record(op, [logits], [loss], ([dLoss]) => {
    for (const { base, count, views } of windows(rows, { d_logits_inout: dLogits })) {
      device.run(shaders.cross_entropy_backward, {
        bind: { ...views, d_loss: dLoss!.view, totals: (totals ?? dLoss!).view },
        params: { size: count * classes, classes, base },
        overrides: { REDUCED: totals !== undefined },
        grid: Math.ceil((count * classes) / 256),
        label: op,
      });
    }
    return [dLogits];
  });
  return loss;
}

function runRows(
  op: string,
  logits: Tensor,
  target: Tensor,
  terms: Tensor,
  dLogits: Tensor | undefined,
  options: CrossEntropyOptions & { logProbabilities?: boolean },
): void {
  const { weight, ignoreIndex = -100, labelSmoothing = 0, logProbabilities = false } = options;
  const { device } = logits;
  const classes = logits.shape.at(-1)!;
  const rows = terms.shape[1]!;
  const given = target.dtype === 'f32';
  const form = rowForm(classes);
  // A binding that is written cannot stand for one that is read, so the dummy is a buffer of its own.
  const unused = dLogits ? undefined : empty([1], { device, label: op });
  for (const { base, count, views } of windows(rows, { logits, dLogits, target: given ? target : undefined })) {
    device.run(shaders.cross_entropy[form], {
      bind: {
        logits: views.logits,
        classes: given ? views.logits : target.view,
        probabilities: views.target ?? views.logits,
        weight: weight?.view ?? views.logits,
        terms: terms.view,
        d_logits: views.dLogits ?? unused!.view,
      },
      params: {
        rows: count,
        base,
        total_rows: rows,
        classes,
        ignore_index: ignoreIndex,
        smoothing: labelSmoothing,
        nan_bits: 0x7fc00000,
      },
      overrides: {
        PROBABILITIES: given,
        LOG_PROBABILITIES: logProbabilities,
        HAS_WEIGHT: weight !== undefined,
        SMOOTHED: labelSmoothing > 0,
        HAS_GRADIENT: dLogits !== undefined,
      },
      grid: rowGrid(form, count),
      label: op,
    });
  }
  unused?.dispose();
}

/** More rows than this are first summed in slabs by `sum`. */
const MAX_TERMS = 16_384;

/** `[2]`: the reduced loss, and the factor from it to the gradient of a row. */
function total(op: string, terms: Tensor, rows: number, isMean: boolean): Tensor {
  const { device } = terms;
  const slabs = rows > MAX_TERMS ? noGrad(() => slabSums(terms, rows)) : terms;
  const out = empty([2], { device, label: op });
  device.run(shaders.cross_entropy_total, {
    bind: { terms: slabs.view, out: out.view },
    params: { count: slabs.size / 2 },
    overrides: { MEAN: isMean },
    grid: 1,
    label: op,
  });
  return out;
}

function slabSums(terms: Tensor, rows: number): Tensor {
  return sum(terms.viewAs([2, rows]), 1);
}

/** The same from elementwise ops: the target has a gradient too. */
function composed(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, reduction = 'mean', labelSmoothing = 0 } = options;
  const classes = logits.shape.at(-1)!;
  const q = labelSmoothing > 0 ? add(mul(target, 1 - labelSmoothing), labelSmoothing / classes) : target;
  const logs = logSoftmax(logits, -1);
  const rows = neg(sum(mul(weight ? mul(logs, weight) : logs, q), -1));
  if (reduction === 'none') return rows;
  return reduction === 'mean' ? mean(rows) : sum(rows);
}

export function checkReduction(op: string, reduction: Reduction | undefined): void {
  if (reduction !== undefined && !['mean', 'sum', 'none'].includes(reduction))
    refuse(op, 'reduction', "'mean', 'sum' or 'none'", `'${reduction}'`);
}

/** What the inputs of `crossEntropy` and `nllLoss` have in common. */
export function checkRows(
  op: string,
  argument: string,
  x: Tensor,
  { weight, reduction, ignoreIndex }: ClassLossOptions,
): void {
  const classes = x.shape.at(-1);
  if (x.dtype !== 'f32' || !classes)
    refuse(op, argument, 'f32 […, K] with K at least 1', `${x.dtype} ${formatShape(x.shape)}`);
  if (weight && (weight.dtype !== 'f32' || !sameShape(weight.shape, [classes])))
    refuse(op, 'weight', `f32 [K] = [${classes}]`, `${weight.dtype} ${formatShape(weight.shape)}`);
  if (weight && needsGrad([weight]))
    refuse(
      op,
      'weight',
      'a constant',
      'a tensor that requires a gradient',
      'Detach it: class weights have no gradient here, nor in PyTorch.',
    );
  if (ignoreIndex !== undefined && !Number.isInteger(ignoreIndex))
    refuse(op, 'ignoreIndex', 'a whole number', ignoreIndex);
  checkReduction(op, reduction);
}

/** Class indices: dtype, shape, and where the host knows them their range. */
export function checkClasses(op: string, x: Tensor, target: Tensor, ignoreIndex: number): void {
  const classes = x.shape.at(-1)!;
  const shape = x.shape.slice(0, -1);
  if (target.dtype !== 'i32' || !sameShape(target.shape, shape)) {
    const classesSecond = x.rank > 2 && sameShape(target.shape, x.shape.toSpliced(1, 1));
    const last = x.shape.map((_, axis) => axis).toSpliced(1, 1);
    const order = `permute(x, ${formatShape([...last, 1])})`;
    refuse(
      op,
      'target',
      `class indices (i32) ${formatShape(shape)}`,
      `${target.dtype} ${formatShape(target.shape)}`,
      classesSecond ? `The class axis is the last one here, not the second as in PyTorch: pass ${order}.` : undefined,
    );
  }
  const { host } = target;
  if (!host) return;
  target.device.hostWork(() => {
    const at = host.findIndex((c) => (c < 0 || c >= classes) && c !== ignoreIndex);
    if (at >= 0)
      refuse(op, 'target', `in 0..${classes - 1} or ignoreIndex = ${ignoreIndex}`, `${host[at]} at element ${at}`);
  });
}
