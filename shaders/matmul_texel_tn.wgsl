// matmul_texel_tn_$C: out[z, m, n] = act(Σ_k a[z, m, k] · b[z, k, n] + bias[n]) for software adapters with 8 lanes.
// a is stored transposed [k, m], b by rows [k, n].
// Operands are linear textures of vec4s (row lengths, batch strides and k are multiples of 4), for a texel loads several times
// faster there than a vec4 of a storage buffer. Each of 8 lanes holds one vec4 of columns of 32 rows; a is loaded once by the 8 lanes
// together and handed round by shuffles, which cost next to nothing; four k at a time keep the accumulators in registers.
// Grid: x covers rows (32 per workgroup), y columns (32·$C per workgroup), z the batch.
// @variants C 1 2
enable subgroups;
// @use grid
// @use activate
// @use texel
override HAS_BIAS: bool = false;
struct Params { m: u32, n: u32, k4: u32, a_batch: u32, a_row: u32, b_batch: u32, b_row: u32 }   // strides in vec4s
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var a: texture_storage_2d<rgba32float, read>;      // [batch, k, m]
@group(0) @binding(2) var b: texture_storage_2d<rgba32float, read>;      // [batch, k, n]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [n], or a dummy without HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [batch, m, n]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let row = group.x * 32u;
  let col = group.y * 8u * ${C}u + lane;   // in vec4s; the lane's next one is 8 further
  // @repeat c $C
  let b_at$c = group.z * params.b_batch + min(col + ${c}u * 8u, params.b_row - 1u);
  // @end
  // Of the 8 lanes, lane l loads rows (l / 4)·4 .. +3 of group g at k = l % 4.
  // @repeat g 4
  let a_at$g = group.z * params.a_batch + (lane & 3u) * params.a_row + min((row >> 2u) + ${g}u * 2u + (lane >> 2u), params.a_row - 1u);
  // @end
  // @repeat g 4
  // @repeat l 8
  // @repeat c $C
  var c${g}_${l}_$c = vec4f();
  // @end
  // @end
  // @end
  for (var q = 0u; q < params.k4; q++) {
    // @repeat g 4
    let a$g = textureLoad(a, texel(a_at$g + q * 4u * params.a_row));
    // @end
    // @repeat c $C
    // @repeat u 4
    let b${u}_$c = textureLoad(b, texel(b_at$c + (q * 4u + ${u}u) * params.b_row));
    // @end
    // @end
    // @repeat g 4
    {
      let s = vec4f(subgroupShuffle(a$g.x, 0u), subgroupShuffle(a$g.x, 1u), subgroupShuffle(a$g.x, 2u), subgroupShuffle(a$g.x, 3u));
      // @repeat c $C
      c${g}_0_$c = c${g}_0_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.y, 0u), subgroupShuffle(a$g.y, 1u), subgroupShuffle(a$g.y, 2u), subgroupShuffle(a$g.y, 3u));
      // @repeat c $C
      c${g}_1_$c = c${g}_1_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.z, 0u), subgroupShuffle(a$g.z, 1u), subgroupShuffle(a$g.z, 2u), subgroupShuffle(a$g.z, 3u));
      // @repeat c $C
      c${g}_2_$c = c${g}_2_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.w, 0u), subgroupShuffle(a$g.w, 1u), subgroupShuffle(a$g.w, 2u), subgroupShuffle(a$g.w, 3u));
      // @repeat c $C
      c${g}_3_$c = c${g}_3_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.x, 4u), subgroupShuffle(a$g.x, 5u), subgroupShuffle(a$g.x, 6u), subgroupShuffle(a$g.x, 7u));
      // @repeat c $C
      c${g}_4_$c = c${g}_4_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.y, 4u), subgroupShuffle(a$g.y, 5u), subgroupShuffle(a$g.y, 6u), subgroupShuffle(a$g.y, 7u));
      // @repeat c $C
      c${g}_5_$c = c${g}_5_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.z, 4u), subgroupShuffle(a$g.z, 5u), subgroupShuffle(a$g.z, 6u), subgroupShuffle(a$g.z, 7u));
      // @repeat c $C
      c${g}_6_$c = c${g}_6_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    {
      let s = vec4f(subgroupShuffle(a$g.w, 4u), subgroupShuffle(a$g.w, 5u), subgroupShuffle(a$g.w, 6u), subgroupShuffle(a$g.w, 7u));
      // @repeat c $C
      c${g}_7_$c = c${g}_7_$c + s.x * b0_$c + s.y * b1_$c + s.z * b2_$c + s.w * b3_$c;
      // @end
    }
    // @end
  }
  var sums = array<vec4f, 32 * $C>(
    // @repeat g 4
    // @repeat l 8
    // @repeat c $C
    c${g}_${l}_$c,
    // @end
    // @end
    // @end
  );
  for (var c = 0u; c < ${C}u; c++) {
    let first = (col + c * 8u) * 4u;
    if first >= params.n {
      return;
    }
    let count = min(4u, params.n - first);
    var added = vec4f();
    if HAS_BIAS {
      for (var j = 0u; j < count; j++) {
        added[j] = bias[first + j];
      }
    }
    for (var i = 0u; i < min(32u, params.m - row); i++) {
      let sum = sums[i * ${C}u + c] + added;
      let at = (group.z * params.m + row + i) * params.n + first;
      for (var j = 0u; j < count; j++) {
        out[at + j] = activate(sum[j]);
      }
    }
  }
}
