// log Σ exp x in one pass: a running pair (m, s) with m the largest x so far and s = Σ exp(x - m).
// @use not_finite
const LOWEST = -3.4028234663852886e38;   // no x but -inf is below
const NOTHING = vec2f(LOWEST, 0.0);

// exp(d) for d <= 0. Below -87 it is 0 exactly, so that large negative numbers do as masks. Of a NaN it may be anything: a row with
// NaN or inf in it has a d that is NaN, and the sum takes that; one of nothing but -inf has the sum 0.
fn exp_below(d: f32) -> f32 {
  let far = d < -87.0;
  return select(exp(select(d, -87.0, far)), 0.0, far);
}

fn exponents_joined(a: vec2f, b: vec2f) -> vec2f {
  let m = max(a.x, b.x);
  let d = b.x - m;
  return vec2f(m, nan_or(d, a.y * exp_below(a.x - m) + b.y * exp_below(d)));
}

// Four values at once: five exponentials where one by one it would be eight.
fn exponents_with(a: vec2f, x: vec4f) -> vec2f {
  let m = max(max(a.x, max(x.x, x.y)), max(x.z, x.w));
  let d = x - vec4f(m);
  let far = d < vec4f(-87.0);
  let e = select(exp(select(d, vec4f(-87.0), far)), vec4f(), far);
  // One test for four: none of them is above 0, so that only a NaN makes one of their sum.
  return vec2f(m, nan_or((d.x + d.y) + (d.z + d.w), a.y * exp_below(a.x - m) + (e.x + e.y) + (e.z + e.w)));
}
