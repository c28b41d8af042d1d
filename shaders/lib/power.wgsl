// x to the power y as C's pow has it, special values included, and the slopes of PyTorch. WGSL's pow takes no negative base,
// and exp2(y · log2 x) loses as many digits as the product has before the point: here log2 is a sum of two floats. Bits are
// tested as integers, for compilers may assume that no number is infinite or NaN.
// @use logarithm
const ONE = 0x3f800000u;
// Whole exponents up to here go by multiplication: what a float holds exactly comes out exactly (3^15, and 4097^2, too).
const MULTIPLIED = 0x41800000u;   // 16

fn power(x: f32, y: f32) -> f32 {
  let size_x = bitcast<u32>(x) & ~SIGN;
  let size_y = bitcast<u32>(y) & ~SIGN;
  if size_y == 0u || bitcast<u32>(x) == ONE {
    return 1.0;
  }
  if size_x > INFINITE || size_y > INFINITE {
    return nan_from(x);
  }
  // From 2^24 on every float is whole and even.
  var whole = true;
  var odd = false;
  if size_y < 0x4b800000u {
    let n = i32(y);
    whole = (bitcast<u32>(f32(n)) & ~SIGN) == size_y;
    odd = whole && (n & 1) == 1;
  }
  let sign_x = bitcast<u32>(x) & SIGN;
  let sign = select(0u, sign_x, odd);
  if size_x == 0u || size_x == INFINITE || size_y == INFINITE {
    if size_x == ONE {
      return 1.0;
    }
    let grows = (size_x > ONE) == (bitcast<u32>(y) < SIGN);
    return bitcast<f32>(select(0u, INFINITE, grows) | sign);
  }
  if sign_x != 0u && !whole {
    return nan_from(x);
  }
  if whole && size_y <= MULTIPLIED {
    let product = multiplied(x, u32(abs(y)));
    let size = bitcast<u32>(product) & ~SIGN;
    if y > 0.0 {
      return product;
    }
    if size >= 0x00800000u && size < INFINITE {
      return 1.0 / product;
    }
  }
  return bitcast<f32>(bitcast<u32>(exp2_product(size_x, clamp(y, -1e12, 1e12))) | sign);
}

// What integers have in lib/arithmetic_*.
fn raise(x: f32, y: f32) -> f32 {
  return power(x, y);
}

// Of an exponent that all invocations share. As PyTorch: small whole ones are products, one half is the square root, of -0 and
// -∞ too.
fn power_of(x: f32, y: f32) -> f32 {
  switch bitcast<u32>(y) {
    case 0x3f800000u: { return x; }
    case 0x40000000u: { return x * x; }
    case 0x40400000u: { return x * x * x; }
    case 0xbf800000u: { return 1.0 / x; }
    case 0x3f000000u, 0xbf000000u: {
      if bitcast<u32>(x) > SIGN {
        return nan_from(x);
      }
      return select(sqrt(x), 1.0 / sqrt(x), y < 0.0);
    }
    default: { return power(x, y); }
  }
}

fn power_of_slope(x: f32, y: f32) -> f32 {
  if y == 0.0 {
    return 0.0;
  }
  return y * power_of(x, y - 1.0);
}

// ∂ power / ∂ x and ∂ power / ∂ y. Where y is 0 the first is 0; the second is 0 at x = 0, but for negative y.
fn power_slope(x: f32, y: f32) -> f32 {
  if y == 0.0 {
    return 0.0;
  }
  return y * power(x, y - 1.0);
}

fn exponent_slope(x: f32, y: f32) -> f32 {
  let p = power(x, y);
  let size_x = bitcast<u32>(x) & ~SIGN;
  if size_x == 0u && y >= 0.0 {
    return 0.0;
  }
  return p * logarithm(x);
}

fn multiplied(x: f32, n: u32) -> f32 {
  var result = 1.0;
  var square = x;
  for (var left = n; left > 0u; left >>= 1u) {
    if (left & 1u) == 1u {
      result *= square;
    }
    square *= square;
  }
  return result;
}

// The twelve leading bits: products of two such are exact.
fn leading(v: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(v) & 0xfffff000u);
}

// |x|^y = 2^(y log2 |x|) of the bits of |x|: log2 |x| = n + 2 / log 2 · atanh s as in lib/logarithm. Both factors and the product
// are sums of a leading part and a rest.
fn exp2_product(bits_x: u32, y: f32) -> f32 {
  let parts = parts_of(bits_x);
  let m = parts.m;
  let d = m + 1.0;
  let d_leading = leading(d);
  let s = (m - 1.0) / d;
  let s_leading = leading(s);
  let s_rest = (((m - 1.0) - s_leading * d_leading) - s_leading * (m - (d_leading - 1.0))) / d;
  let rest = s_rest + s * atanh_rest(s * s);
  let head = s_leading * 2.884765625;
  let tail = s_leading * 6.2445678e-4 + rest * 2.8853901;
  let log_leading = leading((parts.n + head) + tail);
  let log_rest = tail - ((log_leading - parts.n) - head);

  let y_leading = leading(y);
  let product = y_leading * log_leading;
  let product_rest = (y - y_leading) * log_leading + y * log_rest;
  let whole = round(clamp(product + product_rest, -160.0, 130.0));
  let f = clamp((product - whole) + product_rest, -1.0, 1.0);
  let p = 1.0 + f * (0.693147206 + f * (0.240226513 + f * (0.0555032779 + f * (0.00961800393 + f * (0.00134002698 + f * 1.54762909e-4)))));
  // In two steps, for 2^whole itself may be too large.
  let half = i32(whole) >> 1u;
  return p * power_of_two(half) * power_of_two(i32(whole) - half);
}

fn power_of_two(n: i32) -> f32 {
  return bitcast<f32>(u32(n + 127) << 23u);
}
