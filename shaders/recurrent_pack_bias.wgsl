// recurrent_pack_bias: out[d, j, s], the biases that the input product adds: b_ih + b_hh, gate by gate. Where the last gate of
// the recurrence has a slot of its own (GRU: the candidate's recurrent part), b_ih goes to slot `last_x`, b_hh to `last_h`.
// Grid: one invocation per element of out.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, hidden: u32, gates: u32, slots: u32, last_x: u32, last_h: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bias_ih: array<f32>;            // [G·H]
@group(0) @binding(2) var<storage, read> bias_hh: array<f32>;            // [G·H]
@group(0) @binding(3) var<storage, read> bias_ih_reverse: array<f32>;    // the same; anything where D = 1
@group(0) @binding(4) var<storage, read> bias_hh_reverse: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;          // [D, H, P]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let s = index % params.slots;
  let j = (index / params.slots) % params.hidden;
  let d = index / (params.slots * params.hidden);
  let last = params.gates - 1u;
  var value = 0.0;
  if s < last || s == params.last_x {
    let at = select(s, last, s == params.last_x) * params.hidden + j;
    if d == 0u { value += bias_ih[at]; } else { value += bias_ih_reverse[at]; }
  }
  if s < last || s == params.last_h {
    let at = select(s, last, s == params.last_h) * params.hidden + j;
    if d == 0u { value += bias_hh[at]; } else { value += bias_hh_reverse[at]; }
  }
  out[index] = value;
}
