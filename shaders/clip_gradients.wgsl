// clip_gradients: g ← bound·g (CLAMP: g limited to -bound..bound), in place, for the gradients of several parameters: those of an
// arena in one binding, others in one each.
//   blocks[n] = (first vec4, elements, -, number of the binding)
// Grid: one workgroup a block.
// @use grid
// @use not_finite
const WORKGROUP_SIZE = 64u;
override CLAMP: bool = false;
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bound: array<f32>;              // [1]
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;           // [blocks]
// @repeat i 6
@group(0) @binding(1$i) var<storage, read_write> gradient_$i: array<vec4f>;
// @end

fn clipped(g: vec4f, b: f32) -> vec4f {
  return select(b * g, nan_or_vec4(g, clamp(g, vec4f(-b), vec4f(b))), CLAMP);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = linear_group(workgroup_id, num_workgroups);
  let b = bound[0];
  if group >= params.blocks || (!CLAMP && b == 1.0) {
    return;
  }
  let block = blocks[group];
  let end = (block.y + 3u) / 4u;
  // @repeat i 6
  if block.w == ${i}u {
    for (var i = lane; i < end; i += WORKGROUP_SIZE) {
      let old = gradient_$i[block.x + i];
      // What lies beside a gradient in its last vec4 is not its own.
      let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(block.y);
      gradient_$i[block.x + i] = select(old, clipped(old, b), inside);
    }
  }
  // @end
}
