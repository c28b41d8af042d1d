// matmul_texel_nt_$C_$LANES: out[z, m, n] = act(Σ_k a[z, m, k] · b[z, k, n] + bias[n]) for software adapters whose subgroups have $LANES lanes.
// a is stored by rows [m, k], b transposed [n, k], or both are packed (matmul_texel_pack).
// Operands are linear textures of vec4s (row lengths, batch strides and k are multiples of 4), for a texel loads several times
// faster there than a vec4 of a storage buffer. Each lane holds 4·$C columns of 32 rows; a is loaded once by the lanes
// together and handed round by broadcasts, which cost next to nothing; four k at a time keep the accumulators in registers.
// llvmpipe shuffles 8 lanes by one instruction, 4 or 16 by a loop over them; there it is a broadcast that takes one.
// Grid: x covers rows (32 per workgroup), y columns (4·$LANES·$C per workgroup), z the batch.
// @variants C 1 2
// @variants LANES,by 4,Broadcast 8,Shuffle 16,Broadcast
enable subgroups;
// @use grid
// @use activate
// @use texel
override HAS_BIAS: bool = false;
struct Params {
  m: u32, n: u32, k4: u32,
  a_batch: u32, a_tile: u32, a_row: u32, b_batch: u32, b_tile: u32, b_row: u32, next: u32,   // strides in vec4s
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var a: texture_storage_2d<rgba32float, read>;      // [batch, m, k]
@group(0) @binding(2) var b: texture_storage_2d<rgba32float, read>;      // [batch, n, k]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [n], or a dummy without HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [batch, m, n]

// Rows of a and columns of b come in tiles of 32.
fn place_in(base: u32, i: u32, tile: u32, row: u32) -> u32 {
  return base + i / 32u * tile + i % 32u * row;
}

@compute @workgroup_size($LANES)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let row = group.x * 32u;
  // Lane l holds columns l, l + $LANES, … of the tile, four in the components of a vec4.
  let col = group.y * 4u * ${LANES}u * ${C}u + lane;
  // @repeat c $C
  // @repeat j 4
  let b_at${c}_$j = place_in(group.z * params.b_batch, min(col + (${c}u * 4u + ${j}u) * ${LANES}u, params.n - 1u), params.b_tile, params.b_row);
  // @end
  // @end
  // @repeat g 32/$LANES
  let a_at$g = place_in(group.z * params.a_batch, min(row + ${g}u * ${LANES}u + lane, params.m - 1u), params.a_tile, params.a_row);
  // @end
  // @repeat g 32/$LANES
  // @repeat l $LANES
  // @repeat c $C
  var c${g}_${l}_$c = vec4f();
  // @end
  // @end
  // @end
  for (var q = 0u; q < params.k4; q++) {
    // @repeat g 32/$LANES
    let a$g = textureLoad(a, texel(a_at$g + q * params.next));
    // @end
    // @repeat c $C
    // @repeat j 4
    let w${c}_$j = textureLoad(b, texel(b_at${c}_$j + q * params.next));
    // @end
    // @end
    // @repeat c $C
    let b0_$c = vec4f(w${c}_0.x, w${c}_1.x, w${c}_2.x, w${c}_3.x);
    // @end
    // @repeat c $C
    let b1_$c = vec4f(w${c}_0.y, w${c}_1.y, w${c}_2.y, w${c}_3.y);
    // @end
    // @repeat c $C
    let b2_$c = vec4f(w${c}_0.z, w${c}_1.z, w${c}_2.z, w${c}_3.z);
    // @end
    // @repeat c $C
    let b3_$c = vec4f(w${c}_0.w, w${c}_1.w, w${c}_2.w, w${c}_3.w);
    // @end
    // @repeat g 32/$LANES
    // @repeat l $LANES
    {
      let s = subgroup$by(a$g, ${l}u);
      // @repeat c $C
      c${g}_${l}_$c = c${g}_${l}_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    // @end
    // @end
  }
  var sums = array<vec4f, 32 * $C>(
    // @repeat g 32/$LANES
    // @repeat l $LANES
    // @repeat c $C
    c${g}_${l}_$c,
    // @end
    // @end
    // @end
  );
  for (var c = 0u; c < ${C}u; c++) {
    let first = col + c * 4u * ${LANES}u;
    var added = vec4f();
    if HAS_BIAS {
      for (var j = 0u; j < 4u; j++) {
        added[j] = bias[min(first + j * ${LANES}u, params.n - 1u)];
      }
    }
    for (var i = 0u; i < min(32u, params.m - row); i++) {
      let sum = sums[i * ${C}u + c] + added;
      let at = (group.z * params.m + row + i) * params.n;
      for (var j = 0u; j < 4u; j++) {
        if first + j * ${LANES}u < params.n {
          out[at + first + j * ${LANES}u] = activate(sum[j]);
        }
      }
    }
  }
}
