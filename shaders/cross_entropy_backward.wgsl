// cross_entropy_backward: scales the gradient of every row, in place, by that of its loss: d_logits *= d_loss[row], or, where
// the losses were reduced, d_logits *= d_loss[0] * totals[1] (see cross_entropy_total).
// What is 0 stays 0: a row that is ignored, or another class of nllLoss, has no part in the loss.
// Grid: one invocation per four elements of d_logits.
// @use grid
override REDUCED: bool = true;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, classes: u32, base: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d_loss: array<f32>;             // [1], or [total rows] without REDUCED
@group(0) @binding(2) var<storage, read> totals: array<f32>;             // [2], or a dummy without REDUCED
@group(0) @binding(3) var<storage, read_write> d_logits_inout: array<f32>;

fn scaled(d: f32, scale: f32) -> f32 {
  return select(d * scale, 0.0, d == 0.0);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let begin = 4u * (linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane);
  let end = min(begin + 4u, params.size);
  if REDUCED {
    let scale = d_loss[0] * totals[1];
    for (var at = begin; at < end; at++) {
      d_logits_inout[at] = scaled(d_logits_inout[at], scale);
    }
  } else {
    for (var at = begin; at < end; at++) {
      d_logits_inout[at] = scaled(d_logits_inout[at], d_loss[params.base + at / params.classes]);
    }
  }
}
