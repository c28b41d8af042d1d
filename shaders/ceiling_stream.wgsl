// ceiling_stream: how fast an adapter streams through storage buffers, after McCalpin's STREAM.
//   copy (OP 0)   out = x           32 bytes moved per vec4
//   triad (OP 1)  out = x + a·y     48 bytes
// Grid: one invocation per 8 vec4s; a workgroup's neighbours read neighbours.
// @use grid
override OP: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, a: f32 }   // size in vec4s
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;                // [size]
@group(0) @binding(2) var<storage, read> y: array<vec4f>;                // [size]
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;        // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE * 8u + lane;
  // @repeat i 8
  {
    let at = first + ${i}u * WORKGROUP_SIZE;
    if at < params.size {
      if OP == 0u {
        out[at] = x[at];
      } else {
        out[at] = x[at] + params.a * y[at];
      }
    }
  }
  // @end
}
