// The gradient of an LSTM's cell.
//   d_h = d_out_t + d_gates_{t+1} · Rᵀ          (d_h_n instead of the product at a row's last step)
//   d_c = d_c + d_h · o · (1 - tanh²c_t);       d_gates_t = (d_c·g·i(1-i), d_c·c_{t-1}·f(1-f), d_c·i·(1-g²), d_h·tanh(c_t)·o(1-o))
//   d_c = d_c · f;   `saved` is c
// @use activation
const GATES = 4u;
const MADE = 4u;
@group(0) @binding(7) var<storage, read> c0: array<vec4f>;                  // [D, B, H]
@group(0) @binding(8) var<storage, read_write> d_c_inout: array<vec4f>;     // [D, B, H]

fn d_product(here: u32, q: u32) -> vec4f {
  return gates_inout[here * params.hidden + q];
}

fn d_initial(end: u32, product: vec4f) {
  d_h_n_inout[end] = product;
}

// Writes a row's gradients.
fn keep(here: u32, k: u32, made: array<vec4f, MADE>) {
  let quads = params.hidden / 4u;
  let at = here * params.hidden + k;
  gates_inout[at] = made[0];
  gates_inout[at + quads] = made[1];
  gates_inout[at + 2u * quads] = made[2];
  gates_inout[at + 3u * quads] = made[3];
}

fn cell(here: u32, before: u32, k: u32, end: u32, product: vec4f, is_last: bool, is_first: bool) -> array<vec4f, MADE> {
  let quads = params.hidden / 4u;
  let at = here * quads + k;
  var d_h = d_out_at(at);
  if is_last {
    d_h += d_h_n_inout[end];
  } else {
    d_h += product;
  }
  var c_before: vec4f;
  if is_first {
    c_before = c0[end];
  } else {
    c_before = saved_at(before * quads + k);
  }
  let gate = here * params.hidden + k;
  let i = gates_inout[gate];
  let f = gates_inout[gate + quads];
  let g = gates_inout[gate + 2u * quads];
  let o = gates_inout[gate + 3u * quads];
  let c_t = saved_at(at);
  let tanh_c = vec4f(tanh_safe(c_t.x), tanh_safe(c_t.y), tanh_safe(c_t.z), tanh_safe(c_t.w));
  let d_c = d_c_inout[end] + d_h * o * (1.0 - tanh_c * tanh_c);
  let made = array<vec4f, MADE>(
    vanishing(d_c * g * i * (1.0 - i)),
    vanishing(d_c * c_before * f * (1.0 - f)),
    vanishing(d_c * i * (1.0 - g * g)),
    vanishing(d_h * tanh_c * o * (1.0 - o)),
  );
  d_c_inout[end] = vanishing(d_c * f);
  return made;
}
