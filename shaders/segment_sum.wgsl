// segment_sum: out[o, target, i] (+)= Σ_k x[o, position(k), i] for k in begin .. end, in order, for each span.
// The transpose of index_select without atomics: the host sorts positions by id, cuts them into spans, and every span is
// summed by one invocation per element. `index` holds the positions from `positions_at` on, and the spans as triples
// (begin, end, target) from `spans_at` on. With `direct`, position(k) = k.
// x and out are bound from `base_in` and `base_out` on (with `outer` > 1 whole). A later window of x, or `accumulate`,
// adds to what out holds: the order of the additions is the same however many windows there are.
// With `run` < 2³² - 1 the spans are longer than a run of that many positions, and a sum is made of the sums of runs: the bits of
// further runs summed apart, and folded in order.
// Grid: one invocation per element of [outer, spans, inner], an element being four words in the vec4 form.
// @variants T f32 vec4f
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  outer: u32, spans: u32, inner: u32, spans_at: u32, positions_at: u32, direct: u32, accumulate: u32,
  base_in: u32, count_in: u32, base_out: u32, count_out: u32, run: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<$T>;                   // [outer, count_in, inner]
@group(0) @binding(3) var<storage, read_write> out: array<$T>;           // [outer, count_out, inner]

// Row of x that stands at k, counted from the first that is bound.
fn source_of(k: u32) -> u32 {
  var position = k;
  if params.direct == 0u {
    position = index[params.positions_at + k];
  }
  return position - params.base_in; // wraps around, and so past count_in, for rows before
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.outer * params.spans * params.inner {
    return;
  }
  let n = at / params.inner;
  let i = at - n * params.inner;
  let o = n / params.spans;
  let span = params.spans_at + 3u * (n - o * params.spans);
  let row = index[span + 2u] - params.base_out; // wraps around, and so past count_out, for rows before
  if row >= params.count_out {
    return;
  }
  let place = (o * params.count_out + row) * params.inner + i;
  var sum = $T();
  if params.accumulate != 0u {
    sum = out[place];
  }
  let end = index[span + 1u];
  var begin = index[span];
  var stop = begin + min(params.run, end - begin);
  for (var k = begin; k < stop; k++) {
    let source = source_of(k);
    if source < params.count_in {
      sum += x[(o * params.count_in + source) * params.inner + i];
    }
  }
  while stop < end {
    begin = stop;
    stop = begin + min(params.run, end - begin);
    var further = $T();
    for (var k = begin; k < stop; k++) {
      let source = source_of(k);
      if source < params.count_in {
        further += x[(o * params.count_in + source) * params.inner + i];
      }
    }
    sum += further;
  }
  out[place] = sum;
}
