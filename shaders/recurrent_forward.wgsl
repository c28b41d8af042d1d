// recurrent_forward_$CELL: time steps of a recurrent layer, all directions.
//   z = h_{t-1} · R, then the cell (lib/${CELL}_forward) and what all cells do after it (lib/recurrent_forward)
// Each invocation holds all gates of one unit for 4 rows.
// Grid: x covers units (WORKGROUP_SIZE to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z the
// batch (4 rows per workgroup).
// @apart CELL lstm gru rnn
// @use grid
// @use recurrent_forward
// @use ${CELL}_forward
@group(0) @binding(2) var<storage, read> r: array<vec4f>;                // [D, ⌈H/8⌉, H/4 (k), G, 8 units] of four k

const ROWS = 4u;

fn weight(at: u32) -> vec4f {
  return r[at];
}

// Where `state` has unit j's states of the four rows: in two halves by turns where all units are there (HANDOVER 2), else in a place
// for each invocation.
fn state_at(step: u32, j: u32) -> u32 {
  if HANDOVER == 2u {
    return (step & 1u) * params.hidden + j;
  }
  return j % WORKGROUP_SIZE;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let unit = group.x * WORKGROUP_SIZE;
  let j = unit + index;
  let d = group.y;
  let first = group.z * ROWS;
  let rows = min(ROWS, params.batch - first);
  let quads = params.hidden / 4u;
  let panels = (params.hidden + 7u) / 8u;
  let r_at = (d * panels + min(j / 8u, panels - 1u)) * quads * GATES * 8u + j % 8u;
  var h: vec4f;                                                          // unit j's states of the four rows
  if j < params.hidden {
    // @repeat n 4
    h[${n}u] = state_before(params.first, min(first + ${n}u, params.batch - 1u), d, j);
    // @end
    if HANDOVER == 2u {
      state[state_at(params.first, j)] = h;
    }
  }
  if HANDOVER == 2u {
    workgroupBarrier();
  }
  for (var step = params.first; step < params.last; step++) {
    let t = time_of(step, d);
    // @repeat n 4
    let h_at$n = place(min(first + ${n}u, params.batch - 1u), t, d) * quads;
    var z$n = Gates();
    // @end
    for (var q = 0u; q < quads; q++) {
      let w = weights(r_at + q * GATES * 8u);
      if HANDOVER == 2u {
        let four = transpose(mat4x4f(
          // @repeat k 4
          state[state_at(step, 4u * q + ${k}u)],
          // @end
        ));
        // @repeat n 4
        z$n += product(four[$n], w);
        // @end
      } else {
        // @repeat n 4
        z$n += product(h_prev[h_at$n + q], w);
        // @end
      }
    }
    if j < params.hidden {
      var sums = array<Gates, ROWS>(z0, z1, z2, z3);
      for (var i = 0u; i < rows; i++) {
        h[i] = end_step(step, first + i, d, j, sums[i], h[i]);
      }
      state[state_at(step + 1u, j)] = h;
    }
    workgroupBarrier();
    // Now each invocation has four units of one row.
    let q = index % (WORKGROUP_SIZE / 4u);
    let i = index / (WORKGROUP_SIZE / 4u);
    if unit + 4u * q < params.hidden && i < rows {
      let four = state_at(step + 1u, unit + 4u * q);
      hand_on(step, first + i, d, unit / 4u + q, vec4f(state[four][i], state[four + 1u][i], state[four + 2u][i], state[four + 3u][i]));
    }
    if HANDOVER == 1u {
      storageBarrier();
      workgroupBarrier();
    }
  }
}
