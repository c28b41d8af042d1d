// cumsum: out[o, k, i] = before[o, s - 1, i] + Σ x[o, j, i] over the j from the start of k's slab s to k, one slab after the other in
// `slab_size` places; REVERSE counts places from the end. TOTAL: out[o, s, i] is the sum of a whole slab instead.
// Grid: one invocation per (outer, slab, inner).
// @variants T f32 i32 u32
// @use grid
override REVERSE: bool = false;
override TOTAL: bool = false;
override CARRY: bool = false;   // whether there is a `before`
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, length: u32, inner: u32, slabs: u32, slab_size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<$T>;                   // [outer, length, inner]
@group(0) @binding(2) var<storage, read> before: array<$T>;              // [outer, slabs, inner] = [size]: sums up to the end of each slab
@group(0) @binding(3) var<storage, read_write> out: array<$T>;           // [outer, length, inner]; with TOTAL [outer, slabs, inner]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if at >= params.size {
    return;
  }
  let slab = (at / params.inner) % params.slabs;
  let outer = at / (params.inner * params.slabs);
  var sum = $T(0);
  if CARRY && slab > 0u {
    sum = before[at - params.inner];
  }
  for (var k = slab * params.slab_size; k < min((slab + 1u) * params.slab_size, params.length); k++) {
    let place = (outer * params.length + select(k, params.length - 1u - k, REVERSE)) * params.inner + at % params.inner;
    sum += x[place];
    if !TOTAL {
      out[place] = sum;
    }
  }
  if TOTAL {
    out[at] = sum;
  }
}
