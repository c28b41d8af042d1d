// cast: the same numbers as another element type; floats are cut towards zero.
// Grid: one invocation per element.
// @variants FROM f32 i32 u32
// @variants TO f32 i32 u32
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<$FROM>;                // [size]
@group(0) @binding(2) var<storage, read_write> out: array<$TO>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index < params.size {
    out[index] = $TO(x[index]);
  }
}
