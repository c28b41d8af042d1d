// matmul_tiled_$W: out[z, m, n] = act(Σ_k a[z, m, k] · b[z, k, n] + bias[n]), any strides (so any transposition), for GPUs.
// A workgroup of SIDE x SIDE computes 4·$W·SIDE x 4·$W·SIDE of out. It brings SIDE/$W of k at a time into workgroup memory, each
// invocation one vec4 of a (four rows) and one of b (four columns), and holds 4·$W rows and $W vec4s of columns in registers.
// Loads outside are clamped to the edge and never stored; past the end of k both count as 0.
// SIDE: 16, or 8 where a workgroup may not have 256 invocations.
// A_ALONG_K, B_ALONG_K: neighbours load along k, where that is how the matrix is stored; else along rows of a, columns of b.
// Grid: x covers n, y covers m, z the batch.
// @variants W 1 2
// @use grid
// @use activate
override SIDE: u32 = 16u;
override HAS_BIAS: bool = false;
override A_ALONG_K: bool = true;
override B_ALONG_K: bool = false;
struct Params {
  m: u32, n: u32, k: u32,
  a_batch: u32, a_row: u32, a_k: u32,
  b_batch: u32, b_k: u32, b_col: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [n], or a dummy without HAS_BIAS
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [batch, m, n]

var<workgroup> a_tile: array<vec4f, SIDE * SIDE>;   // [depth: k at a time, across: vec4s of a tile's rows]
var<workgroup> b_tile: array<vec4f, SIDE * SIDE>;

// The place of this invocation's vec4 in a tile: x across, y in k.
fn place(lane: u32, along_k: bool) -> vec2u {
  let depth = SIDE / ${W}u;
  let across = SIDE * ${W}u;
  if along_k {
    return vec2u(lane / depth, lane % depth);
  }
  return vec2u(lane % across, lane / across);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) lane: u32,
) {
  let group = group_of(workgroup_id, num_workgroups);
  let depth = SIDE / ${W}u;
  let across = SIDE * ${W}u;
  let row = group.y * 4u * across;
  let col = group.x * 4u * across;
  let a_place = place(lane, A_ALONG_K);
  let b_place = place(lane, B_ALONG_K);
  // @repeat r 4
  let a_at$r = group.z * params.a_batch + min(row + a_place.x * 4u + ${r}u, params.m - 1u) * params.a_row;
  let b_at$r = group.z * params.b_batch + min(col + b_place.x * 4u + ${r}u, params.n - 1u) * params.b_col;
  // @end
  // @repeat g $W
  // @repeat r 4
  // @repeat h $W
  var c${g}_${r}_$h = vec4f();
  // @end
  // @end
  // @end
  for (var k0 = 0u; k0 < params.k; k0 += depth) {
    let a_k = k0 + a_place.y;
    let a_offset = min(a_k, params.k - 1u) * params.a_k;
    let b_offset = min(k0 + b_place.y, params.k - 1u) * params.b_k;
    let a_next = vec4f(a[a_at0 + a_offset], a[a_at1 + a_offset], a[a_at2 + a_offset], a[a_at3 + a_offset]);
    let b_next = vec4f(b[b_at0 + b_offset], b[b_at1 + b_offset], b[b_at2 + b_offset], b[b_at3 + b_offset]);
    workgroupBarrier();   // everybody is done with the last tiles
    a_tile[a_place.y * across + a_place.x] = select(vec4f(), a_next, a_k < params.k);
    b_tile[b_place.y * across + b_place.x] = select(vec4f(), b_next, k0 + b_place.y < params.k);
    workgroupBarrier();
    for (var k = 0u; k < depth; k++) {
      // @repeat g $W
      let a$g = a_tile[k * across + ${g}u * SIDE + local.y];
      let b$g = b_tile[k * across + ${g}u * SIDE + local.x];
      // @end
      // @repeat g $W
      // @repeat r 4
      // @repeat h $W
      c${g}_${r}_$h += a$g[$r] * b$h;
      // @end
      // @end
      // @end
    }
  }
  let base = group.z * params.m * params.n;
  // @repeat h $W
  let col$h = col + (${h}u * SIDE + local.x) * 4u;
  var added$h = vec4f();
  if HAS_BIAS {
    for (var j = 0u; j < 4u; j++) {
      if col$h + j < params.n {
        added$h[j] = bias[col$h + j];
      }
    }
  }
  // @end
  // @repeat g $W
  // @repeat r 4
  {
    let at_row = row + (${g}u * SIDE + local.y) * 4u + ${r}u;
    if at_row < params.m {
      // @repeat h $W
      {
        let sum = c${g}_${r}_$h + added$h;
        for (var j = 0u; j < 4u; j++) {
          if col$h + j < params.n {
            out[base + at_row * params.n + col$h + j] = activate(sum[j]);
          }
        }
      }
      // @end
    }
  }
  // @end
  // @end
}
