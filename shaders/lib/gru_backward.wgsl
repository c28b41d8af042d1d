// The gradient of a GRU's cell.
//   d_h = d_out_t + d_carry + d_gates_{t+1} · Rᵀ     (d_carry starts as d_h_n; the product is absent at a row's last step)
//   d_n = d_h·(1-z)·(1-n²);  d_z = d_h·(h_{t-1}-n)·z(1-z);  d_r = d_n·m·r(1-r);  d_m = d_n·r;   d_carry = d_h·z
// `gates_inout` (r, z, n) becomes (d_r, d_z, d_n), `m_inout` d_m; the recurrence's own gradients are (d_r, d_z, d_m). `saved` is h_{t-1}.
const GATES = 3u;
const MADE = 4u;                                                             // (d_r, d_z, d_m, d_n)
@group(0) @binding(7) var<storage, read_write> m_inout: array<vec4f>;       // [B·T rows, D·H]

fn d_product(here: u32, q: u32) -> vec4f {
  let quads = params.hidden / 4u;
  if q < 2u * quads {
    return gates_inout[here * 3u * quads + q];
  }
  return m_inout[here * quads + q - 2u * quads];
}

fn d_initial(end: u32, product: vec4f) {
  d_h_n_inout[end] += product;
}

// Writes a row's gradients.
fn keep(here: u32, k: u32, made: array<vec4f, MADE>) {
  let quads = params.hidden / 4u;
  let at = here * 3u * quads + k;
  gates_inout[at] = made[0];
  gates_inout[at + quads] = made[1];
  gates_inout[at + 2u * quads] = made[3];
  m_inout[here * quads + k] = made[2];
}

fn cell(here: u32, before: u32, k: u32, end: u32, product: vec4f, is_last: bool, is_first: bool) -> array<vec4f, MADE> {
  let quads = params.hidden / 4u;
  let at = here * quads + k;
  let gate = here * 3u * quads + k;
  let d_h = d_out_at(at) + d_h_n_inout[end] + select(product, vec4f(), is_last);
  let r_t = gates_inout[gate];
  let z = gates_inout[gate + quads];
  let n = gates_inout[gate + 2u * quads];
  let d_n = d_h * (1.0 - z) * (1.0 - n * n);
  let d_r = vanishing(d_n * m_inout[at] * r_t * (1.0 - r_t));
  let d_z = vanishing(d_h * (saved_at(at) - n) * z * (1.0 - z));
  let d_m = vanishing(d_n * r_t);
  d_h_n_inout[end] = vanishing(d_h * z);
  return array<vec4f, MADE>(d_r, d_z, d_m, vanishing(d_n));
}
