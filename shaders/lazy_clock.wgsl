// lazy_clock: puts the scalars of the coming step into the clock of a table whose rows may be behind (its layout is in
// adam_lazy), and makes it the step of now; a refused step (lib/step_scalars) leaves the clock where it stands, and says so in it.
//   record = (head; (decay, step_size, bias2_sqrt, l2); (β1, 1 - β1, β2, 1 - β2); (eps, -, -, -)), in bits
// Grid: one invocation.
const RING = 128u;
@group(0) @binding(1) var<storage, read> hyper: array<u32>;              // [0]: refused
@group(0) @binding(2) var<storage, read> record: array<vec4u>;           // [4]
@group(0) @binding(3) var<storage, read_write> clock: array<vec4u>;      // [2 + 3·RING]

@compute @workgroup_size(1)
fn main() {
  let refused = hyper[0];
  clock[1u + 3u * RING] = vec4u(refused);
  if refused != 0u {
    return;
  }
  let slot = (record[0].x - 1u) % RING;
  clock[0] = record[0];
  for (var part = 0u; part < 3u; part++) {
    clock[1u + part * RING + slot] = record[1u + part];
  }
}
