// recurrent_forward_texel_$CELL_$R: time steps of a recurrent layer, all directions, for software adapters with 8 lanes.
//   z = h_{t-1} · R, then the cell (lib/${CELL}_forward) and what all cells do after it (lib/recurrent_forward)
// Each of 8 lanes holds all gates of one unit for 8·$R rows. The weights come as texels, four k in each (recurrent_pack); a row's
// state is loaded once by the 8 lanes together and handed round by shuffles; four k at a time keep the sums in registers.
// Grid: x covers units (WORKGROUP_SIZE to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z the
// batch (8·$R rows per workgroup).
// @variants CELL lstm gru rnn
// @variants R 1 2 4
enable subgroups;
// @use grid
// @use texel
// @use recurrent_forward
// @use ${CELL}_forward
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;      // [D, ⌈H/8⌉, H/4 (k), G, 8 units] of four k

const ROWS = 8u * ${R}u;

fn weight(at: u32) -> vec4f {
  return textureLoad(r, texel(at));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let j = group.x * WORKGROUP_SIZE + index;
  let d = group.y;
  let first = group.z * ROWS;
  let quads = params.hidden / 4u;
  let r_at = (d * ((params.hidden + 7u) / 8u) + j / 8u) * quads * GATES * 8u + lane;
  let mine = lane & ~3u;                                                 // the first of the four lanes that share a vector of states
  let t_first = time_of(params.first, d);
  // @repeat g $R
  var h_at$g = place(min(first + ${g}u * 8u + lane, params.batch - 1u), t_first, d) * quads;
  // @end
  let h_step = select(params.stride_t, 0u - params.stride_t, d == 1u) * params.directions * quads;
  for (var step = params.first; step < params.last; step++) {
    // @repeat g $R
    // @repeat l 8
    var z${g}_${l} = Gates();
    // @end
    // @end
    for (var q = 0u; q < quads; q++) {
      // @repeat g $R
      let h$g = h_prev[h_at$g + q];
      // @end
      let w = weights(r_at + q * GATES * 8u);
      // @repeat g $R
      // @repeat l 8
      z${g}_${l} += product(vec4f(subgroupShuffle(h$g.x, ${l}u), subgroupShuffle(h$g.y, ${l}u), subgroupShuffle(h$g.z, ${l}u), subgroupShuffle(h$g.w, ${l}u)), w);
      // @end
      // @end
    }
    var sums = array<Gates, ROWS>(
      // @repeat g $R
      // @repeat l 8
      z${g}_${l},
      // @end
      // @end
    );
    for (var i = 0u; i < min(ROWS, params.batch - first); i += 4u) {
      var h: vec4f;                                                      // unit j's states of four rows
      if j < params.hidden {
        for (var n = 0u; n < min(4u, params.batch - first - i); n++) {
          let b = first + i + n;
          h[n] = end_step(step, b, d, j, sums[i + n], state_before(step, b, d, j));
        }
      }
      // Four lanes have four units of four rows; now each takes the four units of a row.
      // @repeat n 4
      let unit$n = subgroupShuffle(h, mine + ${n}u);
      // @end
      if j < params.hidden && i + lane % 4u < params.batch - first {
        let row = lane % 4u;
        hand_on(step, first + i + row, d, j / 4u, vec4f(unit0[row], unit1[row], unit2[row], unit3[row]));
      }
    }
    // @repeat g $R
    h_at$g += h_step;
    // @end
    hand_over();
  }
}
