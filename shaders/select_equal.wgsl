// select_equal: out = values where x equals y, else 0 (the gradient of a largest or smallest value).
// Grid: one invocation per element.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [size]
@group(0) @binding(2) var<storage, read> y: array<f32>;                  // [size]
@group(0) @binding(3) var<storage, read> values: array<f32>;             // [size]
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index < params.size {
    out[index] = select(0.0, values[index], x[index] == y[index]);
  }
}
