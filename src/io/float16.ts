// Widening of the two 16-bit float formats of checkpoint files, from their bits to float32; both are exact.

/** IEEE 754 binary16 bits `[n]` to float32 `[n]`; subnormals, infinities and NaN are kept. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    let magnitude: number;
    if (exponent === 31) magnitude = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) magnitude = fraction * 2 ** -24;
    else magnitude = (1 + fraction / 1024) * 2 ** (exponent - 15);
    out[i] = half & 0x8000 ? -magnitude : magnitude;
  }
  return out;
}

/** bfloat16 bits `[n]` to float32 `[n]`: the upper half of the float32 pattern. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const patterns = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) patterns[i] = bits[i]! << 16;
  return new Float32Array(patterns.buffer);
}
