// Recorded steps: a function of tensors is run and recorded once for each set of shapes, and replayed from then on.
import { refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import { type Plan, record as recordPlan } from '../gpu/plan.ts';
import { empty } from './create.ts';
import { keep, step } from './scope.ts';
import { formatShape } from './shape.ts';
import { Tensor } from './tensor.ts';

/** Tensors alone, in arrays or in plain objects. */
export type Tensors = Tensor | readonly Tensors[] | { readonly [key: string]: Tensors | undefined } | undefined;

export interface CompileOptions {
  /**
   * Bytes that the buffers of all recorded steps of the device may take; beyond, those used longest ago are forgotten and
   * recorded anew when they are needed. Unlimited where undefined. Under the device's byteBudget they give way anyhow.
   */
  planBytes?: number | undefined;
  /** Recorded steps kept at most; 256 by default. */
  maxPlans?: number;
}

export interface CompileStats {
  /** Calls that ran the function: the first one, and one for every set of shapes and modes. */
  traced: number;
  /** Calls that queued recorded commands. */
  replayed: number;
  /** Steps recorded at present. */
  plans: number;
}

/** A function of tensors that is recorded. */
export interface Compiled<In extends Tensors, Out extends Tensors> {
  /** Queues a step. The result's tensors are the caller's, as those of `step` are. */
  (inputs: In): Out;
  readonly stats: Readonly<CompileStats>;
  /** Forgets what is recorded. It may be called on. */
  dispose(): void;
}

interface Recorded<Out> {
  readonly device: Device;
  readonly plan: Plan;
  /** Where the recorded commands read the inputs, in the order of `tensorsOf`. */
  readonly slots: readonly Tensor[];
  readonly result: Out;
}

/**
 * Makes a recorded form of `fn`, which queues work on tensors (a forward pass, or a whole training step with `backward`,
 * clipping, `optimizer.step()` and `zeroGrad`): run as it is the first time, recorded once for every set of input shapes,
 * then replayed with the same buffers, bind groups and pipelines, to the same bits. What changes from call to call comes in
 * through `inputs` (integer tensors with their host values), or is an optimiser's rate, a generator's step or a layer's
 * mode; other values that `fn` uses on the host are taken as they were at the recording. `fn` is run like `step`'s: what
 * it makes and does not return is freed.
 */
export function compile<In extends Tensors, Out extends Tensors>(
  fn: (inputs: In) => Out,
  { planBytes, maxPlans = 256 }: CompileOptions = {},
): Compiled<In, Out> {
  const recorded = new Map<string, Recorded<Out>>();
  const counts = { traced: 0, replayed: 0 };

  const forget = (key: string) => {
    const old = recorded.get(key);
    if (!old) return;
    recorded.delete(key);
    old.plan.drop();
    for (const slot of old.slots) slot.dispose();
    for (const { tensor } of tensorsOf(old.result)) tensor.dispose();
  };

  const record = (device: Device, inputs: In): Recorded<Out> => {
    const slots = tensorsOf(inputs).map(({ tensor }) => slotFor(tensor));
    try {
      fill(slots, inputs);
      const made = recordPlan(device, () => {
        for (const slot of slots)
          if (slot.host && slot.size > 0) device.write({ ...slot.view, bytes: slot.bytes }, () => slot.host!.slice());
        return step(() => fn(withTensors(inputs, slots)));
      });
      for (const { tensor } of tensorsOf(made.result)) keep(tensor);
      return { device, plan: made.plan, slots, result: made.result };
    } catch (error) {
      for (const slot of slots) slot.dispose();
      throw error;
    }
  };

  const call = (inputs: In): Out => {
    const found = tensorsOf(inputs);
    const device = found[0]?.tensor.device;
    if (!device || counts.traced === 0) {
      // What is made once, such as an optimiser's moments, is made now and does not belong to any recording.
      const result = step(() => fn(inputs));
      counts.traced++;
      return result;
    }
    for (const { path, tensor } of found) checkInput(path, tensor);
    const key = signature(inputs);
    let known = recorded.get(key);
    if (known && !(known.device === device && known.plan.valid && known.plan.current)) {
      forget(key);
      known = undefined;
    }
    if (known) {
      recorded.delete(key); // to the end: the one used last
      recorded.set(key, known);
      fill(known.slots, inputs);
      device.replay(known.plan);
      counts.replayed++;
    } else {
      known = record(device, inputs);
      counts.traced++;
      recorded.set(key, known);
      for (const oldest of recorded.keys()) {
        if (oldest === key) break;
        if (recorded.size <= maxPlans && device.pool.plannedBytes <= (planBytes ?? Number.POSITIVE_INFINITY)) break;
        forget(oldest);
      }
    }
    return withTensors(
      known.result,
      tensorsOf(known.result).map(({ tensor }) => copyOf(tensor)),
    );
  };

  return Object.defineProperties(call, {
    stats: { get: () => ({ ...counts, plans: recorded.size }) },
    dispose: {
      value: () => {
        for (const key of [...recorded.keys()]) forget(key);
      },
    },
  }) as Compiled<In, Out>;
}

interface Placed {
  readonly path: string;
  readonly tensor: Tensor;
}

/** The tensors in a structure, with the paths they stand at. */
function tensorsOf(value: Tensors, path = ''): Placed[] {
  if (value === undefined) return [];
  if (value instanceof Tensor) return [{ path, tensor: value }];
  if (Array.isArray(value) || isPlain(value))
    return Object.entries(value).flatMap(([key, inner]) => tensorsOf(inner as Tensors, `${path}.${key}`));
  refuse(
    'compile',
    `the inputs or results${path && ` at ${path.slice(1)}`}`,
    'tensors, in arrays or plain objects',
    value === null ? 'null' : typeof value === 'object' ? `a ${(value as object).constructor.name}` : typeof value,
    'Read numbers that change from a tensor, and take constants from the surrounding scope.',
  );
}

function isPlain(value: unknown): value is { readonly [key: string]: Tensors } {
  return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
}

/** The structure with other tensors, in the order of `tensorsOf`. */
function withTensors<T extends Tensors>(value: T, tensors: readonly Tensor[]): T {
  const left = [...tensors];
  const walk = (inner: Tensors): Tensors => {
    if (inner === undefined) return undefined;
    if (inner instanceof Tensor) return left.shift()!;
    if (Array.isArray(inner)) return inner.map(walk);
    return Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, walk(one as Tensors)]));
  };
  return walk(value) as T;
}

