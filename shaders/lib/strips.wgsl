// How kernels walk arrays of vec4s: an invocation takes a strip, vec4s WORKGROUP_SIZE apart; a workgroup `strip` times its size.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;

struct Strip { begin: u32, end: u32 }

// The strip of invocation `lane` of a workgroup; `units` vec4s are there.
fn strip_of(group: u32, lane: u32, strip: u32, units: u32) -> Strip {
  let span = WORKGROUP_SIZE * strip;
  return Strip(group * span + lane, min((group + 1u) * span, units));
}
