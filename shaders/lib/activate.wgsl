// The activation in a product's epilogue: 0 none, 1 relu, 2 tanh, 3 sigmoid, 4 gelu (ACTIVATIONS in src/ops/gemm.ts).
// @use activation
override ACTIVATION: u32 = 0u;

fn activate(v: f32) -> f32 {
  switch ACTIVATION {
    case 1u: { return nan_or(v, max(v, 0.0)); }
    case 2u: { return tanh_safe(v); }
    case 3u: { return sigmoid(v); }
    case 4u: { return gelu(v); }
    default: { return v; }
  }
}
