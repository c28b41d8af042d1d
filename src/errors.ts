// Every error weft throws: one base class, few subclasses, each with fields beside its sentence.

/** Base of all weft errors, so that callers can tell ours from the platform's. */
export class WeftError extends Error {
  override name = 'WeftError';
}

export interface ArgumentErrorFields {
  /** Function or op that refused, e.g. `lstm`. */
  op: string;
  /** Argument at fault, e.g. `weightHh`. */
  argument: string;
  /** What was expected, with numbers. */
  expected: string;
  /** What was given. */
  actual: string;
  /** What the caller can do about it. */
  remedy?: string;
}

/** A wrong argument (shape, dtype, range, option), thrown before any dispatch. */
export class ArgumentError extends WeftError {
  override name = 'ArgumentError';
  readonly op: string;
  readonly argument: string;
  readonly expected: string;
  readonly actual: string;
  readonly remedy: string | undefined;

  constructor(fields: ArgumentErrorFields) {
    const remedy = fields.remedy ? ` ${fields.remedy}` : '';
    super(`${fields.op}: ${fields.argument} must be ${fields.expected}, got ${fields.actual}.${remedy}`);
    this.op = fields.op;
    this.argument = fields.argument;
    this.expected = fields.expected;
    this.actual = fields.actual;
    this.remedy = fields.remedy;
  }
}

/** Bad content of a data file; the message opens with `file:line`. */
export class DataError extends WeftError {
  override name = 'DataError';
  readonly file: string;
  readonly line: number | undefined;

  constructor(file: string, line: number | undefined, message: string) {
    super(`${line === undefined ? file : `${file}:${line}`}: ${message}`);
    this.file = file;
    this.line = line;
  }
}

/** A malformed or mismatched model file; names the file and, where one is at fault, the tensor. */
export class FormatError extends WeftError {
  override name = 'FormatError';
  readonly file: string;
  readonly tensor: string | undefined;

  constructor(file: string, message: string, tensor?: string) {
    super(`${file}: ${tensor === undefined ? '' : `tensor "${tensor}" `}${message}`);
    this.file = file;
    this.tensor = tensor;
  }
}

/** A bad configuration; names the file and the key. */
export class ConfigError extends WeftError {
  override name = 'ConfigError';
  readonly file: string;
  readonly key: string | undefined;

  constructor(file: string, key: string | undefined, message: string) {
    super(`${file}: ${key === undefined ? '' : `"${key}" `}${message}`);
    this.file = file;
    this.key = key;
  }
}

/** No usable adapter, or one that lacks a feature or limit the work needs. */
export class AdapterError extends WeftError {
  override name = 'AdapterError';
}

/** The device reported a validation or internal error; `op` is the label of the work at fault. */
export class DeviceError extends WeftError {
  override name = 'DeviceError';
  readonly op: string | undefined;

  constructor(message: string, op?: string) {
    super(op === undefined ? message : `${op}: ${message}`);
    this.op = op;
  }
}

/** The device is gone: destroyed by us, or lost to the driver. All its tensors are dead; ask for a new device and resume. */
export class DeviceLostError extends WeftError {
  override name = 'DeviceLostError';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(
      `the GPU device was lost (${reason})${message ? `: ${message}` : ''}. Its tensors are gone; create a new device and resume from the last checkpoint.`,
    );
    this.reason = reason;
  }
}

/** An allocation would exceed the byte budget, or the device refused it; nothing was allocated and the device stays usable. */
export class OutOfMemoryError extends WeftError {
  override name = 'OutOfMemoryError';
  readonly tensor: string;
  readonly bytes: number;
  readonly total: number;

  constructor(tensor: string, bytes: number, total: number, budget: number | undefined, remedy: string) {
    const limit = budget === undefined ? '' : ` of a budget of ${budget}`;
    super(`out of GPU memory: ${tensor} needs ${bytes} bytes with ${total} bytes in use${limit}. ${remedy}`);
    this.tensor = tensor;
    this.bytes = bytes;
    this.total = total;
  }
}

export interface NonFiniteErrorFields {
  /** Steps between the last one that was known to be finite and this one. */
  step: number;
  /** The step's loss; the norm where no loss was given. */
  loss: number;
  /** The norm of all gradients. */
  norm: number;
  /** The first parameter whose gradient has no finite norm: its place among those given to `clipGradNorm`, or its name. */
  parameter: number | string | undefined;
}

/** A step whose loss or gradient norm is not finite: it was refused, and parameters and optimiser are as before it. */
export class NonFiniteError extends WeftError {
  override name = 'NonFiniteError';
  readonly step: number;
  readonly loss: number;
  readonly norm: number;
  readonly parameter: number | string | undefined;

  constructor(fields: NonFiniteErrorFields, where = `step ${fields.step + 1} of those not verified yet`, remedy = '') {
    super(`${where} was refused: ${whatIsNotFinite(fields)}. Parameters and optimiser are as before it.${remedy}`);
    this.step = fields.step;
    this.loss = fields.loss;
    this.norm = fields.norm;
    this.parameter = fields.parameter;
  }
}

function whatIsNotFinite({ loss, norm, parameter }: NonFiniteErrorFields): string {
  const named = typeof parameter === 'number' ? `parameter ${parameter}` : parameter;
  const gradients =
    named === undefined
      ? `the norm of all gradients is ${norm}, though that of each is finite`
      : `the first gradient whose norm is not finite is that of ${named}`;
  if (Number.isFinite(loss)) return gradients;
  return `its loss is ${loss}${Number.isFinite(norm) ? '' : `, and ${gradients}`}`;
}