/** Refuses what a recording could not take another tensor for. */
function checkInput(path: string, { requiresGrad, node }: Tensor): void {
  if (requiresGrad || node)
    refuse(
      'compile',
      `the input${path && ` ${path.slice(1)}`}`,
      'a tensor without gradient',
      requiresGrad ? 'one with requiresGrad' : 'the result of a recorded op',
      'Use parameters from the surrounding scope; detach results.',
    );
}

/** All of the inputs that may decide what a step queues: where which tensors stand, their dtypes and shapes, whether the host has their values. */
function signature(inputs: Tensors): string {
  if (inputs === undefined) return '';
  if (inputs instanceof Tensor) return `${inputs.dtype}${formatShape(inputs.shape)}${inputs.host ? 'h' : ''}`;
  if (Array.isArray(inputs)) return `[${inputs.map(signature).join(';')}]`;
  const given = Object.entries(inputs).filter(([, inner]) => inner !== undefined);
  return `{${given.map(([key, inner]) => `${JSON.stringify(key)}:${signature(inner as Tensors)}`).join(';')}}`;
}

/** A tensor like `input` that lives as long as the recording. */
function slotFor({ shape, dtype, device, host }: Tensor): Tensor {
  return keep(empty(shape, { dtype, device, label: 'compile', host: host?.slice() }));
}

function fill(slots: readonly Tensor[], inputs: Tensors): void {
  const found = tensorsOf(inputs).map(({ tensor }) => ({ tensor, view: tensor.view })); // all of them, or none is taken
  found.forEach(({ tensor: { host, bytes, size }, view }, i) => {
    const slot = slots[i]!;
    // Values that the host has are uploaded by the recording itself.
    if (host) slot.host!.set(host);
    else if (size > 0) slot.device.copy({ ...view, bytes }, { ...slot.view, bytes });
  });
}

function copyOf({ shape, dtype, device, view, bytes, size, host }: Tensor): Tensor {
  const out = empty(shape, { dtype, device, label: 'compile', host: host?.slice() });
  if (size > 0) device.copy({ ...view, bytes }, { ...out.view, bytes });
  return out;
}
