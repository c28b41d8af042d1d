// matmul_texel_pack: an operand of a matrix product as matmul_texel_nt reads it fastest, in one stream a tile:
//   out[z, r / 32, q, r % 32] = (x[z, r, 4q], …, x[z, r, 4q + 3])
// r is the operand's row (of a) or column (of b), 4q the first of four k. x is stored along k, or with TURNED along r.
// Grid: one invocation per vec4, with TURNED per 4 of them; a workgroup takes 64 r of 16 k, so that cache lines are used whole.
// @use grid
override TURNED: bool = false;
struct Params { rows: u32, k4: u32, batch: u32, x_base: u32, x_batch: u32, x_row: u32 }   // strides and places in vec4s
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;                // [batch, rows, k], or [batch, k, rows]
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;        // [batch, rows / 32 up, k4, 32]

@compute @workgroup_size(16, 4)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let group = linear_group(workgroup_id, num_workgroups);
  let across = (params.rows + 63u) / 64u;
  let down = (params.k4 + 3u) / 4u;
  let q = group / across % down * 4u + lane.y;
  let z = group / across / down;
  let r = group % across * 64u + 4u * lane.x;
  if q >= params.k4 || r >= params.rows || z >= params.batch {
    return;
  }
  let panels = (params.rows + 31u) / 32u;
  let place = ((z * panels + r / 32u) * params.k4 + q) * 32u + r % 32u;
  let source = params.x_base + z * params.x_batch;
  if TURNED {
    let at = source + 4u * q * params.x_row + r / 4u;
    let a = x[at];
    let b = x[at + params.x_row];
    let c = x[at + 2u * params.x_row];
    let d = x[at + 3u * params.x_row];
    out[place] = vec4f(a.x, b.x, c.x, d.x);
    out[place + 1u] = vec4f(a.y, b.y, c.y, d.y);
    out[place + 2u] = vec4f(a.z, b.z, c.z, d.z);
    out[place + 3u] = vec4f(a.w, b.w, c.w, d.w);
  } else {
    let at = source + r * params.x_row + q;
    for (var i = 0u; i < 4u; i++) {
      out[place + i] = x[at + i * params.x_row];
    }
  }
}
