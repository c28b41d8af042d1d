// Element types: all four bytes wide, as WGSL stores them.
export type DType = 'f32' | 'i32' | 'u32';
export type TypedArray = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export const BYTES_PER_ELEMENT = 4;

/** Least and largest number of each integer dtype. */
export const INTEGER_RANGE = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] } as const;

export function viewAs(dtype: DType, buffer: ArrayBuffer): TypedArray {
  if (dtype === 'f32') return new Float32Array(buffer);
  return dtype === 'i32' ? new Int32Array(buffer) : new Uint32Array(buffer);
}

export function typedArray(dtype: DType, values: ArrayLike<number>): TypedArray {
  if (dtype === 'f32') return Float32Array.from(values);
  return dtype === 'i32' ? Int32Array.from(values) : Uint32Array.from(values);
}

export function dtypeOf(values: TypedArray): DType {
  if (values instanceof Float32Array) return 'f32';
  return values instanceof Int32Array ? 'i32' : 'u32';
}
