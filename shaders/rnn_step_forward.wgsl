// rnn_step_forward: one time step of an Elman layer, all directions:  h_t = φ(gates + h_{t-1} · R), φ = tanh, or relu with RELU.
// `gates` holds x·W + b. What the backward pass needs is the output itself.
// Past the end of a row (t >= length) the state is carried over unchanged and the output is 0.
// The states alternate between the two halves of h_inout. Rows of the sequence lie at b·stride_b + t·stride_t.
// Direction 1 runs over t from the last to the first.
// Grid: x covers units (64 per workgroup), y the directions, z the batch (4 rows per invocation).
// @use grid
// @use activation
override RAGGED: bool = false;
override RELU: bool = false;
struct Params { batch: u32, time: u32, hidden: u32, directions: u32, stride_b: u32, stride_t: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;                  // [B]; a dummy without RAGGED
@group(0) @binding(2) var<storage, read> r: array<f32>;                        // [D, H(k), H(j)]
@group(0) @binding(3) var<storage, read> gates: array<f32>;                    // [B·T rows, D·H]
@group(0) @binding(4) var<storage, read_write> h_inout: array<f32>;            // [2, D, B, H]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;                // [B·T rows, D·H]

fn finish(d: u32, b: u32, j: u32, t: u32, before: f32, pre: f32) {
  let width = params.directions * params.hidden;
  let row = b * params.stride_b + t * params.stride_t;
  let column = d * params.hidden + j;
  let state = (d * params.batch + b) * params.hidden + j;
  let half = params.directions * params.batch * params.hidden;
  let after = ((params.step + 1u) & 1u) * half + state;
  if RAGGED && t >= lengths[b] {
    h_inout[after] = before;
    out[row * width + column] = 0.0;
    return;
  }
  let h_t = select(tanh_safe(pre), max(pre, 0.0), RELU);
  h_inout[after] = h_t;
  out[row * width + column] = h_t;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let j = group.x * 64u + lane;
  let d = group.y;
  let first = group.z * 4u;
  if j >= params.hidden {
    return;
  }
  let t = select(params.step, params.time - 1u - params.step, d == 1u);
  let width = params.directions * params.hidden;
  let half = params.directions * params.batch * params.hidden;
  let state = (params.step & 1u) * half + d * params.batch * params.hidden;
  // @repeat n 4
  let b$n = min(first + ${n}u, params.batch - 1u);
  var g$n = gates[(b$n * params.stride_b + t * params.stride_t) * width + d * params.hidden + j];
  // @end
  for (var k = 0u; k < params.hidden; k++) {
    let w = r[(d * params.hidden + k) * params.hidden + j];
    // @repeat n 4
    g$n += h_inout[state + b$n * params.hidden + k] * w;
    // @end
  }
  // @repeat n 4
  if first + ${n}u < params.batch {
    finish(d, b$n, j, t, h_inout[state + b$n * params.hidden + j], g$n);
  }
  // @end
}
