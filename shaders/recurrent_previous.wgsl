// recurrent_previous: out[row(b, t), d, j] = the hidden state that step t of row b started from: the output of the step before
// in the direction's own order, or h0 at its first step. What the gradient of the recurrent weights multiplies.
// Past the end of a row (t >= length) it is 0. Rows of the sequence lie at b·stride_b + t·stride_t.
// Grid: one invocation per element of out.
// @use grid
override RAGGED: bool = false;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, batch: u32, time: u32, hidden: u32, directions: u32, stride_b: u32, stride_t: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;            // [B]; a dummy without RAGGED
@group(0) @binding(2) var<storage, read> h: array<f32>;                  // [B·T rows, D·H]
@group(0) @binding(3) var<storage, read> h0: array<f32>;                 // [D, B, H]
@group(0) @binding(4) var<storage, read_write> out: array<f32>;          // [B·T rows, D·H]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let width = params.directions * params.hidden;
  let column = index % width;
  let d = column / params.hidden;
  let place = index / width;
  let t = place % params.time;
  let b = place / params.time;
  var length = params.time;
  if RAGGED {
    length = lengths[b];
  }
  let row = b * params.stride_b + t * params.stride_t;
  var value = 0.0;
  if t < length {
    if (d == 0u && t == 0u) || (d == 1u && t + 1u == length) {
      value = h0[(d * params.batch + b) * params.hidden + column % params.hidden];
    } else if d == 0u {
      value = h[(row - params.stride_t) * width + column];
    } else {
      value = h[(row + params.stride_t) * width + column];
    }
  }
  out[row * width + column] = value;
}
