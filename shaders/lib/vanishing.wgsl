// Gradients that have vanished over many steps become 0 before they become subnormal: a product that meets a subnormal number
// takes some forty times as long on a CPU, and 1e-25 of anything changes no parameter.
fn vanishing(v: vec4f) -> vec4f {
  return select(v, vec4f(), abs(v) < vec4f(1e-25));
}
