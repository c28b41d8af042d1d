// The cell of an Elman layer:  h_t = φ(gates + h_{t-1} · R), φ = tanh, or relu with RELU
// @use activation
override RELU: bool = false;
const GATES = 1u;
alias Gates = f32;
alias Weights = vec4f;                                                   // of four k

fn weights(at: u32) -> Weights {
  return weight(at);
}

fn product(h: vec4f, w: Weights) -> Gates {
  return dot(h, w);
}

fn cell(here: u32, before: u32, d: u32, j: u32, end: u32, z: Gates, h_before: f32, is_first: bool, is_last: bool) -> f32 {
  let pre = gates_inout[here * params.hidden + j] + z;
  return select(tanh_safe(pre), nan_or(pre, max(pre, 0.0)), RELU);
}
