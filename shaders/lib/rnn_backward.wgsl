// The gradient of an Elman layer's cell.
//   d_h = d_out_t + d_gates_{t+1} · Rᵀ     (d_h_n instead of the product at a row's last step);   d_gates_t = d_h · φ'(h_t)
// `saved` is h.
override RELU: bool = false;
const GATES = 1u;
const MADE = 1u;

fn d_product(here: u32, q: u32) -> vec4f {
  return gates_inout[here * (params.hidden / 4u) + q];
}

fn d_initial(end: u32, product: vec4f) {
  d_h_n_inout[end] = product;
}

// Writes a row's gradients.
fn keep(here: u32, k: u32, made: array<vec4f, MADE>) {
  gates_inout[here * (params.hidden / 4u) + k] = made[0];
}

fn cell(here: u32, before: u32, k: u32, end: u32, product: vec4f, is_last: bool, is_first: bool) -> array<vec4f, MADE> {
  let at = here * (params.hidden / 4u) + k;
  var d_h = d_out_at(at);
  if is_last {
    d_h += d_h_n_inout[end];
  } else {
    d_h += product;
  }
  let h_t = saved_at(at);
  // relu hands nothing back where it is 0, whatever comes; a NaN takes what comes
  let flat = (bitcast<vec4u>(h_t) & vec4u(0x7fffffffu)) == vec4u();
  let made = vanishing(select(d_h * (1.0 - h_t * h_t), select(d_h, vec4f(), flat), RELU));
  return array<vec4f, MADE>(made);
}
