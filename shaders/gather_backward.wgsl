// gather_backward: d_x[j] = Σ_k d_out[j with j_dim = k] over the k with index[j with j_dim = k] = j_dim, in order of k.
// n0..n5 are the dimensions of x, e0..e5 those of index (that of dim raised past every j_dim), t0..t5 the strides of index
// with that of dim put to 0; along dim x runs in steps of `x_stride` and has `x_length` elements, index in steps of
// `stride` and has `count`.
// Grid: one invocation per element of x; each walks `count` indices, so no two write one place.
// @use grid
// @use index
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  size: u32, x_length: u32, x_stride: u32, count: u32, stride: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  e0: u32, e1: u32, e2: u32, e3: u32, e4: u32, e5: u32,
  t0: u32, t1: u32, t2: u32, t3: u32, t4: u32, t5: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> d_out: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let i = index_in(at, params.n1, params.n2, vec3u(params.n3, params.n4, params.n5));
  var sum = 0.0;
  if all(i.outer < vec3u(params.e0, params.e1, params.e2)) && all(i.inner < vec3u(params.e3, params.e4, params.e5)) {
    let own = (at / params.x_stride) % params.x_length;
    var place = place_of(i, vec3u(params.t0, params.t1, params.t2), vec3u(params.t3, params.t4, params.t5));
    for (var k = 0u; k < params.count; k++) {
      if index[place] == own {
        sum += d_out[place];
      }
      place += params.stride;
    }
  }
  d_x[at] = sum;
}
