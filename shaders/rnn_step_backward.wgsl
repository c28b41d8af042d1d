// rnn_step_backward: one time step of the gradient of an Elman layer, all directions, in the reverse of their own order.
//   d_h = d_out_t + d_gates_{t+1} · Rᵀ     (d_h_n instead of the product at a row's last step);   d_gates_t = d_h · φ'(h_t)
// Past the end of a row d_gates becomes 0. "t+1" is the step that the direction did next.
// With FINAL only d_h_0 = d_gates · Rᵀ of the first step is made, into d_h_n_inout.
// Grid: x covers units (64 per workgroup), y the directions, z the batch (4 rows per invocation).
// @use grid
// @use vanishing
override RAGGED: bool = false;
override RELU: bool = false;
override FINAL: bool = false;
struct Params { batch: u32, time: u32, hidden: u32, directions: u32, stride_b: u32, stride_t: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;                  // [B]; a dummy without RAGGED
@group(0) @binding(2) var<storage, read> r: array<f32>;                        // [D, H(j), H(k)]
@group(0) @binding(3) var<storage, read_write> d_gates_inout: array<f32>;      // [B·T rows, D·H]
@group(0) @binding(4) var<storage, read> h: array<f32>;                        // [B·T rows, D·H]
@group(0) @binding(5) var<storage, read> d_out: array<f32>;                    // [B·T rows, D·H]
@group(0) @binding(6) var<storage, read_write> d_h_n_inout: array<f32>;        // [D, B, H]

fn finish(d: u32, b: u32, k: u32, t: u32, is_last: bool, recurrent: f32) {
  let at = (b * params.stride_b + t * params.stride_t) * params.directions * params.hidden + d * params.hidden + k;
  var d_h = d_out[at];
  if is_last {
    d_h += d_h_n_inout[(d * params.batch + b) * params.hidden + k];
  } else {
    d_h += recurrent;
  }
  let h_t = h[at];
  d_gates_inout[at] = vanishing(vec4f(d_h * select(1.0 - h_t * h_t, select(0.0, 1.0, h_t > 0.0), RELU))).x;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let k = group.x * 64u + lane;
  let d = group.y;
  let first = group.z * 4u;
  if k >= params.hidden {
    return;
  }
  let width = params.directions * params.hidden;
  // @repeat n 4
  let b$n = min(first + ${n}u, params.batch - 1u);
  var length$n = params.time;
  if RAGGED {
    length$n = lengths[b$n];
  }
  var sum$n = 0.0;
  // @end
  // The direction's steps run 0..time-1 in `t` for d = 0 and the other way for d = 1; here they are undone.
  let t = select(params.time - 1u - params.step, params.step, d == 1u);
  // The row that the direction processed next: its d_gates are ready. With FINAL, the row it processed first.
  // @repeat n 4
  var next$n = b$n * params.stride_b + select(t + 1u, t - 1u, d == 1u) * params.stride_t;
  var has_next$n = select(t + 1u < length$n, t > 0u && t < length$n, d == 1u);
  if FINAL {
    next$n = b$n * params.stride_b + select(0u, length$n - 1u, d == 1u) * params.stride_t;
    has_next$n = length$n > 0u;
  }
  let base$n = select(0u, next$n * width + d * params.hidden, has_next$n);
  // @end
  if has_next0 || has_next1 || has_next2 || has_next3 {
    for (var j = 0u; j < params.hidden; j++) {
      let w = r[(d * params.hidden + j) * params.hidden + k];
      // @repeat n 4
      sum$n += d_gates_inout[base$n + j] * w;
      // @end
    }
  }
  // @repeat n 4
  if first + ${n}u < params.batch {
    if FINAL {
      if has_next$n {
        d_h_n_inout[(d * params.batch + b$n) * params.hidden + k] = sum$n;
      }
    } else if t < length$n {
      finish(d, b$n, k, t, !has_next$n, sum$n);
    } else {
      d_gates_inout[(b$n * params.stride_b + t * params.stride_t) * width + d * params.hidden + k] = 0.0;
    }
  }
  // @end
}
