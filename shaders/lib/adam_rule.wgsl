// One step of Adam for one Unit, shared by the kernels that update all of a parameter and rows of it; the formula is in adam.
override AMSGRAD: bool = false;
// The complements are made on the host: 1 - β2 in f32 would be off by 5e-5 of itself.
struct Hyper {
  decay: f32, l2: f32, beta1: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32,
  step_size: f32, bias2_sqrt: f32, eps: f32,
}
struct State { m: Unit, v: Unit, largest: Unit }

// The moments of a row without gradients decay until they are subnormal and would stay so; a product that meets a subnormal number
// takes some forty times as long on a CPU.
fn normal_or_zero(v: Unit) -> Unit {
  return select(v, Unit(), abs(v) < Unit(1.2e-38));
}

fn next(s: State, gradient: Unit, decayed: Unit, h: Hyper) -> State {
  let g = select(gradient + h.l2 * decayed, gradient, h.l2 == 0.0);   // 0 times infinity is none
  let m = normal_or_zero(h.beta1 * s.m + h.one_minus_beta1 * g);
  let v = normal_or_zero(h.beta2 * s.v + h.one_minus_beta2 * g * g);
  if AMSGRAD {
    return State(m, v, max(s.largest, v));
  }
  return State(m, v, v);
}

// What a step takes off the parameter.
fn change(s: State, h: Hyper) -> Unit {
  return h.step_size * s.m / (sqrt(s.largest) / h.bias2_sqrt + h.eps);
}
