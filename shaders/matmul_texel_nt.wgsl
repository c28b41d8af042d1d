// matmul_texel_nt: out[z, m, n] = act(Σ_k a[z, m, k] · b[z, k, n] + bias[n]) for software adapters with 8 lanes.
// a is stored by rows [m, k], b transposed [n, k].
// Operands are linear textures of vec4s (row lengths, batch strides and k are multiples of 4), for a texel loads several times
// faster there than a vec4 of a storage buffer. Each of 8 lanes holds four columns of 32 rows; a is loaded once by the 8 lanes
// together and handed round by shuffles, which cost next to nothing; four k at a time keep the accumulators in registers.
// Grid: x covers rows (32 per workgroup), y columns (32 per workgroup), z the batch.
enable subgroups;
// @use grid
// @use activate
// @use texel
override HAS_BIAS: bool = false;
struct Params { m: u32, n: u32, k4: u32, a_batch: u32, a_row: u32, b_batch: u32, b_row: u32 }   // strides in vec4s
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var a: texture_storage_2d<rgba32float, read>;      // [batch, m, k]
@group(0) @binding(2) var b: texture_storage_2d<rgba32float, read>;      // [batch, n, k]
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [n], or a dummy without HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [batch, m, n]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let row = group.x * 32u;
  // Lane l holds columns l, l + 8, l + 16 and l + 24 of the tile, one in each component.
  let col = group.y * 32u + lane;
  // @repeat j 4
  let b_at$j = group.z * params.b_batch + min(col + ${j}u * 8u, params.n - 1u) * params.b_row;
  // @end
  // @repeat g 4
  let a_at$g = group.z * params.a_batch + min(row + ${g}u * 8u + lane, params.m - 1u) * params.a_row;
  // @end
  // @repeat g 4
  // @repeat l 8
  var c${g}_${l} = vec4f();
  // @end
  // @end
  for (var q = 0u; q < params.k4; q++) {
    // @repeat g 4
    let a$g = textureLoad(a, texel(a_at$g + q));
    // @end
    // @repeat j 4
    let w$j = textureLoad(b, texel(b_at$j + q));
    // @end
    let b0 = vec4f(w0.x, w1.x, w2.x, w3.x);
    let b1 = vec4f(w0.y, w1.y, w2.y, w3.y);
    let b2 = vec4f(w0.z, w1.z, w2.z, w3.z);
    let b3 = vec4f(w0.w, w1.w, w2.w, w3.w);
    // @repeat g 4
    // @repeat l 8
    {
      let s = vec4f(subgroupShuffle(a$g.x, ${l}u), subgroupShuffle(a$g.y, ${l}u), subgroupShuffle(a$g.z, ${l}u), subgroupShuffle(a$g.w, ${l}u));
      c${g}_${l} = c${g}_${l} + s.x * b0 + s.y * b1 + s.z * b2 + s.w * b3;
    }
    // @end
    // @end
  }
  var sums = array<vec4f, 32>(
    // @repeat g 4
    // @repeat l 8
    c${g}_${l},
    // @end
    // @end
  );
  var added = vec4f();
  if HAS_BIAS {
    for (var j = 0u; j < 4u; j++) {
      added[j] = bias[min(col + j * 8u, params.n - 1u)];
    }
  }
  for (var i = 0u; i < min(32u, params.m - row); i++) {
    let sum = sums[i] + added;
    let at = (group.z * params.m + row + i) * params.n;
    for (var j = 0u; j < 4u; j++) {
      if col + j * 8u < params.n {
        out[at + col + j * 8u] = activate(sum[j]);
      }
    }
  }
}
