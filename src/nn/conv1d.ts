// Conv1d (`torch.nn.Conv1d`).

import { checkNumber } from '../check.ts';
import { type Conv1dOptions as Conv1dArguments, conv1d } from '../ops/conv1d.ts';
import { optionsOf } from '../options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type InitOptions, uniformParameter } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface Conv1dOptions extends Conv1dArguments, InitOptions {
  /** Whether to add a learned bias; true by default. */
  bias?: boolean;
}

export class Conv1d extends Module {
  /** `[out, in / groups, kernelSize]` */
  readonly weight: Tensor;
  /** `[out]` */
  readonly bias: Tensor | undefined;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;

  /** Weights and bias start uniform in ±1/√(in / groups · kernelSize), as PyTorch's. */
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dOptions = {}) {
    super();
    const { bias, device, generator, ...rest } = optionsOf('Conv1d', options, {
      stride: 1,
      padding: 0,
      dilation: 1,
      groups: 1,
      bias: true,
      device: undefined,
      generator: undefined,
    });
    checkSize('Conv1d', 'inChannels', inChannels);
    checkSize('Conv1d', 'outChannels', outChannels);
    checkSize('Conv1d', 'kernelSize', kernelSize);
    checkNumber('Conv1d', 'groups', rest.groups, { integer: true, min: 1 });
    const own = inChannels / rest.groups;
    checkSize('Conv1d', 'inChannels / groups', own);
    checkSize('Conv1d', 'outChannels / groups', outChannels / rest.groups);
    const bound = 1 / Math.sqrt(own * kernelSize);
    this.stride = rest.stride;
    this.padding = rest.padding;
    this.dilation = rest.dilation;
    this.groups = rest.groups;
    this.weight = uniformParameter([outChannels, own, kernelSize], bound, { device, generator });
    this.bias = bias ? uniformParameter([outChannels], bound, { device, generator }) : undefined;
  }

  override describe(): string {
    const [out, own, size] = this.weight.shape;
    return `${own! * this.groups}, ${out}, kernelSize: ${size}, stride: ${this.stride}${this.padding ? `, padding: ${this.padding}` : ''}`;
  }

  /** `[N, in, L]` → `[N, out, …]` */
  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return conv1d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}
