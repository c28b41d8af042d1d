// What is no number and what is infinite. WGSL lets a compiler assume that neither exists: `v != v` may be false of all v, what `min`
// makes of a NaN is anybody's guess, and so is a branch not taken. Tests of the exponent's bits are none of its business, and what
// must come through is chosen as bits, too.
const INFINITE = 0x7f800000u;
const SIGN = 0x80000000u;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & ~SIGN) > INFINITE;
}

fn is_finite(v: f32) -> bool {
  return (bitcast<u32>(v) & INFINITE) != INFINITE;
}

// `v` where it is NaN, else `result`.
fn nan_or(v: f32, result: f32) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(result), bitcast<u32>(v), is_nan(v)));
}

fn nan_or_vec4(v: vec4f, result: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(v);
  return bitcast<vec4f>(select(bitcast<vec4u>(result), bits, (bits & vec4u(~SIGN)) > vec4u(INFINITE)));
}

// NaN, whatever v is. Its bits come from v: a constant that is no number is refused, or folded.
fn nan_from(v: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(v) | 0x7fc00000u);
}
