// Optimiser kernels, the form for dense gradients: parameters that lie side by side in an arena, their gradients and their state in
// the same places of others; or one parameter. The kernel gives `alias Unit`, `struct Hyper` (the scalars of one parameter's step),
// its state tensors and
//   fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit      the new value; `at` is the place in the state
// blocks[n] = (first vec4, elements, -, parameter's row in `hyper`)
// Grid: one workgroup a block. lib/update_rows has the form for row-sparse gradients.
// @use grid
// @use step_scalars
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
  for (var i = lane; i < (block.y + 3u) / 4u; i += WORKGROUP_SIZE) {
    let at = block.x + i;
    let old = value[at];
    // What lies beside a parameter in its last vec4 is not its own.
    let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(block.y);
    value[at] = select(old, update(old, gradient[at], at, h), inside);
  }
}
