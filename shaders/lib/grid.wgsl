// Where an invocation stands. Every kernel takes its workgroup through here, so that grids over the adapter's limit can be
// folded into y, and a test can run the workgroups in reversed order (GROUPS_REVERSED) and expect the same bits.
override GROUPS_REVERSED: bool = false;

fn group_of(workgroup_id: vec3u, num_workgroups: vec3u) -> vec3u {
  return select(workgroup_id, num_workgroups - vec3u(1u) - workgroup_id, GROUPS_REVERSED);
}

// Index of the workgroup in a one-dimensional grid that may be folded into x and y.
fn linear_group(workgroup_id: vec3u, num_workgroups: vec3u) -> u32 {
  let group = group_of(workgroup_id, num_workgroups);
  return group.y * num_workgroups.x + group.x;
}
