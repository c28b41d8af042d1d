// One command buffer in the making: a command encoder, the compute pass open in it, and what is bound there.
import type { ClearCommand, CopyCommand, DispatchCommand, ReadCommand, TextureCommand } from './command.ts';
import type { BufferView } from './kernel.ts';
import type { Pipeline } from './pipelines.ts';
import type { Profiler } from './profiler.ts';
import { BYTES_PER_TEXEL, type PoolTexture, TEXELS_PER_ROW } from './texture.ts';
import { SLOT, SLOTS_PER_PAGE } from './uniform-arena.ts';

/** Dynamic offsets of the slots of a page. */
const OFFSETS = Uint32Array.from({ length: SLOTS_PER_PAGE }, (_, slot) => slot * SLOT);

/** Commands on their way into one command buffer. */
export class Sheet {
  readonly #encoder: GPUCommandEncoder;
  readonly #label: string;
  #pass: GPUComputePassEncoder | undefined;
  #bound: Pipeline | undefined;

  constructor(device: GPUDevice, label: string) {
    this.#encoder = device.createCommandEncoder({ label });
    this.#label = label;
  }

  /** `slot`: where the parameters are in the uniform buffer of `group`, -1 for those that go with the command. */
  dispatch(command: DispatchCommand, group: GPUBindGroup, slot: number, pass?: GPUComputePassDescriptor): void {
    const { pipeline, params, grid } = command;
    this.#pass ??= this.#encoder.beginComputePass(pass);
    if (this.#bound !== pipeline) {
      this.#bound = pipeline;
      this.#pass.setPipeline(pipeline.compiled!);
    }
    if (slot < 0) this.#pass.setBindGroup(0, group);
    else this.#pass.setBindGroup(0, group, OFFSETS, slot % SLOTS_PER_PAGE, 1);
    if (pipeline.immediate) this.#pass.setImmediates(0, params);
    this.#pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }

  transfer(command: CopyCommand | ReadCommand | ClearCommand | TextureCommand): void {
    this.endPass();
    if (command.kind === 'clear') {
      const { buffer, offset, bytes } = command.target;
      this.#encoder.clearBuffer(buffer.gpu, offset, Math.ceil(bytes / 4) * 4);
      return;
    }
    const { buffer, offset, bytes } = command.source;
    if (command.kind === 'texture') encodeTextureCopy(this.#encoder, command.source, command.texture);
    else if (command.kind === 'read') this.#encoder.copyBufferToBuffer(buffer.gpu, offset, command.staging, 0, bytes);
    else this.copy(buffer.gpu, offset, command.target, bytes);
  }

  copy(source: GPUBuffer, offset: number, target: BufferView, bytes = target.bytes): void {
    this.endPass();
    this.#encoder.copyBufferToBuffer(source, offset, target.buffer.gpu, target.offset, Math.ceil(bytes / 4) * 4);
  }

  endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#bound = undefined;
  }

  finish(profiler?: Profiler): GPUCommandBuffer {
    this.endPass();
    profiler?.resolve(this.#encoder);
    return this.#encoder.finish({ label: this.#label });
  }
}

/** Copies a buffer range into a linear texture: whole rows at once, then what is left of the last one. */
function encodeTextureCopy(encoder: GPUCommandEncoder, source: BufferView, texture: PoolTexture): void {
  const texels = Math.ceil(source.bytes / BYTES_PER_TEXEL);
  const whole = Math.floor(texels / TEXELS_PER_ROW);
  const rest = texels % TEXELS_PER_ROW;
  const bytesPerRow = TEXELS_PER_ROW * BYTES_PER_TEXEL;
  const copy = (row: number, width: number, height: number) =>
    encoder.copyBufferToTexture(
      { buffer: source.buffer.gpu, offset: source.offset + row * bytesPerRow, bytesPerRow },
      { texture: texture.gpu, origin: [0, row] },
      [width, height],
    );
  if (whole > 0) copy(0, TEXELS_PER_ROW, whole);
  if (rest > 0) copy(whole, rest, 1);
}
