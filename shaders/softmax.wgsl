// softmax: y = exp(x - m) / Σ exp(x - m) along one axis, m the largest x; with LOG: y = x - m - log Σ exp(x - m).
// Layout: x, y [outer, length, inner]; a row is the `length` elements, `inner` apart, of one (outer, inner).
// An x more than 87 below the largest counts as 0 exactly.
// Grid: FORM single: one invocation per row; FORM group: one workgroup per row.
// @variants FORM single group
// @use grid
// @use rows_$FORM
// @use exponent_sum
override LOG: bool = false;
struct Params { rows: u32, length: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = row_index(linear_group(workgroup_id, num_workgroups), lane);
  if row >= params.rows {
    return;
  }
  let base = row / params.inner * (params.length * params.inner) + row % params.inner;
  let step = LANES * params.inner;
  let end = base + params.length * params.inner;
  let begin = base + row_lane(lane) * params.inner;

  var sum = NOTHING;
  var at = begin;
  for (; at + 3u * step < end; at += 4u * step) {
    sum = exponents_with(sum, vec4f(x[at], x[at + step], x[at + 2u * step], x[at + 3u * step]));
  }
  for (; at < end; at += step) {
    sum = exponents_joined(sum, vec2f(x[at], 1.0));
  }
  give_part(0u, lane, vec4f(sum, 0.0, 0.0));
  var total = NOTHING;
  for (var l = 0u; l < LANES; l++) {
    total = exponents_joined(total, part_of(0u, l).xy);
  }

  let m = total.x;
  let log_sum = nan_or(total.y, log(total.y));
  let scale = 1.0 / total.y;
  for (at = begin; at < end; at += step) {
    let d = x[at] - m;
    if LOG {
      y[at] = d - log_sum;
    } else {
      y[at] = exp_below(d) * scale;
    }
  }
}
