// ceiling_texels: how fast an adapter reads texels, in the way of the `_texel` kernels; 16 bytes moved per texel.
// Grid: one invocation per 32 texels, whose sum it stores; a workgroup's 8 neighbours read neighbours.
// @use grid
// @use texel
struct Params { size: u32 }   // texels
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var x: texture_storage_2d<rgba32float, read>;      // [size]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;        // [size / 32]

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = linear_group(workgroup_id, num_workgroups);
  let first = group * 256u + lane;
  var sum = vec4f();
  // @repeat i 32
  sum += textureLoad(x, texel(first + ${i}u * 8u));
  // @end
  let index = group * 8u + lane;
  if index * 32u < params.size {
    out[index] = sum;
  }
}
