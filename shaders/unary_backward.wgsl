// unary_backward: d_x = d_y · f'(x), elementwise: `gradient`, a row of src/ops/rows.ts, an expression of d = d_y and of v = x, or of
// y = f(x) where that is cheaper: `saved` is the one it names. Where f is flat as PyTorch sees it, d_x is 0 whatever d_y is;
// elsewhere NaN and infinities go by arithmetic.
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of d_x.
// @use strips
// @use activation
// @use $helper
struct Params { size: u32, alpha: f32, beta: f32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> saved: array<vec4f>;            // [size] in vec4s
@group(0) @binding(2) var<storage, read> d_y: array<vec4f>;              // [size] in vec4s
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>;        // [size] in vec4s

fn gradient(d: f32, $name: f32) -> f32 {
  return $gradient;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    let s = saved[at];
    let d = d_y[at];
    d_x[at] = vec4f(gradient(d.x, s.x), gradient(d.y, s.y), gradient(d.z, s.z), gradient(d.w, s.w));
  }
}
