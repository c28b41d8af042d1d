// log Σ exp x in one pass: a running pair (m, s) with m the largest x so far and s = Σ exp(x - m).
const LOWEST = -3.4e38;          // below every x; WGSL has no infinity
const NOTHING = vec2f(LOWEST, 0.0);

// exp(d) for d <= 0. Below -87 it is 0 exactly, so that large negative numbers do as masks.
fn exp_below(d: f32) -> f32 {
  return select(exp(max(d, -87.0)), 0.0, d < -87.0);
}

fn exponents_joined(a: vec2f, b: vec2f) -> vec2f {
  let m = max(a.x, b.x);
  return vec2f(m, a.y * exp_below(a.x - m) + b.y * exp_below(b.x - m));
}

// Four values at once: five exponentials where one by one it would be eight.
fn exponents_with(a: vec2f, x: vec4f) -> vec2f {
  let m = max(max(a.x, max(x.x, x.y)), max(x.z, x.w));
  let d = x - vec4f(m);
  let e = select(exp(max(d, vec4f(-87.0))), vec4f(), d < vec4f(-87.0));
  return vec2f(m, a.y * exp_below(a.x - m) + (e.x + e.y) + (e.z + e.w));
}
