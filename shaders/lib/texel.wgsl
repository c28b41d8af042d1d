// Where element i of a linear texture lies (src/gpu/texture-pool.ts: rows of 1024 texels).
fn texel(i: u32) -> vec2u {
  return vec2u(i & 1023u, i >> 10u);
}
