// norm_total: total = √(Σ partials) (MAXIMUM: the largest partial), and the factor that brings it down to max_norm, which is
// `limit` where the parameter is negative:
//   factor = min(1, max_norm / (total + 1e-6)), as torch.nn.utils.clip_grad_norm_ has it; NaN where total is
// Lane l sums the partials l, l + 64, …; lane 0 sums the lanes.   Grid: one workgroup.
// @use not_finite
const WORKGROUP_SIZE = 64u;
override MAXIMUM: bool = false;
struct Params { count: u32, max_norm: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;           // [count]
@group(0) @binding(2) var<storage, read_write> total: array<f32>;        // [1]
@group(0) @binding(3) var<storage, read_write> factor: array<f32>;       // [1]
@group(0) @binding(4) var<storage, read> limit: array<f32>;              // [1]
var<workgroup> parts: array<f32, WORKGROUP_SIZE>;

fn joined(a: f32, b: f32) -> f32 {
  if MAXIMUM {
    return bitcast<f32>(max(bitcast<u32>(a), bitcast<u32>(b)));
  }
  return a + b;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
    sum = joined(sum, partials[i]);
  }
  parts[lane] = sum;
  workgroupBarrier();
  if lane == 0u {
    for (var l = 1u; l < WORKGROUP_SIZE; l++) {
      sum = joined(sum, parts[l]);
    }
    let norm = select(sqrt(sum), sum, MAXIMUM);
    total[0] = norm;
    let max_norm = select(params.max_norm, limit[0], params.max_norm < 0.0);
    factor[0] = nan_or(norm, min(1.0, max_norm / (norm + 1e-6)));
  }
}
