// row_slots: slots[rows[i]] = i + 1, where a place has a row. The other elements keep what they hold; readers check
// rows[slots[row] - 1] == row.
// Grid: one invocation per row listed.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;               // [count], distinct; 0xffffffff in places without one
@group(0) @binding(2) var<storage, read_write> slots: array<u32>;        // [rows of the table]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index < params.count {
    let row = rows[index];
    if row != 0xffffffffu {
      slots[row] = index + 1u;
    }
  }
}
