// layer_norm: y = (x - mean) · rstd · weight + bias along the last axis, rstd = 1 / sqrt(variance + eps), variance biased.
// The variance is taken from the differences to the mean, in a pass of its own: no cancellation.
// Layout: x, y [rows, width]; stats [total rows, 2] keeps mean and rstd; rows here are base .. of the whole.
// Grid: FORM single: one invocation per row; FORM group: one workgroup per row.
// @variants FORM single group
// @use grid
// @use rows_$FORM
override HAS_WEIGHT: bool = false;
override HAS_BIAS: bool = false;
struct Params { rows: u32, width: u32, base: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;             // [width], or a dummy without HAS_WEIGHT
@group(0) @binding(3) var<storage, read> bias: array<f32>;               // [width], or a dummy without HAS_BIAS
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = row_index(linear_group(workgroup_id, num_workgroups), lane);
  if row >= params.rows {
    return;
  }
  let base = row * params.width;
  let begin = base + row_lane(lane);
  let end = base + params.width;
  let count = f32(params.width);

  // Four interleaved sums: independent adds, and fewer roundings in a row.
  var sum = vec4f();
  var at = begin;
  for (; at + 3u * LANES < end; at += 4u * LANES) {
    sum += vec4f(x[at], x[at + LANES], x[at + 2u * LANES], x[at + 3u * LANES]);
  }
  for (; at < end; at += LANES) {
    sum.x += x[at];
  }
  give_part(0u, lane, sum);
  var total = vec4f();
  for (var l = 0u; l < LANES; l++) {
    total += part_of(0u, l);
  }
  let mean = ((total.x + total.y) + (total.z + total.w)) / count;

  sum = vec4f();
  at = begin;
  for (; at + 3u * LANES < end; at += 4u * LANES) {
    let d = vec4f(x[at], x[at + LANES], x[at + 2u * LANES], x[at + 3u * LANES]) - vec4f(mean);
    sum += d * d;
  }
  for (; at < end; at += LANES) {
    let d = x[at] - mean;
    sum.x += d * d;
  }
  give_part(1u, lane, sum);
  total = vec4f();
  for (var l = 0u; l < LANES; l++) {
    total += part_of(1u, l);
  }
  let rstd = 1.0 / sqrt(((total.x + total.y) + (total.z + total.w)) / count + params.eps);

  for (at = begin; at < end; at += LANES) {
    var v = (x[at] - mean) * rstd;
    if HAS_WEIGHT {
      v *= weight[at - base];
    }
    if HAS_BIAS {
      v += bias[at - base];
    }
    y[at] = v;
  }
  if row_lane(lane) == 0u {
    stats[2u * (params.base + row)] = mean;
    stats[2u * (params.base + row) + 1u] = rstd;
  }
}
