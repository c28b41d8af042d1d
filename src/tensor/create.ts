// Making tensors: from host values, filled, and the device they go to.
import { refuse } from '../check.ts';
import { WeftError } from '../errors.ts';
import { Device } from '../gpu/device.ts';
import type { DeviceOptions } from '../gpu/options.ts';
import { BYTES_PER_ELEMENT, type DType, dtypeOf, INTEGER_RANGE, type TypedArray, typedArray } from './dtype.ts';
import { keep } from './scope.ts';
import { formatShape, type Shape, sameShape, sizeOf } from './shape.ts';
import { Storage, Tensor } from './tensor.ts';

let defaultDevice: Device | undefined;

/** Finds an adapter, makes a device and has every creation function use it by default. */
export async function init(options: DeviceOptions = {}): Promise<Device> {
  const device = await Device.create(options);
  defaultDevice = device;
  return device;
}

export function setDefaultDevice(device: Device | undefined): void {
  defaultDevice = device;
}

export function getDevice(): Device {
  if (!defaultDevice) throw new WeftError('no device yet: `await init()` first, or pass one in the options');
  return defaultDevice;
}

export interface CreateOptions {
  dtype?: DType;
  device?: Device;
  /** Whether `backward` computes a gradient for it. */
  requiresGrad?: boolean;
}

function checkShape(op: string, shape: Shape): void {
  if (shape.some((n) => !Number.isInteger(n) || n < 0)) refuse(op, 'shape', 'whole numbers >= 0', formatShape(shape));
}

type Nested = number | readonly Nested[];

/** An uninitialised tensor, named after the op that fills it. */
export function empty(
  shape: Shape,
  options: { dtype?: DType; device: Device; label: string; host?: TypedArray | undefined },
): Tensor {
  checkShape(options.label, shape);
  const storage = new Storage(options.device, sizeOf(shape) * BYTES_PER_ELEMENT, options.label);
  return new Tensor(storage, shape, options.dtype ?? 'f32', { host: options.host });
}

/** An uninitialised tensor that outlives every step, in memory that no replay writes to but by its name: it lives until `dispose()`. */
export function lasting(shape: Shape, options: { dtype?: DType; device: Device; label: string }): Tensor {
  return keep(options.device.lasting(() => empty(shape, options)));
}

/**
 * A tensor of host values: nested arrays, or a flat array with a shape. The dtype is that of a typed array, else f32.
 * Integer tensors keep their host values for range checks.
 */
export function tensor(values: Nested | TypedArray, options: CreateOptions & { shape?: Shape } = {}): Tensor {
  const device = options.device ?? getDevice();
  const flat: number[] = [];
  let data: TypedArray;
  let shape: Shape;
  if (ArrayBuffer.isView(values)) {
    checkArray('tensor', 'values', values);
    data =
      options.dtype && options.dtype !== dtypeOf(values)
        ? converted('tensor', 'values', options.dtype, values)
        : values.slice();
    shape = options.shape ?? [values.length];
  } else {
    const found = flatten(values, flat, 'tensor');
    data = converted('tensor', 'values', options.dtype ?? 'f32', flat);
    shape = options.shape ?? found;
  }
  if (sizeOf(shape) !== data.length)
    refuse('tensor', 'shape', `a shape of ${data.length} elements`, formatShape(shape));
  refuseInRecording(device, 'tensor', 'uploads values, which a replay would repeat', PASS_IN);
  return withGrad(upload(data, shape, device, 'tensor'), options);
}

const PASS_IN =
  'Make it before the step and pass it to the compiled function; constants can be made once, or with full().';

/** Refuses in a step that is being recorded what would go wrong in its replays. */
export function refuseInRecording(device: Device, op: string, why: string, remedy: string): void {
  if (device.recording) throw new WeftError(`compile: ${op} in a compiled step ${why}. ${remedy}`);
}

function upload(data: TypedArray, shape: Shape, device: Device, label: string): Tensor {
  // A copy of its own: `assign` changes it, and the upload may still be waiting then.
  const host = data instanceof Float32Array ? undefined : data.slice();
  const out = empty(shape, { dtype: dtypeOf(data), device, label, host });
  if (data.length > 0) device.write({ ...out.view, bytes: out.bytes }, data);
  return out;
}

