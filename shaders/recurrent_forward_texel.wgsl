// recurrent_forward_texel_$CELL_$LANES_$R: time steps of a recurrent layer, all directions, for software adapters whose subgroups have
// $LANES lanes.
//   z = h_{t-1} · R, then the cell (lib/${CELL}_forward) and what all cells do after it (lib/recurrent_forward)
// Each lane holds all gates of one unit for $LANES·$R rows. The weights come as texels, four k in each (recurrent_pack, whose panels
// of 8 units are two subgroups' of 4 lanes, or half of one of 16); a row's state is loaded once by the lanes together and handed
// round by broadcasts; four k at a time keep the sums in registers.
// llvmpipe shuffles 8 lanes by one instruction, 4 or 16 by a loop over them; there it is a broadcast that takes one.
// Grid: x covers units (WORKGROUP_SIZE to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z the
// batch ($LANES·$R rows per workgroup).
// @variants CELL lstm gru rnn
// @variants LANES,R,by 4,2,Broadcast 4,4,Broadcast 4,8,Broadcast 8,1,Shuffle 8,2,Shuffle 8,4,Shuffle 16,1,Broadcast 16,2,Broadcast
enable subgroups;
// @use grid
// @use texel
// @use recurrent_forward
// @use ${CELL}_forward
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;      // [D, ⌈H/8⌉, H/4 (k), G, 8 units] of four k

const ROWS = ${LANES}u * ${R}u;

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
  let panels = (params.hidden + 7u) / 8u;
  let r_at = (d * panels + min(j / 8u, panels - 1u)) * quads * GATES * 8u + j % 8u;
  let mine = lane & ~3u;                                                 // the first of the four lanes that share a vector of states
  let t_first = time_of(params.first, d);
  // @repeat g $R
  var h_at$g = place(min(first + ${g}u * ${LANES}u + lane, params.batch - 1u), t_first, d) * quads;
  // @end
  let h_step = select(params.stride_t, 0u - params.stride_t, d == 1u) * params.directions * quads;
  for (var step = params.first; step < params.last; step++) {
    // @repeat g $R
    // @repeat l $LANES
    var z${g}_${l} = Gates();
    // @end
    // @end
    for (var q = 0u; q < quads; q++) {
      // @repeat g $R
      let h$g = h_prev[h_at$g + q];
      // @end
      let w = weights(r_at + q * GATES * 8u);
      // @repeat g $R
      // @repeat l $LANES
      z${g}_${l} += product(subgroup$by(h$g, ${l}u), w);
      // @end
      // @end
    }
    var sums = array<Gates, ROWS>(
      // @repeat g $R
      // @repeat l $LANES
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
