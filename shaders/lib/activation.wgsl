// Activations and their slopes. WGSL assumes no infinities: arguments are limited where exp would overflow. NaN comes through.
// @use not_finite
fn sigmoid(v: f32) -> f32 {
  let far = v < -87.0;
  return nan_or(v, select(1.0 / (1.0 + exp(-select(v, -87.0, far))), 0.0, far));
}

// exp(-a) for a >= 0; 0 exactly from 87 on.
fn falling(a: f32) -> f32 {
  return select(exp(-min(a, 87.0)), 0.0, a > 87.0);
}

fn root(v: f32) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(nan_or(v, sqrt(v))), bitcast<u32>(nan_from(v)), v < 0.0));
}

fn sign_of(v: f32) -> f32 {
  return select(sign(v), 0.0, is_nan(v));
}

// v within low..high, which may be infinite; where they are the wrong way round high holds.
fn limited(v: f32, low: f32, high: f32) -> f32 {
  let above = select(v, low, v < low);
  return nan_or(v, select(above, high, above > high));
}

// WGSL allows tanh an absolute error of 1e-5 and drivers differ; from exp the error is relative, and small arguments
// take the odd polynomial so that they keep their digits.
fn tanh_safe(v: f32) -> f32 {
  let a = abs(v);
  if a < 0.04 {
    let s = v * v;
    return v * (1.0 - s * (0.33333333 - s * 0.13333333));
  }
  let e = exp(-2.0 * select(a, 44.0, a > 44.0));
  let t = (1.0 - e) / (1.0 + e);
  return nan_or(v, bitcast<f32>(bitcast<u32>(t) | (bitcast<u32>(v) & 0x80000000u)));
}

fn softplus(v: f32) -> f32 {
  return nan_or(v, max(v, 0.0) + log_one_plus(falling(abs(v))));
}

// log(1 + e) for e in [0, 1], to a float's precision at both ends: 2 atanh s with s = e / (2 + e). A logarithm of 1 + e has
// lost what is left of e.
fn log_one_plus(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let z = s * s;
  return 2.0 * s * (1.0 + z * (0.333332066 + z * (0.200108494 + z * (0.139995728 + z * 0.140122175))));
}

// Abramowitz and Stegun 7.1.26 carries 1.5e-7 absolute.
fn erf(v: f32) -> f32 {
  let a = abs(v);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(v) * (1.0 - p * falling(a * a));
}

fn gelu(v: f32) -> f32 {
  return 0.5 * v * (1.0 + erf(v * 0.70710678));
}

fn gelu_slope(v: f32) -> f32 {
  return 0.5 * (1.0 + erf(v * 0.70710678)) + v * 0.39894228 * falling(0.5 * v * v);
}
