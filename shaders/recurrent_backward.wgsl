// recurrent_backward_$CELL: time steps of the gradient of a recurrent layer, all directions.
//   product = d_gates_{t+1} · Rᵀ, then the cell (lib/${CELL}_backward) and what all cells do around it (lib/recurrent_backward)
// Each invocation holds four units of two rows; a workgroup covers 4·QUADS units and as many rows as its size allows.
// Grid: x covers units (4·QUADS to a workgroup; one workgroup where a dispatch runs several steps), y the directions, z the batch
// (2·WORKGROUP_SIZE/QUADS rows per workgroup).
// @apart CELL lstm gru rnn
// @use grid
// @use recurrent_backward
// @use ${CELL}_backward
override QUADS: u32 = 16u;
@group(0) @binding(2) var<storage, read> r: array<vec4f>;                   // [D, ⌈H/32⌉, G·H, 8] of four k
@group(0) @binding(4) var<storage, read> d_out: array<vec4f>;               // [B·T rows, D·H]
@group(0) @binding(6) var<storage, read> saved: array<vec4f>;               // [B·T rows, D·H]

fn d_out_at(place: u32) -> vec4f {
  return d_out[place];
}

fn saved_at(place: u32) -> vec4f {
  return saved[place];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let quads = params.hidden / 4u;
  let k = group.x * QUADS + index % QUADS;
  let d = group.y;
  let rows = 2u * (WORKGROUP_SIZE / QUADS);
  let first = group.z * rows;
  let mine = index / QUADS * 2u;
  let panels = (quads + 7u) / 8u;
  let r_at = (d * panels + min(k / 8u, panels - 1u)) * GATES * params.hidden * 8u + k % 8u;
  for (var step = params.first; step < params.last; step++) {
    // Nothing comes before the first step.
    let terms = select(GATES * quads, 0u, step == 0u);
    // @repeat n 2
    let at$n = next_of(step, min(first + mine + ${n}u, params.batch - 1u), d).place;
    var z$n = vec4f();
    // @end
    for (var q = 0u; q < terms; q++) {
      let w_at = r_at + q * 32u;
      let w = mat4x4f(r[w_at], r[w_at + 8u], r[w_at + 16u], r[w_at + 24u]);
      // @repeat n 2
      if HANDOVER == 2u {
        z$n += w * state[q * rows + mine + ${n}u];
      } else {
        z$n += w * d_product(at$n, q);
      }
      // @end
    }
    if HANDOVER == 2u {
      workgroupBarrier();
    }
    if k < quads {
      var sums = array<vec4f, 2>(z0, z1);
      for (var i = 0u; i < 2u; i++) {
        if first + mine + i < params.batch {
          end_step(step, rows, mine + i, first + mine + i, d, k, sums[i]);
        }
      }
    }
    hand_over();
  }
}
