// adam: one step of Adam (arXiv 1412.6980) or AdamW (arXiv 1711.05101), in PyTorch's order of operations:
//   θ ← decay·θ;   g ← g + l2·θ                          one of the two decays is off: decay = 1 or l2 = 0
//   m ← β1·m + (1 - β1)·g;   v ← β2·v + (1 - β2)·g²;     AMSGRAD: v̂ ← max(v̂, v), else v̂ = v
//   θ ← θ - step_size·m / (√v̂ / bias2_sqrt + eps)        step_size = lr / (1 - β1^t), bias2_sqrt = √(1 - β2^t)
// Forms of the gradient, grid and layout: lib/update_dense, lib/update_rows.
// @variants FORM,form,unit dense,dense,vec4f rows,rows,f32 rows_vec4,rows,vec4f
alias Unit = $unit;
// @use update_$form
override AMSGRAD: bool = false;
// The complements are made on the host: 1 - β2 in f32 would be off by 5e-5 of itself.
struct Hyper {
  decay: f32, l2: f32, beta1: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32,
  step_size: f32, bias2_sqrt: f32, eps: f32,
}
@group(0) @binding(30) var<storage, read_write> exp_avg: array<Unit>;            // m
@group(0) @binding(31) var<storage, read_write> exp_avg_sq: array<Unit>;         // v
@group(0) @binding(32) var<storage, read_write> max_exp_avg_sq: array<Unit>;     // v̂, with AMSGRAD

// The moments of a row without gradients decay until they are subnormal and would stay so; a product that meets a subnormal number
// takes some forty times as long on a CPU.
fn normal_or_zero(v: Unit) -> Unit {
  return select(v, Unit(), abs(v) < Unit(1.2e-38));
}

fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit {
  let decayed = h.decay * value;
  let g = select(gradient + h.l2 * decayed, gradient, h.l2 == 0.0);   // 0 times infinity is none
  let m = normal_or_zero(h.beta1 * exp_avg[at] + h.one_minus_beta1 * g);
  let v = normal_or_zero(h.beta2 * exp_avg_sq[at] + h.one_minus_beta2 * g * g);
  exp_avg[at] = m;
  exp_avg_sq[at] = v;
  var largest = v;
  if AMSGRAD {
    largest = max(max_exp_avg_sq[at], v);
    max_exp_avg_sq[at] = largest;
  }
  return decayed - h.step_size * m / (sqrt(largest) / h.bias2_sqrt + h.eps);
}
