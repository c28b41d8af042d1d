// Optimiser kernels, the form for row-sparse gradients of a table [rows, width], `width` counted in Unit; see update_dense.
// The result is that of the dense gradient. `leaves` says which rows that have none stay as they are: none; those that are RESTING,
// which never had one, and so have neither state nor anything to change them; or ALL.
//   slots[row] = 1 + the place of the row in `rows`, now or in an earlier step: row_slots writes only the rows there are, and the check
//   against `rows` finds out; 0 where the row is at rest. Not read with ALL.
// A binding may be a window: count_value rows from base_value on, count_gradients places from base_gradients on.
// Grid: `lanes` invocations a row, side by side.
// @use grid
// @use step_scalars
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  width: u32, lanes: u32, hyper_row: u32, leaves: u32, places: u32,
  base_value: u32, count_value: u32, base_gradients: u32, count_gradients: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> rows: array<u32>;               // [places]
@group(0) @binding(3) var<storage, read> slots: array<u32>;              // [all rows of the table]
@group(0) @binding(4) var<storage, read> gradients: array<Unit>;         // [count_gradients, width]
@group(0) @binding(5) var<storage, read_write> value: array<Unit>;       // [count_value, width]
const RESTING = 1u;
const ALL = 2u;
const NONE = 0xffffffffu;

// The place of a row's gradient, NONE where it has none.
fn place_of(row: u32, slot: u32) -> u32 {
  let place = slot - 1u; // of 0 wraps around, past all places
  if place < params.places {
    if rows[place] == row {
      return place;
    }
  }
  return NONE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  if hyper.refused != 0u {
    return;
  }
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  let nth = index / params.lanes;
  var row = nth;
  var place = params.base_gradients + nth;
  if params.leaves == ALL {
    if nth >= params.count_gradients {
      return;
    }
    row = rows[place] - params.base_value; // wraps around, and so past the window, for rows before
  }
  if row >= params.count_value {
    return;
  }
  if params.leaves != ALL {
    let slot = slots[params.base_value + row];
    if params.leaves == RESTING && slot == 0u {
      return;
    }
    place = place_of(params.base_value + row, slot);
  }
  let has_gradient = place != NONE;
  // Each row is one dispatch's: that with its gradient, or with the first of all.
  let at_gradient = place - params.base_gradients;
  if select(params.base_gradients != 0u, at_gradient >= params.count_gradients, has_gradient) {
    return;
  }
  let h = hyper.rows[params.hyper_row];
  for (var k = index - nth * params.lanes; k < params.width; k += params.lanes) {
    var gradient = Unit();
    if has_gradient {
      gradient = gradients[at_gradient * params.width + k];
    }
    let at = row * params.width + k;
    value[at] = update(value[at], gradient, at, h);
  }
}
