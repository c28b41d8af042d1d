// link_equal: links[n] = the next position after n that holds the same id, or `count`; bit 31 is set where an earlier
// position holds it already, and where the id is `skip` or past `length`. Chains of equal ids, for ids born on the GPU.
// Grid: one invocation per id; each walks the ids, so the work grows with the square of their number.
// @use grid
override WORKGROUP_SIZE: u32 = 64u;
struct Params { count: u32, length: u32, skip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;                // [count]
@group(0) @binding(2) var<storage, read_write> links: array<u32>;        // [count]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if n >= params.count {
    return;
  }
  let id = ids[n];
  var first = id < params.length && id != params.skip;
  for (var k = 0u; first && k < n; k++) {
    first = ids[k] != id;
  }
  var next = n + 1u;
  while next < params.count && ids[next] != id {
    next++;
  }
  links[n] = next | select(0x80000000u, 0u, first);
}
