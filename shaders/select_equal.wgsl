// select_equal: out = values · [x equals y] (the gradient of a largest or smallest value). NaN equals nothing.
// Grid: one invocation per element.
// @use grid
// @use order_f32
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
    out[index] = values[index] * select(0.0, 1.0, x[index] == y[index] && !unordered(x[index]));
  }
}
