// @use activation
fn raise(x: f32, y: f32) -> f32 {
  return power(x, y);
}
