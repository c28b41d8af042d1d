// gather: out[o, k, i] = x[o, index[o, k, i], i]; words are copied as they are.
// An index past `length` (one born on the GPU that nobody could check) gives NaN.
// Grid: one invocation per element of out.
// @use grid
override LAST: bool = false;   // whether inner is 1, which saves two of three divisions
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, length: u32, count: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;              // [outer, count, inner] = [size]
@group(0) @binding(2) var<storage, read> x: array<u32>;                  // [outer, length, inner]
@group(0) @binding(3) var<storage, read_write> out: array<u32>;          // [outer, count, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  var row = at;   // (outer, k)
  var i = 0u;
  if !LAST {
    row = at / params.inner;
    i = at % params.inner;
  }
  let outer = row / params.count;
  let chosen = index[at];
  if chosen < params.length {
    out[at] = x[(outer * params.length + chosen) * params.inner + i];
  } else {
    out[at] = 0x7fc00000u;
  }
}
