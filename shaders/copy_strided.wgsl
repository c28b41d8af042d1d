// copy_strided: out[base_out + Σ i·t] = x[base_x + Σ i·s] for every index of the box n0..n5; words are copied as they are.
// Transposes, slices, concatenates, repeats (stride 0) and pads (into a cleared tensor).
// Grid: one invocation per element of the box.
// @use grid
// @use index
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  size: u32, base_x: u32, base_out: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  s0: u32, s1: u32, s2: u32, s3: u32, s4: u32, s5: u32,
  t0: u32, t1: u32, t2: u32, t3: u32, t4: u32, t5: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane;
  if index >= params.size {
    return;
  }
  let i = index_in(index, params.n1, params.n2, vec3u(params.n3, params.n4, params.n5));
  let source = params.base_x + place_of(i, vec3u(params.s0, params.s1, params.s2), vec3u(params.s3, params.s4, params.s5));
  let place = params.base_out + place_of(i, vec3u(params.t0, params.t1, params.t2), vec3u(params.t3, params.t4, params.t5));
  out[place] = x[source];
}
