// sort: one pass of a merge sort of places along an axis. Without MERGES runs of `width` places are sorted, each element counting those
// before it; with it sorted runs of `width` become runs of twice as many, each element finding its place in the other run by halving.
// Equal elements keep their order; NaN is larger than all.
// Grid: one invocation per element, that writes one place.
// @variants T f32 i32 u32
// @use grid
// @use order_$T
override MERGES: bool = false;
override DESCENDING: bool = false;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, length: u32, inner: u32, width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<$T>;                   // [outer, length, inner] = [size]
@group(0) @binding(2) var<storage, read> order: array<u32>;              // [outer, length, inner]; read with MERGES
@group(0) @binding(3) var<storage, read_write> out: array<u32>;          // [outer, length, inner]

// Whether a comes before b whatever their places.
fn precedes(a: $T, b: $T) -> bool {
  if DESCENDING {
    return !unordered(b) && (unordered(a) || a > b);
  }
  return !unordered(a) && (unordered(b) || a < b);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let inner = params.inner;
  let place = (at / inner) % params.length;
  let base = at - place * inner;
  if !MERGES {
    let own = x[at];
    let begin = place - place % params.width;
    var rank = begin;
    for (var other = begin; other < min(begin + params.width, params.length); other++) {
      let value = x[base + other * inner];
      if precedes(value, own) || (other < place && !precedes(own, value)) {
        rank++;
      }
    }
    out[base + rank * inner] = place;
    return;
  }
  let begin = place - place % (2u * params.width);
  let middle = min(begin + params.width, params.length);
  let first = place < middle;
  let source = order[at];
  let own = x[base + source * inner];
  // How many of the other run come before: of the second run those that precede, of the first those that do not follow.
  var low = select(begin, middle, first);
  var high = select(middle, min(begin + 2u * params.width, params.length), first);
  let start = low;
  while low < high {
    let half = (low + high) / 2u;
    let value = x[base + order[base + half * inner] * inner];
    if select(!precedes(own, value), precedes(value, own), first) {
      low = half + 1u;
    } else {
      high = half;
    }
  }
  let before = low - start;
  let rank = select(begin + (place - middle), place, first) + before;
  out[base + rank * inner] = source;
}
