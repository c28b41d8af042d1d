// scatter: out[o, j, i] = src[o, k, i] of the last k with index[o, k, i] = j, or x[o, j, i] where there is none; words are copied as
// they are.
// Grid: one invocation per element of out; each walks `count` indices, so no two write one place.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, length: u32, count: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;              // [outer, count, inner]
@group(0) @binding(2) var<storage, read> src: array<u32>;                // [outer, count, inner]
@group(0) @binding(3) var<storage, read> x: array<u32>;                  // [outer, length, inner] = [size]
@group(0) @binding(4) var<storage, read_write> out: array<u32>;          // [outer, length, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let own = (at / params.inner) % params.length;
  let outer = at / (params.length * params.inner);
  var place = outer * params.count * params.inner + at % params.inner;
  var value = x[at];
  for (var k = 0u; k < params.count; k++) {
    if index[place] == own {
      value = src[place];
    }
    place += params.inner;
  }
  out[at] = value;
}
