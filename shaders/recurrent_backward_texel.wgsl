// recurrent_backward_texel_$CELL_$LANES_$R: time steps of the gradient of a recurrent layer, all directions, for software adapters
// whose subgroups have $LANES lanes.
//   product = d_gates_{t+1} · Rᵀ, then the cell (lib/${CELL}_backward) and what all cells do around it (lib/recurrent_backward)
// Each lane holds four units of $LANES·$R rows. The weights come as texels of four k (recurrent_pack, whose panels of 8 are two
// subgroups' of 4 lanes, or half of one of 16); a row's gradients are loaded once by the lanes together and handed round by broadcasts.
// llvmpipe shuffles 8 lanes by one instruction, 4 or 16 by a loop over them; there it is a broadcast that takes one.
// Grid: x covers units (4·WORKGROUP_SIZE to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z
// the batch ($LANES·$R rows per workgroup).
// @variants CELL lstm gru rnn
// @variants LANES,R,by 4,2,Broadcast 4,4,Broadcast 8,1,Shuffle 8,2,Shuffle 16,1,Broadcast
enable subgroups;
// @use grid
// @use texel
// @use recurrent_backward
// @use ${CELL}_backward
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;         // [D, ⌈H/32⌉, G·H, 8] of four k
@group(0) @binding(4) var d_out: texture_storage_2d<rgba32float, read>;     // [B·T rows, D·H]
@group(0) @binding(6) var saved: texture_storage_2d<rgba32float, read>;     // [B·T rows, D·H]

const ROWS = ${LANES}u * ${R}u;

fn d_out_at(place: u32) -> vec4f {
  return textureLoad(d_out, texel(place));
}

fn saved_at(place: u32) -> vec4f {
  return textureLoad(saved, texel(place));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let k = group.x * WORKGROUP_SIZE + index;
  let d = group.y;
  let first = group.z * ROWS;
  let quads = params.hidden / 4u;
  let panels = (quads + 7u) / 8u;
  let r_at = (d * panels + min(k / 8u, panels - 1u)) * GATES * params.hidden * 8u + k % 8u;
  for (var step = params.first; step < params.last; step++) {
    // Nothing comes before the first step.
    let terms = select(GATES * quads, 0u, step == 0u);
    // @repeat g $R
    let at$g = next_of(step, min(first + ${g}u * ${LANES}u + lane, params.batch - 1u), d).place;
    // @end
    // @repeat g $R
    // @repeat l $LANES
    var z${g}_${l} = vec4f();
    // @end
    // @end
    for (var q = 0u; q < terms; q++) {
      // @repeat g $R
      let a$g = d_product(at$g, q);
      // @end
      let w_at = r_at + q * 32u;
      let w = mat4x4f(textureLoad(r, texel(w_at)), textureLoad(r, texel(w_at + 8u)), textureLoad(r, texel(w_at + 16u)), textureLoad(r, texel(w_at + 24u)));
      // @repeat g $R
      // @repeat l $LANES
      z${g}_${l} += w * subgroup$by(a$g, ${l}u);
      // @end
      // @end
    }
    var sums = array<vec4f, ROWS>(
      // @repeat g $R
      // @repeat l $LANES
      z${g}_${l},
      // @end
      // @end
    );
    if k < quads {
      for (var i = 0u; i < min(ROWS, params.batch - first); i++) {
        end_step(step, ROWS, i, first + i, d, k, sums[i]);
      }
    }
    hand_over();
  }
}
