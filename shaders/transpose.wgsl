// transpose: out[z, j, i] = x[z, i, j]; words are copied as they are. For boxes whose sides, strides and places are multiples of
// four: all are counted in vec4s. copy_strided moves the others.
// Grid: one invocation per block of 4 x 4; a workgroup takes 64 rows of 16 columns of x, so that cache lines are used whole.
// @use grid
struct Params {
  rows: u32, columns: u32, batch: u32,                                   // of x: i < rows, j < columns
  x_base: u32, x_batch: u32, x_row: u32,
  out_base: u32, out_batch: u32, out_row: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4u>;

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let group = linear_group(workgroup_id, num_workgroups);
  let across = (params.rows + 15u) / 16u;
  let down = (params.columns + 3u) / 4u;
  let i = group % across * 16u + lane.x;
  let j = group / across % down * 4u + lane.y;
  let z = group / across / down;
  if i >= params.rows || j >= params.columns || z >= params.batch {
    return;
  }
  let source = params.x_base + z * params.x_batch + 4u * i * params.x_row + j;
  let a = x[source];
  let b = x[source + params.x_row];
  let c = x[source + 2u * params.x_row];
  let d = x[source + 3u * params.x_row];
  let place = params.out_base + z * params.out_batch + 4u * j * params.out_row + i;
  out[place] = vec4u(a.x, b.x, c.x, d.x);
  out[place + params.out_row] = vec4u(a.y, b.y, c.y, d.y);
  out[place + 2u * params.out_row] = vec4u(a.z, b.z, c.z, d.z);
  out[place + 3u * params.out_row] = vec4u(a.w, b.w, c.w, d.w);
}
