// Natural logarithms to a float's precision near 1 too, where WGSL promises an absolute error only: of x = 2^n m with m between
// sqrt(1/2) and sqrt(2), log x = n log 2 + 2 atanh s, s = (m - 1) / (m + 1). The polynomial has least largest error.
// @use not_finite

struct Parts { n: f32, m: f32 }

// Of a positive finite number, by its bits.
fn parts_of(bits_x: u32) -> Parts {
  var bits = bits_x;
  var n = 0;
  if bits < 0x00800000u {   // subnormal
    bits = bitcast<u32>(f32(bits));
    n = -149;
  }
  let e = (i32(bits) - 0x3f3504f3) >> 23u;
  return Parts(f32(n + e), bitcast<f32>(bits - (u32(e) << 23u)));
}

// atanh s = s + s · atanh_rest(s²)
fn atanh_rest(z: f32) -> f32 {
  return z * (0.33333388 + z * (0.19988764 + z * 0.1493607));
}

fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  if (bits & ~SIGN) == 0u {
    return bitcast<f32>(bits | SIGN | INFINITE);
  }
  if bits >= INFINITE {   // NaN for negative numbers; +∞ and NaN as they are
    return bitcast<f32>(select(bits, bits | 0x7fc00000u, bits > SIGN));
  }
  let parts = parts_of(bits);
  let s = (parts.m - 1.0) / (parts.m + 1.0);
  let log_m = 2.0 * (s + s * atanh_rest(s * s));
  return parts.n * 0.693145752 + (parts.n * 1.42860677e-6 + log_m);
}
