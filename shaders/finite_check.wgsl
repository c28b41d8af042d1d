// finite_check: notes the first step whose loss or gradients are not finite; from then on nothing but what it notes changes.
//   state = (0, then 1 from that step on; steps before it; its first partial sum that is not finite, or NONE; its loss; its norm)
// The loss and the norm are noted as bits. Lane l looks at the partials l, l + 64, …   Grid: one workgroup.
// @use not_finite
const WORKGROUP_SIZE = 64u;
const NONE = 0xffffffffu;
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;           // [count], of norm_squared
@group(0) @binding(2) var<storage, read> norm: array<f32>;               // [1]
@group(0) @binding(3) var<storage, read> loss: array<f32>;               // [1]
@group(0) @binding(4) var<storage, read_write> state: array<u32>;        // [5]
var<workgroup> firsts: array<u32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  var first = NONE;
  for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
    if !is_finite(partials[i]) {
      first = min(first, i);
    }
  }
  firsts[lane] = first;
  workgroupBarrier();
  if lane != 0u || state[0] != 0u {
    return;
  }
  for (var l = 1u; l < WORKGROUP_SIZE; l++) {
    first = min(first, firsts[l]);
  }
  if first == NONE && is_finite(norm[0]) && is_finite(loss[0]) {
    state[1] += 1u;
    return;
  }
  state[0] = 1u;
  state[2] = first;
  state[3] = bitcast<u32>(loss[0]);
  state[4] = bitcast<u32>(norm[0]);
}
