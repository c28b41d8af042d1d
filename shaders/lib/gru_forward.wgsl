// The cell of a GRU, the reset gate after the product as in PyTorch and cuDNN:
//   r, z = σ(gates + h_{t-1} · R);   m = h_{t-1} · R_m + b_m;   n = tanh(gates_n + r·m);   h_t = (1 - z)·n + z·h_{t-1}
// @use activation
const GATES = 3u;
alias Gates = vec3f;                                                     // (r, z, m) of a unit
alias Weights = mat3x4f;                                                 // of those gates, each for four k
@group(0) @binding(7) var<storage, read_write> m: array<f32>;            // [B·T rows, D·H]
@group(0) @binding(8) var<storage, read> bias_m: array<f32>;             // [D, H]

fn weights(at: u32) -> Weights {
  return Weights(weight(at), weight(at + 8u), weight(at + 16u));
}

fn product(h: vec4f, w: Weights) -> Gates {
  return h * w;
}

fn cell(here: u32, before: u32, d: u32, j: u32, end: u32, sum: Gates, h_before: f32, is_first: bool, is_last: bool) -> f32 {
  let units = params.hidden;
  let at = here * 3u * units + j;
  let r_t = sigmoid(gates_inout[at] + sum.x);
  let z = sigmoid(gates_inout[at + units] + sum.y);
  let m_t = sum.z + bias_m[d * units + j];
  let n = tanh_safe(gates_inout[at + 2u * units] + r_t * m_t);
  gates_inout[at] = r_t;
  gates_inout[at + units] = z;
  gates_inout[at + 2u * units] = n;
  m[here * units + j] = m_t;
  return (1.0 - z) * n + z * h_before;
}
