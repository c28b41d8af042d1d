// zero_padding: x[b, t, :] = 0 for t >= lengths[b], in place; row (b, t) is b·stride_b + t·stride_t. What stands past the end of a row
// must not reach a sum over all rows: its share is 0, and 0 times NaN is not.
// x may be a window of the whole, from row `base` on.
// Grid: one invocation per element of x.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, base: u32, batch: u32, time: u32, width: u32, stride_b: u32, stride_t: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;            // [B]
@group(0) @binding(2) var<storage, read_write> x: array<f32>;            // [rows, width]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let row = params.base + at / params.width;
  let b = row / params.stride_b % params.batch;
  let t = row / params.stride_t % params.time;
  if t >= lengths[b] {
    x[at] = 0.0;
  }
}
