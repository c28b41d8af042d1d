// What floats do otherwise than integers: powers, and the slopes of powers (the last of BINARY in src/ops/pointwise.ts).
// @use power
// @use order_f32
fn raise(x: f32, y: f32) -> f32 {
  switch OP {
    case 7u: { return power_slope(x, y); }
    case 8u: { return exponent_slope(x, y); }
    default: { return power(x, y); }
  }
}
