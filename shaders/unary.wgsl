// unary: y = f(x), elementwise. f is `value`, a row of src/ops/rows.ts: an expression of v, params.alpha and params.beta.
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of y.
// @use strips
// @use activation
// @use $helper
struct Params { size: u32, alpha: f32, beta: f32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;                // [size] in vec4s
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;          // [size] in vec4s

fn f(v: f32) -> f32 {
  return $value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    let v = x[at];
    y[at] = vec4f(f(v.x), f(v.y), f(v.z), f(v.w));
  }
}
