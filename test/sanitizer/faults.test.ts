// The sanitizer proves itself: faults planted in kernels are found, each at its line, and the kernels without them are clean.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { POISON_WORD } from '../../src/gpu/poison.ts';
import * as shaders from '../../src/gpu/shaders.gen.ts';
import { KERNELS } from '../kernels.ts';
import { fileOf } from './adapter.ts';
import { type Dispatch, Executable, type OverrideValues } from './execute.ts';
import type { Fault } from './report.ts';
import { filesOnDisk, type KernelText, kernelText } from './source.ts';

/** A kernel's text after `edit` has changed one of its files. */
function edited(name: string, path: string, edit: (text: string) => string): KernelText {
  const kernel = KERNELS[name]!;
  return kernelText(name, fileOf(kernel), kernel.source, (file) => {
    const text = filesOnDisk(file);
    if (file !== path) return text;
    const changed = edit(text);
    if (changed === text) throw new Error(`${path} has nothing to change`);
    return changed;
  });
}

/** The line, from 1, of the only place of `text` in a file. */
function lineOf(file: string, text: string): number {
  const at = file.indexOf(text);
  if (at < 0 || file.includes(text, at + 1)) throw new Error(`"${text}" is not there once`);
  return file.slice(0, at).split('\n').length;
}

const floats = (values: ArrayLike<number>) => new Uint32Array(Float32Array.from(values).buffer);
const zeros = (n: number) => new Uint32Array(n);
const unwritten = (n: number) => new Uint32Array(n).fill(POISON_WORD);

function run(
  text: KernelText,
  overrides: OverrideValues,
  params: Record<string, number>,
  views: Record<string, Uint32Array>,
  grid: Dispatch['grid'] = [1, 1, 1],
  subgroupSize = 8,
): readonly Fault[] {
  const executable = new Executable(text, overrides);
  const { bindings } = executable.compiled;
  const found = Object.entries(views).map(([name, words]) => {
    const binding = bindings.find((b) => b.name === name);
    if (!binding) throw new Error(`${text.name} binds no ${name}`);
    return [binding.index, words] as const;
  });
  const fields = /struct Params \{([^}]*)\}/.exec(text.code)![1]!.matchAll(/(\w+): u32/g);
  const words = Uint32Array.from([...fields].map(([, name]) => params[name!]!));
  return executable.run({ views: new Map(found), params: words, grid, subgroupSize });
}

describe('softmax of long rows', () => {
  const params = { rows: 2, length: 70, inner: 1 };
  const views = () => ({ x: floats(new Array(140).fill(1)), y: unwritten(140) });
  const barrier = 'workgroupBarrier();';
  const file = filesOnDisk('lib/rows_group.wgsl');

  test('as it is, it is clean and right', () => {
    const given = views();
    expect(
      run(kernelText('softmax_group', 'softmax', shaders.softmax.group.source), {}, params, given, [2, 1, 1]),
    ).toEqual([]);
    expect([...new Float32Array(given.y.buffer)]).toEqual(new Array(140).fill(Math.fround(1 / 70)));
  });

  test('a barrier taken out is a race', () => {
    const text = edited('softmax_group', 'lib/rows_group.wgsl', (t) => t.replace(barrier, ''));
    const [fault] = run(text, {}, params, views(), [2, 1, 1]);
    expect(fault).toMatchObject({
      kind: 'race',
      memory: 'parts',
      where: `lib/rows_group.wgsl:${lineOf(file, 'parts[slot * LANES + lane] = part')}`,
      invocation: { group: 0, lane: 1 },
      other: { group: 0, lane: 0, where: `lib/rows_group.wgsl:${lineOf(file, 'return parts[')}` },
    });
  });

  test('a barrier in a branch that not all take', () => {
    const text = edited('softmax_group', 'lib/rows_group.wgsl', (t) =>
      t.replace(barrier, `if lane < 31u { ${barrier} }`),
    );
    // The one that went on has also read what the others were to write before the barrier.
    const fault = run(text, {}, params, views(), [2, 1, 1]).find((f) => f.kind === 'sync');
    expect(fault).toMatchObject({
      kind: 'sync',
      where: `lib/rows_group.wgsl:${lineOf(file, barrier)}`,
      invocation: { group: 0, lane: 0 },
    });
    expect(fault!.message).toContain('not by invocation 31');
  });
});

