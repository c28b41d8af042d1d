// reduce: out[o, s, i] = scale · reduction over k of x[o, k, i], for the k of slab s only.
// Many values are reduced in two passes: first into `slabs` slabs of `slab_size` each, then (slabs = 1) over the slabs. The
// split follows from the shape alone, so the same numbers give the same bits everywhere; short sums also keep more digits.
// Integers wrap at 32 bits and have no scale but 1.
// OP: 0 sum, 1 max, 2 min.      Grid: one invocation per element of out.
// @variants T f32 i32 u32
// @use grid
// @use order_$T
override OP: u32 = 0u;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { outer: u32, length: u32, inner: u32, slabs: u32, slab_size: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<$T>;                   // [outer, length, inner]
@group(0) @binding(2) var<storage, read_write> out: array<$T>;           // [outer, slabs, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.outer * params.slabs * params.inner {
    return;
  }
  let i = index % params.inner;
  let s = (index / params.inner) % params.slabs;
  let o = index / (params.inner * params.slabs);
  let begin = s * params.slab_size;
  let end = min(begin + params.slab_size, params.length);
  var at = (o * params.length + begin) * params.inner + i;
  var result = select(x[at], $T(), OP == 0u);
  for (var k = begin; k < end; k++) {
    let v = x[at];
    switch OP {
      case 0u: { result += v; }
      case 1u: { result = larger(result, v); }
      default: { result = smaller(result, v); }
    }
    at += params.inner;
  }
  out[index] = result * $T(params.scale);
}
