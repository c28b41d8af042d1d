// The cell of an LSTM:  i, f, o = σ(gates + h_{t-1} · R);  g = tanh(…);  c_t = f·c_{t-1} + i·g;  h_t = o·tanh(c_t)
// @use activation
const GATES = 4u;
alias Gates = vec4f;                                                     // (i, f, g, o) of a unit
alias Weights = mat4x4f;                                                 // of those gates, each for four k
@group(0) @binding(7) var<storage, read_write> c: array<f32>;            // [B·T rows, D·H]
@group(0) @binding(8) var<storage, read_write> c_n_inout: array<f32>;    // [D, B, H]; c_0 before

fn weights(at: u32) -> Weights {
  return Weights(weight(at), weight(at + 8u), weight(at + 16u), weight(at + 24u));
}

fn product(h: vec4f, w: Weights) -> Gates {
  return h * w;
}

fn cell(here: u32, before: u32, d: u32, j: u32, end: u32, z: Gates, h_before: f32, is_first: bool, is_last: bool) -> f32 {
  let n = params.hidden;
  let at = here * 4u * n + j;
  let i = sigmoid(gates_inout[at] + z.x);
  let f = sigmoid(gates_inout[at + n] + z.y);
  let g = tanh_safe(gates_inout[at + 2u * n] + z.z);
  let o = sigmoid(gates_inout[at + 3u * n] + z.w);
  gates_inout[at] = i;
  gates_inout[at + n] = f;
  gates_inout[at + 2u * n] = g;
  gates_inout[at + 3u * n] = o;
  var c_before = 0.0;
  if is_first {
    c_before = c_n_inout[end];
  } else {
    c_before = c[before * n + j];
  }
  let c_t = f * c_before + i * g;
  c[here * n + j] = c_t;
  if is_last {
    c_n_inout[end] = c_t;
  }
  return o * tanh_safe(c_t);
}
