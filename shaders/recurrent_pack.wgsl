// recurrent_pack: PyTorch's stacked gate weights [G·H, K] of one or two directions, gates brought together unit by unit.
//   LAYOUT 0: out[k, d, j, s]   the input product's right-hand side, [K, D·H·P]
//   LAYOUT 1: out[d, k, j, s]   the recurrence's weights, read forward in time, [D, K, H, P]; K padded with zeros to `padded`
//   LAYOUT 2: out[d, j, k, s]   the same for the backward pass, [D, H, K, P]
// Slot s of unit j holds gate s, but the last gate sits in slot `last_slot`; a slot that no gate fills is 0.
// Grid: one invocation per element of out.
// @use grid
override LAYOUT: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, hidden: u32, columns: u32, padded: u32, gates: u32, slots: u32, last_slot: u32, directions: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;             // [G·H, K]
@group(0) @binding(2) var<storage, read> weight_reverse: array<f32>;     // the same; anything where D = 1
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let s = index % params.slots;
  var rest = index / params.slots;
  var d = 0u;
  var j = 0u;
  var k = 0u;
  if LAYOUT == 0u {
    j = rest % params.hidden; rest /= params.hidden;
    d = rest % params.directions;
    k = rest / params.directions;
  } else if LAYOUT == 1u {
    j = rest % params.hidden; rest /= params.hidden;
    k = rest % params.padded;
    d = rest / params.padded;
  } else {
    k = rest % params.columns; rest /= params.columns;
    j = rest % params.hidden;
    d = rest / params.hidden;
  }
  let last = params.gates - 1u;
  let gate = select(s, last, s == params.last_slot);
  var value = 0.0;
  if (s == params.last_slot || s < last) && k < params.columns {
    let at = (gate * params.hidden + j) * params.columns + k;
    if d == 0u {
      value = weight[at];
    } else {
      value = weight_reverse[at];
    }
  }
  out[index] = value;
}
