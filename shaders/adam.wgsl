// adam: one step of Adam (arXiv 1412.6980) or AdamW (arXiv 1711.05101), in PyTorch's order of operations:
//   θ ← decay·θ;   g ← g + l2·θ                          one of the two decays is off: decay = 1 or l2 = 0
//   m ← β1·m + (1 - β1)·g;   v ← β2·v + (1 - β2)·g²;     AMSGRAD: v̂ ← max(v̂, v), else v̂ = v
//   θ ← θ - step_size·m / (√v̂ / bias2_sqrt + eps)        step_size = lr / (1 - β1^t), bias2_sqrt = √(1 - β2^t)
// Forms of the gradient, grid and layout: lib/update_dense, lib/update_chunk, lib/update_by_row.
// @variants FORM dense chunk rows rows_vec4
// @use update_$FORM
// @use adam_rule
@group(0) @binding(30) var<storage, read_write> exp_avg: array<Unit>;            // m
@group(0) @binding(31) var<storage, read_write> exp_avg_sq: array<Unit>;         // v
@group(0) @binding(32) var<storage, read_write> max_exp_avg_sq: array<Unit>;     // v̂, with AMSGRAD

fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit {
  var s = State(exp_avg[at], exp_avg_sq[at], Unit());
  if AMSGRAD {
    s.largest = max_exp_avg_sq[at];
  }
  let decayed = h.decay * value;
  s = next(s, gradient, decayed, h);
  exp_avg[at] = s.m;
  exp_avg_sq[at] = s.v;
  if AMSGRAD {
    max_exp_avg_sq[at] = s.largest;
  }
  return decayed - change(s, h);
}
