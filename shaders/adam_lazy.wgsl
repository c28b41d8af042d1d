// adam_lazy: rows of a table [rows, width] brought from the step they stand at to the step of now, by the updates with a
// gradient of zero that they have missed, in adam's own arithmetic: the bits of updating every row in every step.
//   stands[row] = 2·(last step done) + (1 once the row had a gradient)
//   clock, in bits: [0] step of now; last step that changed rows without moments; first step from which β and eps are as now;
//          first step from which changes without gradients only shrink.   Then f32, RING slots each, a step t in slot (t - 1) % RING:
//          (decay, step_size, bias2_sqrt, l2);   (β1, 1 - β1, β2, 1 - β2);   (eps, -, -, -)
//          and at the end whether a step was refused: the step of now is the one before it, and `apply` does nothing
// Which rows: the places first_listed .. + listed of `rows` (with `whole` of 0, 1, 2, …), and `swept` rows that take turns, so
// that no row falls further behind than the ring reaches. With `apply` the listed rows take their gradient in the step of now,
// and are distinct and ascending among all `places`; otherwise they may repeat. 0xffffffff lists no row.
// value, state and gradients may be pieces of the whole: row_count rows from first_row on, gradients from first_value on.
// Grid: `span` rows a workgroup, up to its size. It gathers those that there is work for and does them with `lanes` invocations
// a row, side by side; a divisor of the workgroup.
// @variants UNIT f32 vec4f
// @use grid
alias Unit = $UNIT;
// @use adam_rule
const WORKGROUP_SIZE = 64u;
const RING = 128u;
struct Params {
  width: u32, lanes: u32, rows: u32, first_row: u32, row_count: u32, first_value: u32,
  first_listed: u32, listed: u32, places: u32, swept: u32, whole: u32, apply: u32, span: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> clock: array<vec4u>;            // [2 + 3·RING]
@group(0) @binding(2) var<storage, read> rows: array<u32>;               // [places]
@group(0) @binding(3) var<storage, read> gradients: array<Unit>;         // [values, width]
@group(0) @binding(4) var<storage, read_write> stands: array<atomic<u32>>;       // [rows]
@group(0) @binding(5) var<storage, read_write> value: array<Unit>;       // [row_count, width]
@group(0) @binding(30) var<storage, read_write> exp_avg: array<Unit>;
@group(0) @binding(31) var<storage, read_write> exp_avg_sq: array<Unit>;
@group(0) @binding(32) var<storage, read_write> max_exp_avg_sq: array<Unit>;
const NONE = 0xffffffffu;
var<workgroup> recent: array<vec4f, 3u * RING>;
var<workgroup> found: atomic<u32>;
var<workgroup> found_nth: array<u32, WORKGROUP_SIZE>;
var<workgroup> found_row: array<u32, WORKGROUP_SIZE>;
var<workgroup> found_done: array<u32, WORKGROUP_SIZE>;

fn is_listed(row: u32) -> bool {
  var low = 0u;
  var high = params.places;
  while low < high {
    let middle = (low + high) / 2u;
    if rows[middle] < row {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  if low < params.places {
    return rows[low] == row;
  }
  return false;
}

fn row_of(nth: u32, step: u32) -> u32 {
  if nth < params.listed {
    let place = params.first_listed + nth;
    if params.whole != 0u {
      return place;
    }
    return rows[place];
  }
  let turn = nth - params.listed;
  if turn < params.swept {
    let turns = (params.rows + params.swept - 1u) / params.swept;
    let row = (step - 1u) % turns * params.swept + turn;
    if params.apply == 0u || params.whole != 0u || !is_listed(row) {
      return row;
    }
  }
  return NONE;
}

// Of a step that is in the ring, once it has been brought into the workgroup.
fn hyper_of(step: u32) -> Hyper {
  let slot = (step - 1u) % RING;
  let a = recent[slot];
  let b = recent[RING + slot];
  return Hyper(a.x, a.w, b.x, b.y, b.z, b.w, a.y, a.z, recent[2u * RING + slot].x);
}

// Notes the row of place `nth` where there is work for it.
fn find(nth: u32, head: vec4u) {
  let step = head.x;
  let row = row_of(nth, step);
  // Past row_count also where it wraps around, for rows before the first.
  if row >= params.rows || row - params.first_row >= params.row_count {
    return;
  }
  let applies = params.apply != 0u && nth < params.listed;
  let stand = atomicLoad(&stands[row]);
  if !applies && stand / 2u >= step {
    return;
  }
  // A row that is listed twice is taken by whoever comes first.
  let old = atomicExchange(&stands[row], 2u * step + select(stand % 2u, 1u, applies));
  if !applies && old / 2u >= step {
    return;
  }
  var done = old / 2u;
  if old % 2u == 0u && head.y <= done {
    // Never had a gradient: all of its moments are zero, and so were its changes.
    if !applies {
      return;
    }
    done = step - 1u;
  }
  let i = atomicAdd(&found, 1u);
  found_nth[i] = nth;
  found_row[i] = row;
  found_done[i] = done;
}

// Brings a row from the step `done` to that of now; `lane` of the row's invocations.
fn advance(nth: u32, row: u32, done: u32, head: vec4u, lane: u32) {
  let step = head.x;
  let applies = params.apply != 0u && nth < params.listed;
  let idle = select(step, step - 1u, applies);
  // Without decay, and with β and eps as now, all along.
  let quiet = head.z <= done + 1u && head.y <= done;
  let now = hyper_of(step);
  let place = params.first_listed + nth - params.first_value;
  for (var k = lane; k < params.width; k += params.lanes) {
    let at = (row - params.first_row) * params.width + k;
    var x = value[at];
    var s = State(exp_avg[at], exp_avg_sq[at], Unit());
    if AMSGRAD {
      s.largest = max_exp_avg_sq[at];
    }
    var t = done + 1u;
    if quiet {
      // `next` and `change` without what is 0 or 1.
      var calm = false;
      while t <= idle && !calm {
        let own = recent[(t - 1u) % RING];
        s.m = normal_or_zero(now.beta1 * s.m);
        s.v = normal_or_zero(now.beta2 * s.v);
        if AMSGRAD {
          s.largest = max(s.largest, s.v);
        } else {
          s.largest = s.v;
        }
        let d = own.y * s.m / (sqrt(s.largest) / own.z + now.eps);
        x -= d;
        t++;
        // Less than rounds to another number, |x| / 2^25, and the changes to come are no larger: none of them changes x.
        calm = head.w < t && all(abs(d) <= abs(x) * Unit(2.68e-8));
      }
      if t <= idle {
        for (; t <= idle; t++) {
          s.m *= now.beta1;
          s.v *= now.beta2;
        }
        // They only shrink: what fell under the limit on the way is under it now.
        s.m = normal_or_zero(s.m);
        s.v = normal_or_zero(s.v);
      }
    }
    for (; t <= step; t++) {
      let h = hyper_of(t);
      var gradient = Unit();
      if t > idle {
        gradient = gradients[place * params.width + k];
      }
      let decayed = h.decay * x;
      s = next(s, gradient, decayed, h);
      x = decayed - change(s, h);
    }
    value[at] = x;
    exp_avg[at] = s.m;
    exp_avg_sq[at] = s.v;
    if AMSGRAD {
      max_exp_avg_sq[at] = s.largest;
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  if params.apply != 0u && clock[1u + 3u * RING].x != 0u {
    return;
  }
  let head = clock[0];
  if lane < params.span {
    find(linear_group(workgroup_id, num_workgroups) * params.span + lane, head);
  }
  workgroupBarrier();
  let count = atomicLoad(&found);
  if count > 0u {
    for (var i = lane; i < 3u * RING; i += WORKGROUP_SIZE) {
      recent[i] = bitcast<vec4f>(clock[1u + i]);
    }
  }
  workgroupBarrier();
  let first = lane / params.lanes;
  for (var i = first; i < count; i += WORKGROUP_SIZE / params.lanes) {
    advance(found_nth[i], found_row[i], found_done[i], head, lane - first * params.lanes);
  }
}
