// What the forward kernels of the recurrence share: their bindings, and the end of a step once its product is made.
// `h_prev` holds the state that each step starts from; its first step's rows are given. Past the end of a row (t >= length) the
// state is carried over unchanged and the output is 0. Direction 1 runs over t from the last to the first.
// WGSL lets a write to one component of a vector touch the others: the kernels gather the states of four units, and one invocation
// writes them to `h_prev` as a whole.
// @use recurrent
@group(0) @binding(3) var<storage, read_write> gates_inout: array<f32>;  // [B·T rows, D, G, H]: x·W + b before, activations after
@group(0) @binding(4) var<storage, read_write> h_prev: array<vec4f>;     // [B·T rows, D·H]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;          // [B·T rows, D·H]
@group(0) @binding(6) var<storage, read_write> h_n: array<f32>;          // [D, B, H]; rows without steps keep theirs

fn time_of(step: u32, d: u32) -> u32 {
  return select(step, params.time - 1u - step, d == 1u);
}

// The state of unit j that row b's step starts from.
fn state_before(step: u32, b: u32, d: u32, j: u32) -> f32 {
  let at = place(b, time_of(step, d), d) * params.hidden + j;
  return h_prev[at / 4u][at % 4u];
}

// Row b's step of unit j, from the product z and the state before: writes all but the state after, and returns that.
fn end_step(step: u32, b: u32, d: u32, j: u32, z: Gates, before: f32) -> f32 {
  let t = time_of(step, d);
  let here = place(b, t, d);
  let length = length_of(b);
  let at = here * params.hidden + j;
  if t >= length {
    out[at] = 0.0;
    return before;
  }
  let is_first = select(t == 0u, t + 1u == length, d == 1u);
  let is_last = select(t + 1u == length, t == 0u, d == 1u);
  let end = (d * params.batch + b) * params.hidden + j;
  let made = cell(here, place(b, select(t - 1u, t + 1u, d == 1u), d), d, j, end, z, before, is_first, is_last);
  let h = select(0.0, made, j < params.units);
  out[at] = h;
  if is_last {
    h_n[end] = h;
  }
  return h;
}

// Hands the states of units 4q..4q+3 to row b's next step, if there is one.
fn hand_on(step: u32, b: u32, d: u32, q: u32, h: vec4f) {
  if step + 1u < params.time {
    h_prev[place(b, time_of(step + 1u, d), d) * (params.hidden / 4u) + q] = h;
  }
}
