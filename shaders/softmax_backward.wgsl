// softmax_backward: d_x = y · (d_y - Σ d_y · y) along one axis; with LOG (y is log softmax): d_x = d_y - exp(y) · Σ d_y.
// Layout and grid as in softmax.
// @variants FORM single group
// @use grid
// @use rows_$FORM
// @use exponent_sum
override LOG: bool = false;
struct Params { rows: u32, length: u32, inner: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> d_y: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>;

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

  var part = 0.0;
  for (var at = begin; at < end; at += step) {
    if LOG {
      part += d_y[at];
    } else {
      part += d_y[at] * y[at];
    }
  }
  give_part(0u, lane, vec4f(part, 0.0, 0.0, 0.0));
  var total = 0.0;
  for (var l = 0u; l < LANES; l++) {
    total += part_of(0u, l).x;
  }
  for (var at = begin; at < end; at += step) {
    if LOG {
      d_x[at] = d_y[at] - nan_or(y[at], exp_below(y[at])) * total;
    } else {
      d_x[at] = y[at] * (d_y[at] - total);
    }
  }
}
