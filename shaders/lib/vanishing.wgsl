// Gradients that have vanished over many steps become 0 before they become subnormal: a product that meets a subnormal number
// takes some forty times as long on a CPU, and 1e-25 of anything changes no parameter.
// NaN and infinities have the largest bits of all, and stay.
fn vanishing(v: vec4f) -> vec4f {
  return select(v, vec4f(), (bitcast<vec4i>(v) & vec4i(0x7fffffff)) < vec4i(0x15f79688));   // |v| < 1e-25
}
