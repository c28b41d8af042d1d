// @use order_u32
// Whole powers, modulo 2^32.
fn raise(x: u32, y: u32) -> u32 {
  var result = 1u;
  var square = x;
  for (var left = y; left > 0u; left >>= 1u) {
    if (left & 1u) == 1u {
      result *= square;
    }
    square *= square;
  }
  return result;
}
