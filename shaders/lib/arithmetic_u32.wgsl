// Whole powers by repeated multiplication; a negative exponent gives 0, as integer division would.
fn raise(x: u32, y: u32) -> u32 {
  var result = u32(y >= u32(0));
  for (var i = u32(0); i < y; i++) {
    result *= x;
  }
  return result;
}
