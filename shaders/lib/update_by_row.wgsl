// Optimiser kernels, the form for row-sparse gradients of a table [rows, width], `width` counted in Unit; see update_dense.
// Every row is updated, with a gradient of zero where it has none, so that the result is that of the dense gradient:
// slots[row] - 1 is the place of the row in `rows`, or one that it had in an earlier step (row_slots writes only the rows there
// are, and the check against `rows` finds out); 0 is a row at rest, without state and with nothing
// to change it, which is left out. With `listed` only the rows of `rows` are updated, and slots is not read.
// value, state and gradients may be pieces of the whole: row_count rows from first_row on, value_count from first_value on.
// Grid: `lanes` invocations a row, side by side.
// @use grid
// @use step_scalars
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  width: u32, lanes: u32, hyper_row: u32, listed: u32, count: u32,
  first_row: u32, row_count: u32, first_value: u32, value_count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> rows: array<u32>;               // [count]
@group(0) @binding(3) var<storage, read> slots: array<u32>;              // [all rows of the table]
@group(0) @binding(4) var<storage, read> gradients: array<Unit>;         // [value_count, width]
@group(0) @binding(5) var<storage, read_write> value: array<Unit>;       // [row_count, width]
const NONE = 0xffffffffu;

// The place of a row's gradient, NONE where it has none.
fn place_of(row: u32, slot: u32) -> u32 {
  let place = slot - 1u; // of 0 wraps around, past count
  if place < params.count {
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
  var slot = params.first_value + nth;
  if params.listed != 0u {
    if nth >= params.value_count {
      return;
    }
    row = rows[slot] - params.first_row; // wraps around, and so past row_count, for rows before
  }
  if row >= params.row_count {
    return;
  }
  if params.listed == 0u {
    slot = slots[params.first_row + row];
    if slot == 0u {
      return;
    }
    slot = place_of(params.first_row + row, slot);
  }
  let has_gradient = slot != NONE;
  // Each row is one dispatch's: that with its gradient, or with the first of all.
  let place = slot - params.first_value;
  if select(params.first_value != 0u, place >= params.value_count, has_gradient) {
    return;
  }
  let h = hyper.rows[params.hyper_row];
  for (var k = index - nth * params.lanes; k < params.width; k += params.lanes) {
    var gradient = Unit();
    if has_gradient {
      gradient = gradients[place * params.width + k];
    }
    let at = row * params.width + k;
    value[at] = update(value[at], gradient, at, h);
  }
}
