// where: out = a where mask is not 0, else b; words are copied as they are. NumPy broadcasting: out has the dimensions
// n0..n5 (leading ones are 1), and mask, a and b are read by strides, 0 where they repeat. `base` is the element of the
// whole result that out[0] stands for; the skips (0, or `base` too) are the elements of the operands that are not bound.
// Grid: one invocation per element of out.
// @use grid
// @use index
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  size: u32, base: u32, base_m: u32, base_a: u32, base_b: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  m0: u32, m1: u32, m2: u32, m3: u32, m4: u32, m5: u32,
  a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32,
  b0: u32, b1: u32, b2: u32, b3: u32, b4: u32, b5: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> a: array<u32>;
@group(0) @binding(3) var<storage, read> b: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<u32>;          // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let i = index_in(params.base + index, params.n1, params.n2, vec3u(params.n3, params.n4, params.n5));
  if mask[place_of(i, vec3u(params.m0, params.m1, params.m2), vec3u(params.m3, params.m4, params.m5)) - params.base_m] != 0u {
    out[index] = a[place_of(i, vec3u(params.a0, params.a1, params.a2), vec3u(params.a3, params.a4, params.a5)) - params.base_a];
  } else {
    out[index] = b[place_of(i, vec3u(params.b0, params.b1, params.b2), vec3u(params.b3, params.b4, params.b5)) - params.base_b];
  }
}
