// layer_norm_backward: d_x = rstd · (g - mean(g) - x̂ · mean(g · x̂)) with g = d_y · weight, x̂ = (x - mean) · rstd.
// Layout and grid as in layer_norm.
// @variants FORM single group
// @use grid
// @use rows_$FORM
override HAS_WEIGHT: bool = false;
struct Params { rows: u32, width: u32, base: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;             // [width], or a dummy without HAS_WEIGHT
@group(0) @binding(3) var<storage, read> stats: array<f32>;              // [total rows, 2]
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = row_index(linear_group(workgroup_id, num_workgroups), lane);
  if row >= params.rows {
    return;
  }
  let base = row * params.width;
  let begin = base + row_lane(lane);
  let end = base + params.width;
  let mean = stats[2u * (params.base + row)];
  let rstd = stats[2u * (params.base + row) + 1u];

  var sum = vec2f();
  for (var at = begin; at < end; at += LANES) {
    var g = d_y[at];
    if HAS_WEIGHT {
      g *= weight[at - base];
    }
    sum += vec2f(g, g * (x[at] - mean));
  }
  give_part(0u, lane, vec4f(sum, 0.0, 0.0));
  var total = vec2f();
  for (var l = 0u; l < LANES; l++) {
    total += part_of(0u, l).xy;
  }
  let mean_g = total.x / f32(params.width);
  let slope = total.y * rstd * rstd / f32(params.width);

  for (var at = begin; at < end; at += LANES) {
    var g = d_y[at];
    if HAS_WEIGHT {
      g *= weight[at - base];
    }
    d_x[at] = rstd * (g - mean_g - (x[at] - mean) * slope);
  }
}
