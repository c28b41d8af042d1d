// A texture as kernels see it: texels in rows.

/** Texels used in a row of a linear texture; kernels address texel `i` at `(i % 1024, i / 1024)` (shaders/lib/texel.wgsl). */
export const TEXELS_PER_ROW = 1024;
export const BYTES_PER_TEXEL = 16;

/** A texture of `rgba32float` texels, as many rows of 1024 as it takes. */
export interface PoolTexture {
  readonly kind: 'texture';
  readonly id: number;
  readonly gpu: GPUTexture;
  readonly view: GPUTextureView;
  readonly rows: number;
}
