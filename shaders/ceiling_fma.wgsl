// ceiling_fma: what an adapter computes at most. Nothing but x ← x·a + b in registers, 8 chains an invocation, so that the
// latency of one hides behind the others: 2·16·8 operations an invocation and round, 16 steps of 8 chains.
// Grid: one invocation per element of `out`; the sum that it stores is there only to keep the chains alive.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, rounds: u32, a: f32, b: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  let a = params.a;
  let b = params.b;
  // @repeat c 8
  var x$c = f32(lane + ${c}u);
  // @end
  for (var round = 0u; round < params.rounds; round++) {
    // @repeat step 16
    // @repeat c 8
    x$c = fma(x$c, a, b);
    // @end
    // @end
  }
  if index < params.size {
    out[index] = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
  }
}
