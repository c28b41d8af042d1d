// @use order_i32
// Whole powers, modulo 2^32; a negative exponent gives what integers hold of 1 / x^-y: 0, but for 1 and -1 (0 of 0, as PyTorch).
fn raise(x: i32, y: i32) -> i32 {
  if y < 0 {
    if x != 1 && x != -1 {
      return 0;
    }
    return select(1, x, (y & 1) == 1);
  }
  var result = 1;
  var square = x;
  for (var left = y; left > 0; left >>= 1u) {
    if (left & 1) == 1 {
      result *= square;
    }
    square *= square;
  }
  return result;
}
