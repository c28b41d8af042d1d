// dropout: y = x · scale where the element's random word is at least `threshold`, else 0. The backward pass is the same
// kernel on d_y: the mask is computed again, never stored.
// The word of element i is number i % 2 of Threefry2x32-20 under the generator's key and the counter (i / 2, call), so the
// mask depends on no tiling. The key is data, not a parameter: a recorded step draws new numbers when it is overwritten.
// x[0] is element `base` of the whole, a multiple of 4.
// Grid: one invocation per four elements.
// @use grid
// @use random
override WORKGROUP_SIZE: u32 = 64u;
struct Params { size: u32, base: u32, call: u32, threshold: u32, scale: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key: array<u32>;                // [2]
@group(0) @binding(2) var<storage, read> x: array<f32>;                  // [size]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;            // [size]

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let begin = 4u * (linear_group(workgroup_id, num_workgroups) * WORKGROUP_SIZE + lane);
  if begin >= params.size {
    return;
  }
  let both = vec2u(key[0], key[1]);
  let pair = (params.base + begin) / 2u;
  let words = vec4u(threefry2x32(both, vec2u(pair, params.call)), threefry2x32(both, vec2u(pair + 1u, params.call)));
  for (var i = 0u; i < min(4u, params.size - begin); i++) {
    y[begin + i] = select(0.0, x[begin + i] * params.scale, words[i] >= params.threshold);
  }
}
