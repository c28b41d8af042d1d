// scatter_rows: out[rows[i], :] = values[i, :]. Rows are distinct, so nothing is written twice.
// values and out may be windows of the whole: `count` values from `base_values` on, `count_out` rows from `base_out` on.
// Grid: one invocation per element of values.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { count: u32, width: u32, base_values: u32, base_out: u32, count_out: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;               // of the whole
@group(0) @binding(2) var<storage, read> values: array<f32>;             // [count, width]
@group(0) @binding(3) var<storage, read_write> out: array<f32>;          // [count_out, width]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.count * params.width {
    return;
  }
  let row = rows[params.base_values + index / params.width] - params.base_out; // wraps around, and so past count_out, for rows before
  if row < params.count_out {
    out[row * params.width + index % params.width] = values[index];
  }
}
