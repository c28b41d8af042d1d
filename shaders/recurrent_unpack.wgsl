// recurrent_unpack: gradients by unit and slot, packed [D, H, P, K], back to PyTorch's stacked gates [G·H, K] per direction.
// Grid: one invocation per element of one direction's [G·H, K].
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, hidden: u32, columns: u32, gates: u32, slots: u32, last_slot: u32, directions: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<f32>;             // [D, H, P, K]
@group(0) @binding(2) var<storage, read_write> d_weight: array<f32>;     // [G·H, K]
@group(0) @binding(3) var<storage, read_write> d_weight_reverse: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let k = index % params.columns;
  let row = index / params.columns;
  let j = row % params.hidden;
  let gate = row / params.hidden;
  let slot = select(gate, params.last_slot, gate == params.gates - 1u);
  let at = (j * params.slots + slot) * params.columns + k;
  d_weight[index] = packed[at];
  if params.directions == 2u {
    d_weight_reverse[index] = packed[at + params.hidden * params.slots * params.columns];
  }
}
