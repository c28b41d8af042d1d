// cross_entropy_total: out[0] = Σ losses, out[1] = 1; with MEAN: out[0] = Σ losses / Σ weights and out[1] = 1 / Σ weights,
// which are NaN and 0 where the weights add up to 0.
// Layout: terms [2, count] holds losses, then weights. `out` are the bits of floats, so that NaN can be written.
// Grid: one workgroup. Each lane sums every 64th value in four interleaved sums; lane 0 adds the lanes in order.
override MEAN: bool = true;
const LANES = 64u;
struct Params { count: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> terms: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;          // [2]

var<workgroup> parts: array<vec2f, LANES>;

fn lane_sum(begin: u32, end: u32) -> f32 {
  var sum = vec4f();
  var at = begin;
  for (; at + 3u * LANES < end; at += 4u * LANES) {
    sum += vec4f(terms[at], terms[at + LANES], terms[at + 2u * LANES], terms[at + 3u * LANES]);
  }
  for (; at < end; at += LANES) {
    sum.x += terms[at];
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var part = vec2f(lane_sum(lane, params.count), 0.0);
  if MEAN {
    part.y = lane_sum(params.count + lane, 2u * params.count);
  }
  parts[lane] = part;
  workgroupBarrier();
  if lane > 0u {
    return;
  }
  var total = vec2f();
  for (var l = 0u; l < LANES; l++) {
    total += parts[l];
  }
  if !MEAN {
    out[0] = bitcast<u32>(total.x);
    out[1] = bitcast<u32>(1.0);
  } else if total.y == 0.0 {
    out[0] = 0x7fc00000u;
    out[1] = 0u;
  } else {
    out[0] = bitcast<u32>(total.x / total.y);
    out[1] = bitcast<u32>(1.0 / total.y);
  }
}
