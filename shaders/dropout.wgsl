// dropout: y = x · scale where the element's random word is at least `threshold`, else x · 0. The backward pass is the same
// kernel on d_y: the mask is computed again, never stored.
// The word of element i is number i % 2 of Threefry2x32-20 under the generator's key and the counter (i / 2, call), so the
// mask depends on no tiling. The key is data, not a parameter: a recorded step draws new numbers when it is overwritten.
// x[0] is element `base` of the whole, a multiple of 4.
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of y.
// @use strips
// @use random
struct Params { size: u32, base: u32, call: u32, threshold: u32, scale: f32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key: array<u32>;                // [2]
@group(0) @binding(2) var<storage, read> x: array<vec4f>;                // [size] in vec4s
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;          // [size] in vec4s

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  let both = vec2u(key[0], key[1]);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    let pair = params.base / 2u + 2u * at;
    let words = vec4u(threefry2x32(both, vec2u(pair, params.call)), threefry2x32(both, vec2u(pair + 1u, params.call)));
    y[at] = x[at] * select(vec4f(), vec4f(params.scale), words >= vec4u(params.threshold));
  }
}
