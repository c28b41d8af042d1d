// clip_gradients: g ← bound·g (CLAMP: g limited to -bound..bound), in place, for up to seven gradients a dispatch.
// Grid: `strip` vec4s an invocation, the workgroups of one gradient behind those of another; size 0 stands for none.
// @use grid
override CLAMP: bool = false;
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  size_0: u32, size_1: u32, size_2: u32, size_3: u32, size_4: u32, size_5: u32, size_6: u32, strip: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bound: array<f32>;              // [1]
// @repeat i 7
@group(0) @binding(1$i) var<storage, read_write> gradient_$i: array<vec4f>;  // [size_$i / 4, up]
// @end

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let span = WORKGROUP_SIZE * params.strip;
  let b = bound[0];
  if !CLAMP && b == 1.0 {
    return;
  }
  var group = linear_group(workgroup_id, num_workgroups);
  // @repeat i 7
  {
    let units = (params.size_$i + 3u) / 4u;
    let groups = (units + span - 1u) / span;
    if group < groups {
      let end = min((group + 1u) * span, units);
      for (var i = group * span + lane; i < end; i += WORKGROUP_SIZE) {
        let old = gradient_$i[i];
        let clipped = select(b * old, clamp(old, vec4f(-b), vec4f(b)), CLAMP);
        // What lies beside the gradient in its last vec4 is not ours.
        gradient_$i[i] = select(old, clipped, vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.size_$i));
      }
      return;
    }
    group -= groups;
  }
  // @end
}
