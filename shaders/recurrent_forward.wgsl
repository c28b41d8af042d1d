// recurrent_forward_$CELL: time steps of a recurrent layer, all directions.
//   z = h_{t-1} · R, then the cell (lib/${CELL}_forward) and what all cells do after it (lib/recurrent_forward)
// Each invocation holds all gates of one unit for 4 rows.
// Grid: x covers units (WORKGROUP_SIZE to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z the
// batch (4 rows per workgroup).
// @variants CELL lstm gru rnn
// @use grid
// @use recurrent_forward
// @use ${CELL}_forward
@group(0) @binding(2) var<storage, read> r: array<vec4f>;                // [D, ⌈H/8⌉, H/4 (k), G, 8 units] of four k

const ROWS = 4u;

fn weight(at: u32) -> vec4f {
  return r[at];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let j = group.x * WORKGROUP_SIZE + index;
  let d = group.y;
  let first = group.z * ROWS;
  let quads = params.hidden / 4u;
  let panels = (params.hidden + 7u) / 8u;
  let r_at = (d * panels + min(j / 8u, panels - 1u)) * quads * GATES * 8u + j % 8u;
  if HANDOVER == 2u {
    let t = select(params.first, params.time - 1u - params.first, d == 1u);
    for (var n = index; n < ROWS * quads; n += WORKGROUP_SIZE) {
      state[n] = h_prev[place(min(first + n % ROWS, params.batch - 1u), t, d) * quads + n / ROWS];
    }
    workgroupBarrier();
  }
  for (var step = params.first; step < params.last; step++) {
    let t = select(step, params.time - 1u - step, d == 1u);
    // @repeat n 4
    let h_at$n = place(min(first + ${n}u, params.batch - 1u), t, d) * quads;
    var z$n = Gates();
    // @end
    for (var q = 0u; q < quads; q++) {
      let w = weights(r_at + q * GATES * 8u);
      // @repeat n 4
      if HANDOVER == 2u {
        z$n += product(state[((step & 1u) * quads + q) * ROWS + ${n}u], w);
      } else {
        z$n += product(h_prev[h_at$n + q], w);
      }
      // @end
    }
    if j < params.hidden {
      var sums = array<Gates, ROWS>(z0, z1, z2, z3);
      for (var i = 0u; i < min(ROWS, params.batch - first); i++) {
        end_step(step, ROWS, i, first + i, d, j, sums[i]);
      }
    }
    hand_over();
  }
}
