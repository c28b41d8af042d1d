// What the backward kernels of the recurrence share: their bindings, and the end of a step once its product is made.
// Steps go in the reverse of the directions' own order; "next" is the step that the direction did next, whose gradients are ready.
// `gates_inout` holds the activations and is overwritten with the gradients, row by row; past the end of a row they become 0.
// What a cell makes begins with what the recurrence reads of it, GATES of them.
// A step with index T makes d_h_0 alone, into `d_h_n_inout`. Units go four at a time.
// The kernels have what is only read, each in its own form: d_out_at(place), saved_at(place) of [B·T rows, D·H].
// @use recurrent
// @use vanishing
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;   // [B·T rows, D, G, H]
@group(0) @binding(5) var<storage, read_write> d_h_n_inout: array<vec4f>;   // [D, B, H]

struct Next { place: u32, is: bool }

// Where the gradients of row b's next step are; at its last step there are none. From the second step on the place is one that
// nobody writes to in this step, whether the row has a next step or not.
fn next_of(step: u32, b: u32, d: u32) -> Next {
  let length = length_of(b);
  let done = select(step, min(step, length), d == 1u);
  let t = select(params.time - done, max(done, 1u) - 1u, d == 1u);
  return Next(place(b, t, d), select(length > t, done > 0u, d == 1u));
}

fn end_step(step: u32, rows: u32, i: u32, b: u32, d: u32, k: u32, product: vec4f) {
  let quads = params.hidden / 4u;
  let end = (d * params.batch + b) * quads + k;
  let has_next = next_of(step, b, d).is;
  if step == params.time {
    if has_next {
      d_initial(end, product);
    }
    return;
  }
  let t = select(params.time - 1u - step, step, d == 1u);
  let here = place(b, t, d);
  let length = length_of(b);
  var made: array<vec4f, MADE>;
  if t < length {
    let is_first = select(t == 0u, t + 1u == length, d == 1u);
    made = cell(here, place(b, select(t - 1u, t + 1u, d == 1u), d), k, end, product, !has_next, is_first);
    for (var g = 0u; g < MADE; g++) {
      made[g] = select(vec4f(), made[g], vec4u(4u * k) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.units));
    }
    if HANDOVER == 2u {
      for (var g = 0u; g < GATES; g++) {
        state[(g * quads + k) * rows + i] = made[g];
      }
    }
  }
  keep(here, k, made);
}
