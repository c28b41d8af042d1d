// What floats do otherwise than integers.
// @use order_f32
