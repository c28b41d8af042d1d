// clip_gradients: g ← bound·g (CLAMP: g limited to -bound..bound), in place, for a chunk of gradients and up to five gradients
// beside it a dispatch.
//   blocks[n] = (first vec4 in the chunk, elements, -, -) for the gradients in the chunk
// Grid: one workgroup per block of the chunk, then `strip` vec4s an invocation, the workgroups of one gradient behind those of
// another; size 0 stands for none.
// @use strips
// @use not_finite
override CLAMP: bool = false;
struct Params {
  chunk_blocks: u32, size_0: u32, size_1: u32, size_2: u32, size_3: u32, size_4: u32, strip: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bound: array<f32>;              // [1]
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;           // [chunk_blocks]
@group(0) @binding(3) var<storage, read_write> chunk: array<vec4f>;
// @repeat i 5
@group(0) @binding(1$i) var<storage, read_write> gradient_$i: array<vec4f>;  // [size_$i / 4, up]
// @end

fn clipped(g: vec4f, b: f32) -> vec4f {
  return select(b * g, nan_or_vec4(g, clamp(g, vec4f(-b), vec4f(b))), CLAMP);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let span = WORKGROUP_SIZE * params.strip;
  let b = bound[0];
  if !CLAMP && b == 1.0 {
    return;
  }
  var group = linear_group(workgroup_id, num_workgroups);
  if group < params.chunk_blocks {
    let block = blocks[group];
    let end = block.x + (block.y + 3u) / 4u;
    // A gradient's last vec4 is its own: places begin on 256 bytes.
    for (var i = block.x + lane; i < end; i += WORKGROUP_SIZE) {
      chunk[i] = clipped(chunk[i], b);
    }
    return;
  }
  group -= params.chunk_blocks;
  // @repeat i 5
  {
    let units = (params.size_$i + 3u) / 4u;
    let groups = (units + span - 1u) / span;
    if group < groups {
      let strip = strip_of(group, lane, params.strip, units);
      for (var i = strip.begin; i < strip.end; i += WORKGROUP_SIZE) {
        let old = gradient_$i[i];
        // What lies beside the gradient in its last vec4 is not ours.
        gradient_$i[i] = select(old, clipped(old, b), vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.size_$i));
      }
      return;
    }
    group -= groups;
  }
  // @end
}
