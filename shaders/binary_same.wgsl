// binary_same: out = f(a, b), elementwise, all three of one shape and f32, f is `value`, a row of src/ops/rows.ts.
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of out.
// @use strips
// @use arithmetic_f32
// @use $helper
struct Params { size: u32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;                // [size] in vec4s
@group(0) @binding(2) var<storage, read> b: array<vec4f>;                // [size] in vec4s
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;        // [size] in vec4s

fn f(x: f32, y: f32) -> f32 {
  return $value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    let x = a[at];
    let y = b[at];
    out[at] = vec4f(f(x.x, y.x), f(x.y, y.y), f(x.z, y.z), f(x.w, y.w));
  }
}
