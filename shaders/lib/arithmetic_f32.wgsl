// What floats do otherwise than integers.
// @use power
// @use order_f32
fn raise(x: f32, y: f32) -> f32 {
  return power(x, y);
}
