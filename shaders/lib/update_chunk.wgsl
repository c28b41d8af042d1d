// Optimiser kernels, the form for many small parameters with dense gradients: they lie in a chunk, their gradients and their
// state in the same places of others; see update_dense.
//   blocks[n] = (first vec4 in the chunk, elements, -, parameter's row in `hyper`)
// Grid: one workgroup a block.
// @use grid
// @use step_scalars
alias Unit = vec4f;
override WORKGROUP_SIZE: u32 = 64u;
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;           // [blocks]
@group(0) @binding(3) var<storage, read_write> value: array<vec4f>;
@group(0) @binding(4) var<storage, read> gradient: array<vec4f>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = linear_group(workgroup_id, num_workgroups);
  if group >= params.blocks || hyper.refused != 0u {
    return;
  }
  let block = blocks[group];
  let h = hyper.rows[block.w];
  let end = block.x + (block.y + 3u) / 4u;
  // A parameter's last vec4 is its own: places begin on 256 bytes.
  for (var i = block.x + lane; i < end; i += WORKGROUP_SIZE) {
    value[i] = update(value[i], gradient[i], i, h);
  }
}
