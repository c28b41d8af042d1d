// linked_sum: out[o, ids[n], i] = Σ x[o, position, i] over the chain of positions that hold the id of n, for each n that is
// first in its chain; rows without a chain are left alone. In runs of `longest` as segment_sum does, so to the same bits.
// out is bound from `base_out` on (with `outer` > 1 whole).
// Grid: one invocation per element of [outer, count, inner], an element being four words in the vec4 form.
// @variants T f32 vec4f
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { outer: u32, count: u32, inner: u32, longest: u32, base_out: u32, count_out: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;                // [count]
@group(0) @binding(2) var<storage, read> links: array<u32>;              // [count], of link_equal
@group(0) @binding(3) var<storage, read> x: array<$T>;                   // [outer, count, inner]
@group(0) @binding(4) var<storage, read_write> out: array<$T>;           // [outer, count_out, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.outer * params.count * params.inner {
    return;
  }
  let n = at / params.inner;
  let i = at - n * params.inner;
  let o = n / params.count;
  var position = n - o * params.count;
  let row = ids[position] - params.base_out; // wraps around, and so past count_out, for rows before
  if links[position] >= 0x80000000u || row >= params.count_out {
    return;
  }
  var total = $T();
  while position < params.count {
    var run = $T();
    for (var k = 0u; k < params.longest && position < params.count; k++) {
      run += x[(o * params.count + position) * params.inner + i];
      position = links[position] & 0x7fffffffu;
    }
    total += run;
  }
  out[(o * params.count_out + row) * params.inner + i] = total;
}
