// Activations and their slopes. WGSL assumes no infinities: arguments are limited where exp would overflow. NaN comes through.
// @use not_finite
// @use logarithm
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

// erf to a float's precision: v + v P(v²) near 0; beyond, 1 - exp(v Q(v)), which is 1 from 4 on. Both polynomials have least
// largest error.
fn erf(v: f32) -> f32 {
  let a = min(abs(v), 4.0);
  let s = a * a;
  let near = 0.128379136 + s * (-0.376124471 + s * (0.112813205 + s * (-0.0267488658 + s * (0.00496750791 - s * 5.86208655e-4))));
  let far = 1.12849987 + a * (0.635767102 + a * (0.105197683 + a * (-0.0228488892 + a * (0.00320216198 - a * 2.1243449e-4))));
  return select(sign(v) * (1.0 - falling(a * far)), v + v * near, a < 0.95);
}

// 2/√π exp(-v²)
fn erf_slope(v: f32) -> f32 {
  return 1.12837917 * falling(v * v);
}

// log(1 + v) without the loss of digits near 0: between sqrt(1/2) - 1 and sqrt(2) - 1 the series of lib/logarithm.
fn log_plus_one(v: f32) -> f32 {
  let s = v / (2.0 + v);
  return select(logarithm(1.0 + v), 2.0 * (s + s * atanh_rest(s * s)), v > -0.29 && v < 0.41);
}

// exp(v) - 1 without the loss of digits near 0.
fn exp_minus_one(v: f32) -> f32 {
  let near = v + v * v * (0.5 + v * (0.16666667 + v * (0.041666668 + v * (0.0083333333 + v * (0.0013888889 + v * 1.984127e-4)))));
  return select(exp(v) - 1.0, near, abs(v) < 0.35);
}

fn gelu(v: f32) -> f32 {
  return 0.5 * v * (1.0 + erf(v * 0.70710678));
}

fn gelu_slope(v: f32) -> f32 {
  return 0.5 * (1.0 + erf(v * 0.70710678)) + v * 0.39894228 * falling(0.5 * v * v);
}

// √(2/π) (v + 0.044715 v³): gelu's other form takes the tanh of it.
fn gelu_inner(v: f32) -> f32 {
  return 0.79788456 * v * (1.0 + 0.044715 * v * v);
}

fn gelu_tanh(v: f32) -> f32 {
  return 0.5 * v * (1.0 + tanh_safe(gelu_inner(v)));
}

fn gelu_tanh_slope(v: f32) -> f32 {
  let t = tanh_safe(gelu_inner(v));
  return 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * 0.79788456 * (1.0 + 0.134145 * v * v);
}
