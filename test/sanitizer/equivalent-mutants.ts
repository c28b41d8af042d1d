// Mutants that no recorded dispatch can find. They make the same kernel, or one that differs only in what nobody sees; or another test
// finds them, which is named.
export interface EquivalentMutant {
  readonly file: string;
  readonly text: string;
  readonly change: string;
  readonly why: string;
}

export const EQUIVALENT: readonly EquivalentMutant[] = [
  {
    file: 'lib/index.wgsl',
    text: 'if AXES > 2u { i.inner.x = i.inner.y / inner.y; i.inner.y %= inner.y; }',
    change: 'if AXES >= 2u { i.inner.x = i.inner.y / inner.y; i.inner.y %= inner.y; }',
    why: 'With two axes the index along the first is below its length: the quotient is 0, and the rest is the index.',
  },
  {
    file: 'cross_entropy.wgsl',
    text: 'give_part(1u, lane, vec4f(sum_of(part), 0.0, 0.0, 0.0));',
    change: 'give_part(1u, lane, vec4f(sum_of(part), 1.0, 0.0, 0.0));',
    why: 'Only the first component is read.',
  },
  {
    file: 'cross_entropy.wgsl',
    text: 'd_logits[at] = d + poison;',
    change: 'd_logits[at] = d - poison;',
    why: 'poison is 0 or NaN.',
  },
  {
    file: 'cross_entropy.wgsl',
    text: 'for (; at + 3u * LANES < used_end; at += 4u * LANES) {',
    change: 'for (; at + 4u * LANES < used_end; at += 4u * LANES) {',
    why: 'The last four at once are taken one at a time by the loop after this one: the same sum but for its order.',
  },
  {
    file: 'recurrent_pack.wgsl',
    text: 'return;',
    change: '',
    why: 'The number of the group then wraps around to one that is past the last direction, where nothing is done.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'return select(sqrt(x), 1.0 / sqrt(x), y < 0.0);',
    change: 'return select(sqrt(x), 1.0 / sqrt(x), y <= 0.0);',
    why: 'y is one half or minus one half there.',
  },
  {
    file: 'argmax.wgsl',
    text: 'for (var k = begin + 1u; k < min(begin + params.slab_size, params.count); k++) {',
    change: 'for (var k = begin + 0u; k < min(begin + params.slab_size, params.count); k++) {',
    why: 'The first element is compared with itself.',
  },
  {
    file: 'unary.wgsl',
    text: 'let above = select(v, alpha(), v < alpha());',
    change: 'let above = select(v, alpha(), v <= alpha());',
    why: 'Both are the same number where they are equal.',
  },
  {
    file: 'lib/activation.wgsl',
    text: 'let e = exp(-2.0 * select(a, 44.0, a > 44.0));',
    change: 'let e = exp(-2.0 * select(a, 44.0, a >= 44.0));',
    why: 'Both are the same number where they are equal.',
  },
  {
    file: 'lib/exponent_sum.wgsl',
    text: 'return vec2f(m, nan_or((d.x + d.y) + (d.z + d.w), a.y * exp_below(a.x - m) + (e.x + e.y) + (e.z + e.w)));',
    change: 'return vec2f(m, nan_or((d.x + d.y) + (d.z - d.w), a.y * exp_below(a.x - m) + (e.x + e.y) + (e.z + e.w)));',
    why: 'The sum of the differences is asked only whether it is NaN.',
  },
  {
    file: 'recurrent_bias_gradient.wgsl',
    text: 'let at = params.gate - params.hidden + (column - of_gates) % params.hidden;',
    change: 'let at = params.gate - params.hidden + (column + of_gates) % params.hidden;',
    why: 'of_gates is a whole multiple of hidden.',
  },
  {
    file: 'lib/random.wgsl',
    text: 'return threefry_even(x) + vec2u(parity, key.x + 5u);',
    change: 'return threefry_even(x) + vec2u(parity, key.x + 6u);',
    why: 'Found by test/gpu/random.test.ts, which asks for the published words; here it moves a mask by one part in 2^32.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'let log_leading = leading((parts.n + head) + tail);',
    change: 'let log_leading = leading((parts.n + head) - tail);',
    why: 'log_rest is what log_leading leaves out, whatever that is.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'if size >= 0x00800000u && size < INFINITE {',
    change: 'if size >= 0x00800000u || size < INFINITE {',
    why: 'Differs where the power is 0 or infinite, or a subnormal number, which may be 0.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'if size >= 0x00800000u && size < INFINITE {',
    change: 'if size >= 0x00800000u && size >= INFINITE {',
    why: 'The general way that follows has the same power to a few units in the last place.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'if whole && size_y <= MULTIPLIED {',
    change: 'if whole && size_y < MULTIPLIED {',
    why: 'The general way that follows has the same power to a few units in the last place.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'let whole = round(clamp(product + product_rest, -160.0, 130.0));',
    change: 'let whole = round(clamp(product + product_rest, -160.0, 162.5));',
    why: 'Either is more than a float holds.',
  },
  {
    file: 'lib/power.wgsl',
    text: 'let f = clamp((product - whole) + product_rest, -1.0, 1.0);',
    change: 'let f = clamp((product - whole) + product_rest, -2.0, 1.0);',
    why: 'f is below -1 only where the power is below what a float holds.',
  },
  {
    file: 'compare.wgsl',
    text: 'let ordered = !(unordered(x) || unordered(y));',
    change: 'let ordered = !(unordered(x) && unordered(y));',
    why: 'The executor compares with NaN as IEEE 754 does; the guard is for compilers that assume that there is none.',
  },
  {
    file: 'lib/activation.wgsl',
    text: 'return nan_or(v, select(above, high, above > high));',
    change: 'return nan_or(v, select(above, high, above >= high));',
    why: 'Both are the same number where they are equal.',
  },
  {
    file: 'lib/activation.wgsl',
    text: 'return select(exp(-min(a, 87.0)), 0.0, a > 87.0);',
    change: 'return select(exp(-min(a, 108.75)), 0.0, a > 87.0);',
    why: 'From 87 on the other value is taken.',
  },
  {
    file: 'lib/vanishing.wgsl',
    text: 'return select(v, vec4f(), (bitcast<vec4i>(v) & vec4i(0x7fffffff)) < vec4i(0x15f79688));',
    change: 'return select(v, vec4f(), (bitcast<vec4i>(v) & vec4i(0x7fffffff)) <= vec4i(0x15f79688));',
    why: 'Differs at one number, of 1e-25.',
  },
  {
    file: 'norm_squared.wgsl',
    text: 'const WORKGROUP_SIZE = 64u;',
    change: 'const WORKGROUP_SIZE = 63u;',
    why: 'Lanes go by strides of it, whatever it is: the same sum but for its order.',
  },
];
