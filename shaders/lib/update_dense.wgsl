// Optimiser kernels, the form for dense gradients: two parameters a dispatch, the workgroups of one behind those of the
// other. The kernel gives `struct Hyper` (the scalars of one parameter's step), its state tensors and
//   fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit      the new value; `at` is the place in the state
// Both parameters lie in the same state tensors, the second from `at_1` on. A parameter of size 0 is absent.
// Grid: `strip` vec4s an invocation; update_rows has the form for row-sparse gradients.
// @use strips
// @use step_scalars
alias Unit = vec4f;
struct Params { size_0: u32, size_1: u32, hyper_0: u32, hyper_1: u32, at_1: u32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
// @repeat i 2
@group(0) @binding(1$i) var<storage, read_write> value_$i: array<vec4f>;   // [size_$i / 4, up]
@group(0) @binding(2$i) var<storage, read> gradient_$i: array<vec4f>;      // [size_$i / 4, up]
// @end

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  if hyper.refused != 0u {
    return;
  }
  let span = WORKGROUP_SIZE * params.strip;
  let at_0 = 0u;
  let at_1 = params.at_1;
  var group = linear_group(workgroup_id, num_workgroups);
  // @repeat i 2
  {
    let units = (params.size_$i + 3u) / 4u;
    let groups = (units + span - 1u) / span;
    if group < groups {
      let h = hyper.rows[params.hyper_$i];
      let strip = strip_of(group, lane, params.strip, units);
      for (var i = strip.begin; i < strip.end; i += WORKGROUP_SIZE) {
        let old = value_$i[i];
        let new_value = update(old, gradient_$i[i], at_$i + i, h);
        // What lies beside the parameter in its last vec4 is not ours.
        value_$i[i] = select(old, new_value, vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.size_$i));
      }
      return;
    }
    group -= groups;
  }
  // @end
}
