// The order of numbers with NaN in it, as PyTorch has it: NaN beats everything in `larger` and `smaller`, and compares with nothing.
// @use not_finite
fn unordered(v: f32) -> bool {
  return is_nan(v);
}

fn larger(x: f32, y: f32) -> f32 {
  return nan_or(x, nan_or(y, max(x, y)));
}

fn smaller(x: f32, y: f32) -> f32 {
  return nan_or(x, nan_or(y, min(x, y)));
}
