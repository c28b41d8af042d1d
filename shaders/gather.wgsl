// gather: out[i] = x[i with i_dim = index[i]]; words are copied as they are. n0..n5 are the dimensions of index and out,
// s0..s5 the strides of x with that of dim put to 0; dim itself has `length` elements `stride` apart.
// An index past `length` (one born on the GPU that nobody could check) gives NaN.
// Grid: one invocation per element of out.
// @use grid
// @use index
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  size: u32, length: u32, stride: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  s0: u32, s1: u32, s2: u32, s3: u32, s4: u32, s5: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;              // [size]
@group(0) @binding(2) var<storage, read> x: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let i = index_in(at, params.n1, params.n2, vec3u(params.n3, params.n4, params.n5));
  let chosen = index[at];
  if chosen < params.length {
    out[at] = x[place_of(i, vec3u(params.s0, params.s1, params.s2), vec3u(params.s3, params.s4, params.s5)) + chosen * params.stride];
  } else {
    out[at] = 0x7fc00000u;
  }
}
