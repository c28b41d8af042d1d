// Where element i of a linear texture lies (src/gpu/texture-pool.ts: rows of 2048 texels).
fn texel(i: u32) -> vec2u {
  return vec2u(i & 2047u, i >> 11u);
}
