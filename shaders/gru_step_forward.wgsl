// gru_step_forward: one time step of a GRU layer, all directions, with the reset gate after the product as in PyTorch and cuDNN.
//   r, z = σ(gates_{r,z} + h_{t-1} · R_{r,z});   m = gates_m + h_{t-1} · R_m;   n = tanh(gates_n + r · m);   h_t = (1 - z)·n + z·h_{t-1}
// `gates_inout` holds x·W + b in the slots (r, z, n, m), m starting from the recurrent bias alone, and is overwritten with the
// activated (r, z, n) and m: all that the backward pass needs beside the states.
// Past the end of a row (t >= length) the state is carried over unchanged and the output is 0.
// The states alternate between the two halves of h_inout. Rows of the sequence lie at b·stride_b + t·stride_t.
// Direction 1 runs over t from the last to the first.
// Grid: x covers units (64 per workgroup), y the directions, z the batch (4 rows per invocation).
// @use grid
// @use activation
override RAGGED: bool = false;
struct Params { batch: u32, time: u32, hidden: u32, directions: u32, stride_b: u32, stride_t: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;                  // [B]; a dummy without RAGGED
@group(0) @binding(2) var<storage, read> r: array<vec4f>;                      // [D, H(k), H(j)] of (r, z, n, m)
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;      // [B·T rows, D, H] of (r, z, n, m)
@group(0) @binding(4) var<storage, read_write> h_inout: array<f32>;            // [2, D, B, H]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;                // [B·T rows, D·H]

fn finish(d: u32, b: u32, j: u32, t: u32, before: f32, pre: vec4f) {
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
  let r_t = sigmoid(pre.x);
  let z = sigmoid(pre.y);
  let n = tanh_safe(pre.z + r_t * pre.w);
  let h_t = (1.0 - z) * n + z * before;
  gates_inout[row * width + column] = vec4f(r_t, z, n, pre.w);
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
  var g$n = gates_inout[(b$n * params.stride_b + t * params.stride_t) * width + d * params.hidden + j];
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
