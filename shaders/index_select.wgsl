// index_select: out[o, n, i] = x[o, index[n], i]; words are copied as they are.
// x is bound from row `base_in` on, `count_in` of `length` rows (with `outer` > 1 all of them): of a table over the
// binding limit each window has only its rows written. out and index count from `base_out`.
// An index past `length` (one born on the GPU that nobody could check) gives NaN.
// Grid: one invocation per `run` elements of a row of out (1 on GPUs, more on CPU drivers, which like fat invocations),
// an element being four words in the vec4 form (inner % 4 == 0).
// @variants T u32 vec4u
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { outer: u32, count: u32, inner: u32, length: u32, base_in: u32, count_in: u32, base_out: u32, run: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<$T>;                   // [outer, count_in, inner]
@group(0) @binding(3) var<storage, read_write> out: array<$T>;           // [outer, count, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  let runs = (params.inner + params.run - 1u) / params.run;
  let n = at / runs;
  if n >= params.outer * params.count {
    return;
  }
  let begin = (at - n * runs) * params.run;
  let o = n / params.count;
  let id = index[params.base_out + n - o * params.count];
  let row = id - params.base_in; // wraps around, and so past count_in, for rows before
  let source = (o * params.count_in + row) * params.inner;
  for (var i = begin; i < min(begin + params.run, params.inner); i++) {
    if row < params.count_in {
      out[n * params.inner + i] = x[source + i];
    } else if id >= params.length {
      out[n * params.inner + i] = $T(0x7fc00000u);
    }
  }
}
