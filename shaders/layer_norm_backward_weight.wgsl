// layer_norm_backward_weight: d_weight = Σ_rows d_y · x̂ and d_bias = Σ_rows d_y, for the rows of slab s only; the slabs are
// added by `reduce`. The cut into slabs follows from the shape alone.
// Grid: one invocation per (slab, column).
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { rows: u32, width: u32, base: u32, first_slab: u32, slabs: u32, slab_size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;                  // [rows, width]
@group(0) @binding(2) var<storage, read> stats: array<f32>;              // [total rows, 2]: mean, rstd
@group(0) @binding(3) var<storage, read> d_y: array<f32>;                // [rows, width]
@group(0) @binding(4) var<storage, read_write> d_weight: array<f32>;     // [all slabs, width]
@group(0) @binding(5) var<storage, read_write> d_bias: array<f32>;       // [all slabs, width]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.slabs * params.width {
    return;
  }
  let column = index % params.width;
  let first = index / params.width * params.slab_size;
  let end = min(first + params.slab_size, params.rows);
  var sum = vec2f();
  for (var row = first; row < end; row++) {
    let at = row * params.width + column;
    let stat = 2u * (params.base + row);
    let d = d_y[at];
    sum += vec2f(d * (x[at] - stats[stat]) * stats[stat + 1u], d);
  }
  let out = params.first_slab * params.width + index;
  d_weight[out] = sum.x;
  d_bias[out] = sum.y;
}