function checkArray(op: string, argument: string, values: unknown): void {
  if (!(values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint32Array))
    refuse(
      op,
      argument,
      'numbers, a Float32Array, an Int32Array or a Uint32Array',
      Object.prototype.toString.call(values).slice(8, -1),
    );
}

function flatten(values: Nested, flat: number[], op: string): number[] {
  if (typeof values === 'number') {
    flat.push(values);
    return [];
  }
  let inner: number[] | undefined;
  for (const value of values) {
    const shape = flatten(value, flat, op);
    if (inner && formatShape(inner) !== formatShape(shape))
      refuse(op, 'values', 'nested arrays of equal lengths', `${formatShape(inner)} beside ${formatShape(shape)}`);
    inner = shape;
  }
  return [values.length, ...(inner ?? [])];
}

/** Host values as `dtype`. Fractions are cut, as in PyTorch; what an integer dtype cannot hold is refused. */
function converted(op: string, argument: string, dtype: DType, values: ArrayLike<number>): TypedArray {
  if (dtype !== 'f32') {
    const [least, most] = INTEGER_RANGE[dtype];
    for (let at = 0; at < values.length; at++) {
      const whole = Math.trunc(values[at]!);
      if (!(whole >= least && whole <= most))
        refuse(
          op,
          argument,
          `what ${dtype} holds, ${least}..${most}`,
          values.length === 1 ? String(values[at]) : `${values[at]} at element ${at}`,
        );
    }
  }
  return typedArray(dtype, values);
}

/**
 * Overwrites a tensor's elements: with host values of the same number, those it keeps on the host included, or with the elements of
 * another tensor of its shape and dtype, on the device (`target.copy_(data)` in PyTorch, without a gradient).
 */
export function assign(target: Tensor, data: TypedArray | Tensor): void {
  if ('storage' in data) {
    if (!sameShape(data.shape, target.shape) || data.dtype !== target.dtype)
      refuse(
        'assign',
        'data',
        `${target.dtype} ${formatShape(target.shape)}`,
        `${data.dtype} ${formatShape(data.shape)}`,
      );
    if (target.host)
      refuse('assign', 'target', 'without values on the host', 'made of host values', 'Give host values instead.');
    if (target.size > 0)
      target.device.copy({ ...data.view, bytes: data.bytes }, { ...target.view, bytes: target.bytes });
    return;
  }
  checkArray('assign', 'data', data);
  if (data.length !== target.size || dtypeOf(data) !== target.dtype)
    refuse('assign', 'data', `${target.size} values of ${target.dtype}`, `${data.length} of ${dtypeOf(data)}`);
  refuseInRecording(target.device, 'assign', 'uploads values, which a replay would repeat', 'Call it before the step.');
  if (data.length > 0) target.device.write({ ...target.view, bytes: target.bytes }, data.slice());
  target.host?.set(data);
}

export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  const dtype = options.dtype ?? 'f32';
  const device = options.device ?? getDevice();
  if (value === 0 && dtype === 'f32') {
    const out = empty(shape, { device, label: 'full' });
    device.clear(out.view);
    return withGrad(out, options);
  }
  checkShape('full', shape);
  const [one] = converted('full', 'value', dtype, [value]);
  const values = typedArray(dtype, new Float64Array(sizeOf(shape)).fill(one!));
  return withGrad(upload(values, shape, device, 'full'), options);
}

export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 1, options);
}

/** `[start, start + step, …)` up to and without `end`. */
export function arange(start: number, end: number, stride = 1, options: CreateOptions = {}): Tensor {
  if (!(stride !== 0) || Number.isNaN(stride)) refuse('arange', 'stride', 'a number other than 0', stride);
  const dtype = options.dtype ?? 'f32';
  if (dtype !== 'f32' && !(Number.isInteger(start) && Number.isInteger(stride)))
    refuse('arange', 'start and stride', `whole numbers for ${dtype}`, `${start} and ${stride}`);
  const length = Math.max(0, Math.ceil((end - start) / stride));
  const values = Float64Array.from({ length }, (_, i) => start + i * stride);
  const data = converted('arange', 'start and end', dtype, values);
  return withGrad(upload(data, [length], options.device ?? getDevice(), 'arange'), options);
}

function withGrad(out: Tensor, options: CreateOptions): Tensor {
  if (options.requiresGrad && out.dtype !== 'f32')
    refuse('tensor', 'requiresGrad', 'false for integer tensors', 'true');
  out.requiresGrad = options.requiresGrad ?? false;
  return out;
}
