// unary: y = f(x), elementwise, f chosen by OP (the order of UNARY in src/ops/elementwise.ts).
// alpha, beta: the scalars of the ops that take some (scale, clamp, pow, leaky slope).
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of y.
// @use strips
// @use activation
// @use power
override OP: u32 = 0u;
struct Params { size: u32, alpha: f32, beta: f32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;                // [size] in vec4s
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;          // [size] in vec4s

fn apply(v: f32) -> f32 {
  switch OP {
    case 0u: { return -v; }
    case 1u: { return abs(v); }
    case 2u: { return exp(v); }
    case 3u: { return logarithm(v); }
    case 4u: { return root(v); }
    case 5u: { return 1.0 / v; }
    case 6u: { return v * v; }
    case 7u: { return sigmoid(v); }
    case 8u: { return tanh_safe(v); }
    case 9u: { return max(v, 0.0); }
    case 10u: { return gelu(v); }
    case 11u: { return softplus(v); }
    case 12u: { return sign_of(v); }
    case 13u: { return floor(v); }
    case 14u: { return ceil(v); }
    case 15u: { return sin(v); }
    case 16u: { return cos(v); }
    case 17u: { return v * alpha() + beta(); }
    case 18u: { return limited(v); }
    case 19u: { return power_of(v, alpha()); }
    case 20u: { return v * sigmoid(v); }
    default: { return v / alpha(); }
  }
}

fn root(v: f32) -> f32 {
  return bitcast<f32>(select(bitcast<u32>(sqrt(v)), bitcast<u32>(nan_from(v)), v < 0.0));
}

// Bounds may be infinite; of bounds the wrong way round the upper one holds.
fn limited(v: f32) -> f32 {
  let above = select(v, alpha(), v < alpha());
  return select(above, beta(), above > beta());
}

// NaN comes through; some ops see to it themselves, sign makes a number of it, and powers have rules of their own.
fn result_of(v: vec4f) -> vec4f {
  let y = vec4f(apply(v.x), apply(v.y), apply(v.z), apply(v.w));
  switch OP {
    case 3u, 7u, 8u, 11u, 12u, 19u: { return y; }
    default: { return nan_or_vec4(v, y); }
  }
}

fn alpha() -> f32 { return params.alpha; }
fn beta() -> f32 { return params.beta; }

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    y[at] = result_of(x[at]);
  }
}
