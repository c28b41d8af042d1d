// Every kernel of the generated module compiles without a message, and makes a pipeline with its defaults and its own layout.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform } from '#platform';
import { type Kernel, kernel } from '../../src/gpu/kernel.ts';
import { KERNELS } from '../kernels.ts';

const kernels = Object.values(KERNELS);
/** `enable` names a language extension; the adapter's feature may be called otherwise. */
const featuresOf = (kernel: Kernel) =>
  kernel.features.map((name) => (name === 'f16' ? 'shader-f16' : name)) as GPUFeatureName[];

let device: GPUDevice;

beforeAll(async () => {
  const gpu = await platform.gpu({});
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('no WebGPU adapter');
  const wanted = new Set(kernels.flatMap(featuresOf));
  // Default limits: what compiles under them compiles everywhere.
  device = await adapter.requestDevice({ requiredFeatures: [...wanted].filter((f) => adapter.features.has(f)) });
});

afterAll(() => device.destroy());

function pipelineLayout(kernel: Kernel): GPUPipelineLayout {
  const compute = 4; // GPUShaderStage.COMPUTE
  const entries: GPUBindGroupLayoutEntry[] = kernel.bindings.map(({ index, access }) => ({
    binding: index,
    visibility: compute,
    ...(access === 'texture'
      ? { storageTexture: { access: 'read-only', format: 'rgba32float' } }
      : { buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' } }),
  }));
  if (kernel.paramsBinding !== undefined)
    entries.push({ binding: kernel.paramsBinding, visibility: compute, buffer: { type: 'uniform' } });
  return device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
}

/** The compiler's messages, and the pipeline's error where it has one. */
async function compile(kernel: Kernel): Promise<string[]> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: kernel.name, code: kernel.code });
  const pipeline = device
    .createComputePipelineAsync({ layout: pipelineLayout(kernel), compute: { module, entryPoint: 'main' } })
    .then(
      () => [],
      (error: Error) => [error.message],
    );
  const scope = device.popErrorScope().then((error) => (error ? [error.message] : []));
  const { messages } = await module.getCompilationInfo();
  const lines = messages.map((m) => `${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}`);
  return [...lines, ...(await pipeline), ...(await scope)];
}

describe('every shader compiles with zero messages', () => {
  test.for(kernels.map((kernel) => [kernel.name, kernel] as const))('%s', async ([name, kernel], { skip }) => {
    const missing = featuresOf(kernel).filter((f) => !device.features.has(f));
    if (missing.length > 0) {
      const note = `NOT COMPILED: ${name} needs ${missing.join(', ')}, which this adapter lacks`;
      console.warn(note);
      skip(note);
    }
    expect(await compile(kernel)).toEqual([]);
  });
});

test('a shader with a mistake is caught, and one with a warning too', async () => {
  const main = '@compute @workgroup_size(1) fn main()';
  expect((await compile(kernel(`${main} { let x: u32 = 1.5; }`))).join()).toMatch(/error at 1:\d+/);
  expect((await compile(kernel(`${main} { return; let x = 1u; }`))).join()).toMatch(/warning at 1:\d+/);
  expect(await compile(kernel(`${main} {}`))).toEqual([]);
});
