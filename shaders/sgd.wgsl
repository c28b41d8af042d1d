// sgd: one step of stochastic gradient descent, in PyTorch's order of operations:
//   g ← g + l2·θ;   MOMENTUM: b ← keep·b + take·g, then g ← NESTEROV ? g + momentum·b : b;   θ ← θ - lr·g
// keep = momentum and take = 1 - dampening, but 0 and 1 in the first step of a buffer.
// Forms of the gradient, grid and layout: lib/update_dense, lib/update_rows.
// @variants FORM,form,unit dense,dense,vec4f rows,rows,f32 rows_vec4,rows,vec4f
alias Unit = $unit;
// @use update_$form
override MOMENTUM: bool = false;
override NESTEROV: bool = false;
struct Hyper { lr: f32, l2: f32, keep: f32, take: f32, momentum: f32 }
@group(0) @binding(30) var<storage, read_write> momentum_buffer: array<Unit>;    // b, with MOMENTUM

fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit {
  var g = select(gradient + h.l2 * value, gradient, h.l2 == 0.0);   // 0 times infinity is none
  if MOMENTUM {
    let b = h.keep * momentum_buffer[at] + h.take * g;
    momentum_buffer[at] = b;
    if NESTEROV {
      g += h.momentum * b;
    } else {
      g = b;
    }
  }
  return value - h.lr * g;
}
