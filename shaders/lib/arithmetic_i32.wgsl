// Whole powers by repeated multiplication; a negative exponent gives 0, as integer division would.
fn raise(x: i32, y: i32) -> i32 {
  var result = i32(y >= i32(0));
  for (var i = i32(0); i < y; i++) {
    result *= x;
  }
  return result;
}