describe('an elementwise kernel', () => {
  const original = () => kernelText('select_equal', 'select_equal', shaders.select_equal.source);
  const file = filesOnDisk('select_equal.wgsl');
  const size = 67;
  const views = () => ({
    x: floats(new Array(size).fill(1)),
    y: floats(new Array(size).fill(1)),
    values: floats(new Array(size).fill(3)),
    out: unwritten(size),
  });

  test('an index one too far', () => {
    const text = edited('select_equal', 'select_equal.wgsl', (t) => t.replace('values[index]', 'values[index + 1u]'));
    const [fault, ...others] = run(text, {}, { size }, views(), [2, 1, 1]);
    expect(others).toEqual([]);
    expect(fault).toMatchObject({
      kind: 'bounds',
      memory: 'values',
      index: size,
      where: `select_equal.wgsl:${lineOf(file, 'values[index]')}`,
      invocation: { group: 1, lane: 2 },
    });
  });

  test('a guard that lets one invocation too many through', () => {
    const text = edited('select_equal', 'select_equal.wgsl', (t) =>
      t.replace('index < params.size', 'index <= params.size'),
    );
    const faults = run(text, {}, { size }, views(), [2, 1, 1]);
    const touched = faults.filter((f) => f.kind === 'bounds').map((f) => `${f.memory}[${f.index}]`);
    expect(touched.sort()).toEqual(['out', 'values', 'x', 'y'].map((memory) => `${memory}[${size}]`));
  });

  test('a read of what nobody wrote', () => {
    const given = views();
    given.values[5] = POISON_WORD;
    const faults = run(original(), {}, { size }, given, [2, 1, 1]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({
      kind: 'init',
      memory: 'values',
      index: 5,
      where: `select_equal.wgsl:${lineOf(file, 'values[index]')}`,
      invocation: { group: 0, lane: 5 },
    });
  });

  test('two workgroups that write one place', () => {
    const text = edited('select_equal', 'select_equal.wgsl', (t) => t.replace('out[index] =', 'out[index % 64u] ='));
    const [fault] = run(text, {}, { size }, views(), [2, 1, 1]);
    expect(fault).toMatchObject({
      kind: 'race',
      memory: 'out',
      index: 0,
      invocation: { group: 1, lane: 0 },
      other: { group: 0, lane: 0 },
    });
  });
});

describe('the recurrence before its invocations wrote whole vectors', () => {
  // The files as they stood, under fixtures/: components of one vec4 written by four invocations, in storage and in workgroup memory.
  const fixtures = new URL('fixtures/component_writes/', import.meta.url);
  const files = (path: string) => readFileSync(new URL(path, fixtures), 'utf8');
  const libs = Object.fromEntries(
    ['grid', 'activation', 'recurrent', 'recurrent_forward', 'lstm_forward'].map((lib) => [lib, '']),
  );
  const text = kernelText('recurrent_forward_lstm', 'recurrent_forward', { libs, values: { CELL: 'lstm' } }, files);
  const [batch, time, hidden] = [2, 3, 8];
  const rows = batch * time;
  const shape = { batch, time, hidden, directions: 1, stride_b: time, stride_t: 1, first: 0 };
  const views = () => ({
    lengths: zeros(4),
    r: floats(new Array(hidden * hidden * 4).fill(0.1)),
    gates_inout: floats(new Array(rows * 4 * hidden).fill(0.2)),
    h_prev: floats(new Array(rows * hidden).fill(0)),
    out: unwritten(rows * hidden),
    h_n: floats(new Array(batch * hidden).fill(0)),
    c: unwritten(rows * hidden),
    c_n_inout: floats(new Array(batch * hidden).fill(0)),
  });
  const file = files('lib/recurrent_forward.wgsl');

  test('in storage, a step a dispatch', () => {
    const [fault] = run(text, { HANDOVER: 0, STATE: 1, WORKGROUP_SIZE: 64 }, { ...shape, last: 1 }, views());
    expect(fault).toMatchObject({
      kind: 'race',
      memory: 'h_prev',
      where: `lib/recurrent_forward.wgsl:${lineOf(file, 'h_prev[next / 4u][next % 4u] = h;')}`,
      invocation: { group: 0, lane: 1 },
      other: { group: 0, lane: 0 },
    });
  });

  test('in workgroup memory, all steps in one dispatch', () => {
    const faults = run(text, { HANDOVER: 2, STATE: 256, WORKGROUP_SIZE: 32 }, { ...shape, last: 3 }, views());
    const fault = faults.find((f) => f.memory === 'state');
    expect(fault).toMatchObject({
      kind: 'race',
      where: `lib/recurrent_forward.wgsl:${lineOf(file, '[j % 4u] = h;')}`,
      invocation: { group: 0, lane: 1 },
      other: { group: 0, lane: 0 },
    });
  });
});
