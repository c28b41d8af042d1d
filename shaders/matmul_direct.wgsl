// matmul_direct: out[z, m, n] = act(Σ_k a[z, m, k] · b[z, k, n] + bias[n]), any strides (so any transposition), any edge.
// Each invocation holds 4 rows and 4 columns in registers; loads outside are clamped to the edge and never stored.
// The plain form that runs on every adapter and that the others are checked against.
// Grid: x covers n, y covers m (tiles of 4 x 4 per invocation, 8 x 8 invocations), z the batch.
// @use grid
// @use activate
override HAS_BIAS: bool = false;
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

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let group = group_of(workgroup_id, num_workgroups);
  let row = (group.y * 8u + local.y) * 4u;
  let col = (group.x * 8u + local.x) * 4u;
  if row >= params.m || col >= params.n {
    return;
  }
  // @repeat r 4
  let a_at$r = group.z * params.a_batch + min(row + ${r}u, params.m - 1u) * params.a_row;
  let b_at$r = group.z * params.b_batch + min(col + ${r}u, params.n - 1u) * params.b_col;
  var sum$r = vec4f();
  // @end
  for (var k = 0u; k < params.k; k++) {
    let bk = k * params.b_k;
    let b_row = vec4f(b[b_at0 + bk], b[b_at1 + bk], b[b_at2 + bk], b[b_at3 + bk]);
    // @repeat r 4
    sum$r += a[a_at$r + k * params.a_k] * b_row;
    // @end
  }
  let base = group.z * params.m * params.n;
  // @repeat r 4
  if row + ${r}u < params.m {
    for (var c = 0u; c < min(4u, params.n - col); c++) {
      var v = sum$r[c];
      if HAS_BIAS {
        v += bias[col + c];
      }
      out[base + (row + ${r}u) * params.n + col + c] = activate(v);
    }
  }
  // @end
}
