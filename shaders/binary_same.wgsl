// binary_same: out = f(a, b), elementwise, all three of one shape and f32, f chosen by OP (lib/binary_op).
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of out.
// @use grid
alias Element = f32;
// @use arithmetic_f32
// @use binary_op
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;                // [size] in vec4s
@group(0) @binding(2) var<storage, read> b: array<vec4f>;                // [size] in vec4s
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;        // [size] in vec4s

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let begin = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE * params.strip + lane;
  let units = (params.size + 3u) / 4u;
  for (var s = 0u; s < params.strip; s++) {
    let at = begin + s * WORKGROUP_SIZE;
    if at >= units {
      return;
    }
    let x = a[at];
    let y = b[at];
    out[at] = vec4f(apply(x.x, y.x), apply(x.y, y.y), apply(x.z, y.z), apply(x.w, y.w));
  }
}
