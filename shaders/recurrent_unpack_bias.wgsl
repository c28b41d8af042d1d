// recurrent_unpack_bias: the gradients of both biases of each direction from those of the packed one [D, H, P].
// Grid: one invocation per element of one direction's [G·H].
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, hidden: u32, gates: u32, slots: u32, last_x: u32, last_h: u32, directions: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<f32>;             // [D, H, P]
@group(0) @binding(2) var<storage, read_write> d_bias_ih: array<f32>;    // [G·H]
@group(0) @binding(3) var<storage, read_write> d_bias_hh: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_bias_ih_reverse: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_bias_hh_reverse: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let j = index % params.hidden;
  let gate = index / params.hidden;
  let is_last = gate == params.gates - 1u;
  let at_x = j * params.slots + select(gate, params.last_x, is_last);
  let at_h = j * params.slots + select(gate, params.last_h, is_last);
  d_bias_ih[index] = packed[at_x];
  d_bias_hh[index] = packed[at_h];
  if params.directions == 2u {
    let half = params.hidden * params.slots;
    d_bias_ih_reverse[index] = packed[half + at_x];
    d_bias_hh_reverse[index] = packed[half + at_h];
  }
}
