// recurrent_bias_gradient: the gradients of both biases of every direction, sums of the gates' gradients over all rows.
//   d_bias_ih[d] = d_bias_hh[d] = Σ_rows d_gates[row, d]      but with SPLIT (GRU) the last gate's d_bias_hh is Σ_rows d_m[row, d]
// Rows are summed in 8 slices (row % 8), the slices in order.
// Grid: one workgroup per 8 columns of four: those of d_gates, then with SPLIT those of d_m.
// @use grid
override SPLIT: bool = false;
struct Params { rows: u32, directions: u32, gate: u32, hidden: u32 }           // gate: G·H / 4, hidden: H / 4
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d_gates: array<vec4f>;                // [rows, D, G·H]
@group(0) @binding(2) var<storage, read> d_m: array<vec4f>;                    // [rows, D, H]; a dummy without SPLIT
@group(0) @binding(3) var<storage, read_write> d_bias_ih: array<vec4f>;        // [G·H]
@group(0) @binding(4) var<storage, read_write> d_bias_hh: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> d_bias_ih_reverse: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> d_bias_hh_reverse: array<vec4f>;
var<workgroup> slices: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32) {
  let column = linear_group(workgroup_id, num_workgroups) * 8u + (index & 7u);
  let of_gates = params.directions * params.gate;
  var sum = vec4f();
  if column < of_gates {
    for (var row = index >> 3u; row < params.rows; row += 8u) {
      sum += d_gates[row * of_gates + column];
    }
  } else if SPLIT && column < of_gates + params.directions * params.hidden {
    for (var row = index >> 3u; row < params.rows; row += 8u) {
      sum += d_m[row * params.directions * params.hidden + column - of_gates];
    }
  }
  slices[index] = sum;
  workgroupBarrier();
  if index >= 8u {
    return;
  }
  for (var slice = 1u; slice < 8u; slice++) {
    sum += slices[slice * 8u + index];
  }
  if column < of_gates {
    let d = column / params.gate;
    let at = column % params.gate;
    if d == 0u {
      d_bias_ih[at] = sum;
    } else {
      d_bias_ih_reverse[at] = sum;
    }
    if !(SPLIT && at >= params.gate - params.hidden) {
      if d == 0u {
        d_bias_hh[at] = sum;
      } else {
        d_bias_hh_reverse[at] = sum;
      }
    }
  } else if SPLIT && column < of_gates + params.directions * params.hidden {
    let d = (column - of_gates) / params.hidden;
    let at = params.gate - params.hidden + (column - of_gates) % params.hidden;
    if d == 0u {
      d_bias_hh[at] = sum;
    } else {
      d_bias_hh_reverse[at] = sum;
    }
  }
}
