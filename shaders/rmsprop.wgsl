// rmsprop: one step of RMSprop (Tieleman & Hinton, lecture 6.5), centered after arXiv 1308.0850, in PyTorch's order:
//   g ← g + l2·θ;   s ← α·s + (1 - α)·g²;   CENTERED: a ← α·a + (1 - α)·g, r = √(s - a²) + eps, else r = √s + eps
//   MOMENTUM: b ← momentum·b + g / r, θ ← θ - lr·b;   else θ ← θ - lr·g / r
// s - a² is held at 0 from below, where rounding would make it negative and PyTorch's result NaN.
// Forms of the gradient, grid and layout: lib/update_dense, lib/update_rows.
// @variants FORM,form,unit dense,dense,vec4f rows,rows,f32 rows_vec4,rows,vec4f
alias Unit = $unit;
// @use update_$form
override CENTERED: bool = false;
override MOMENTUM: bool = false;
struct Hyper { lr: f32, l2: f32, alpha: f32, one_minus_alpha: f32, eps: f32, momentum: f32 }
@group(0) @binding(30) var<storage, read_write> square_avg: array<Unit>;         // s
@group(0) @binding(31) var<storage, read_write> grad_avg: array<Unit>;           // a, with CENTERED
@group(0) @binding(32) var<storage, read_write> momentum_buffer: array<Unit>;    // b, with MOMENTUM

fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit {
  let g = select(gradient + h.l2 * value, gradient, h.l2 == 0.0);   // 0 times infinity is none
  let s = h.alpha * square_avg[at] + h.one_minus_alpha * g * g;
  square_avg[at] = s;
  var variance = s;
  if CENTERED {
    let a = h.alpha * grad_avg[at] + h.one_minus_alpha * g;
    grad_avg[at] = a;
    let difference = s - a * a;
    variance = select(difference, Unit(), difference < Unit());
  }
  let root = sqrt(variance) + h.eps;
  if MOMENTUM {
    let b = h.momentum * momentum_buffer[at] + g / root;
    momentum_buffer[at] = b;
    return value - h.lr * b;
  }
  return value - h.lr * g / root;
}
