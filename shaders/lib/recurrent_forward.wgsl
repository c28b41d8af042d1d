// What the forward kernels of the recurrence share: their bindings, and the end of a step once its product is made.
// `h_prev` holds the state that each step starts from; its first step's rows are given. Past the end of a row (t >= length) the
// state is carried over unchanged and the output is 0. Direction 1 runs over t from the last to the first.
// @use recurrent
@group(0) @binding(3) var<storage, read_write> gates_inout: array<f32>;  // [B·T rows, D, G, H]: x·W + b before, activations after
@group(0) @binding(4) var<storage, read_write> h_prev: array<vec4f>;     // [B·T rows, D·H]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;          // [B·T rows, D·H]
@group(0) @binding(6) var<storage, read_write> h_n: array<f32>;          // [D, B, H]; rows without steps keep theirs

// Where h_t of unit j and the workgroup's row i goes: `rows` rows side by side, the halves of `state` in turn.
fn hand_on(step: u32, rows: u32, i: u32, j: u32, h: f32) {
  if HANDOVER == 2u {
    state[(((step + 1u) & 1u) * (params.hidden / 4u) + j / 4u) * rows + i][j % 4u] = h;
  }
}

fn end_step(step: u32, rows: u32, i: u32, b: u32, d: u32, j: u32, z: Gates) {
  let t = select(step, params.time - 1u - step, d == 1u);
  let here = place(b, t, d);
  let length = length_of(b);
  let at = here * params.hidden + j;
  var h = 0.0;
  if t < length {
    let is_first = select(t == 0u, t + 1u == length, d == 1u);
    let is_last = select(t + 1u == length, t == 0u, d == 1u);
    let end = (d * params.batch + b) * params.hidden + j;
    h = cell(here, place(b, select(t - 1u, t + 1u, d == 1u), d), d, j, end, z, is_first, is_last);
    out[at] = h;
    if is_last {
      h_n[end] = h;
    }
  } else {
    h = h_prev[at / 4u][at % 4u];
    out[at] = 0.0;
  }
  if step + 1u < params.time {
    let next = place(b, select(t + 1u, t - 1u, d == 1u), d) * params.hidden + j;
    h_prev[next / 4u][next % 4u] = h;
  }
  hand_on(step, rows, i, j, h);
}
