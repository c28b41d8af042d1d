// All kernels of shaders/ by name.
import { Kernel } from '../src/gpu/kernel.ts';
import * as shaders from '../src/gpu/shaders.gen.ts';
import * as texels from '../src/gpu/shaders-texel.gen.ts';

const made = Object.values({ ...shaders, ...texels }).flatMap((one: Kernel | Record<string, Kernel>) =>
  one instanceof Kernel ? one : Object.values(one),
);

export const KERNELS: Readonly<Record<string, Kernel>> = Object.fromEntries(made.map((one) => [one.name, one]));
