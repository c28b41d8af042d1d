// argmax: out[o, s, i] = the first k of slab s whose x[o, k, i] no other one in the slab beats; NaN beats all.
// As in reduce.wgsl many values go in two passes: first slabs of `slab_size` values each; then, with PICKED, over the winners
// of the slabs, `candidates` [outer, count, inner].
// Grid: one invocation per element of out.
// @variants T f32 i32 u32
// @use grid
// @use order_$T
override SMALLEST: bool = false;
override PICKED: bool = false;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { outer: u32, length: u32, inner: u32, count: u32, slabs: u32, slab_size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<$T>;                   // [outer, length, inner]
@group(0) @binding(2) var<storage, read> candidates: array<u32>;         // [outer, count, inner], or a dummy without PICKED
@group(0) @binding(3) var<storage, read_write> out: array<u32>;          // [outer, slabs, inner]

fn candidate(o: u32, k: u32, i: u32) -> u32 {
  if PICKED {
    return candidates[(o * params.count + k) * params.inner + i];
  }
  return k;
}

fn beats(value: $T, best: $T) -> bool {
  if unordered(best) || unordered(value) {
    return !unordered(best);
  }
  return select(value > best, value < best, SMALLEST);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.outer * params.slabs * params.inner {
    return;
  }
  let i = at % params.inner;
  let s = (at / params.inner) % params.slabs;
  let o = at / (params.inner * params.slabs);
  let begin = s * params.slab_size;
  var best = candidate(o, begin, i);
  var best_value = x[(o * params.length + best) * params.inner + i];
  for (var k = begin + 1u; k < min(begin + params.slab_size, params.count); k++) {
    let here = candidate(o, k, i);
    let value = x[(o * params.length + here) * params.inner + i];
    if beats(value, best_value) {
      best = here;
      best_value = value;
    }
  }
  out[at] = best;
}
