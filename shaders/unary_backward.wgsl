// unary_backward: d_x = d_y · f'(x), elementwise; OP as in unary.wgsl. `saved` is x or y, whichever f' is cheapest from.
// Where f is flat as PyTorch sees it, d_x is 0 whatever d_y is; elsewhere NaN and infinities go by arithmetic.
// Grid: one invocation per `strip` vec4s; what is computed past the end lands in the padding of d_x.
// @use strips
// @use activation
// @use power
override OP: u32 = 0u;
struct Params { size: u32, alpha: f32, beta: f32, strip: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> saved: array<vec4f>;            // [size] in vec4s
@group(0) @binding(2) var<storage, read> d_y: array<vec4f>;              // [size] in vec4s
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>;        // [size] in vec4s

fn slope(s: f32) -> f32 {
  switch OP {
    case 0u: { return -1.0; }
    case 1u: { return sign_of(s); }
    case 2u: { return s; }                       // y = exp x
    case 4u: { return 0.5 / s; }                 // y = sqrt x
    case 5u: { return -s * s; }                  // y = 1 / x
    case 6u: { return 2.0 * s; }
    case 7u: { return s * (1.0 - s); }           // y = sigmoid x
    case 8u: { return 1.0 - s * s; }             // y = tanh x
    case 10u: { return gelu_slope(s); }
    case 11u: { return sigmoid(s); }
    case 15u: { return cos(s); }
    case 16u: { return -sin(s); }
    case 17u: { return params.alpha; }
    case 19u: { return power_of_slope(s, params.alpha); }
    case 20u: { return sigmoid(s) * (1.0 + s * (1.0 - sigmoid(s))); }
    case 21u: { return 1.0 / params.alpha; }
    default: { return 1.0; }                     // relu, clamp where they are not flat
  }
}

fn is_flat(s: f32) -> bool {
  switch OP {
    case 9u: { return !is_nan(s) && s <= 0.0; }
    case 12u, 13u, 14u: { return true; }
    case 18u: { return is_nan(s) || s < params.alpha || s > params.beta; }
    case 19u: { return params.alpha == 0.0; }
    default: { return false; }
  }
}

fn gradient(s: f32, d: f32) -> f32 {
  if OP == 3u {
    return d / s;                                // log
  }
  return select(d * slope(s), 0.0, is_flat(s));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let strip = strip_of(linear_group(workgroup_id, num_workgroups), lane, params.strip, (params.size + 3u) / 4u);
  for (var at = strip.begin; at < strip.end; at += WORKGROUP_SIZE) {
    let v = saved[at];
    let d = d_y[at];
    d_x[at] = vec4f(gradient(v.x, d.x), gradient(v.y, d.y), gradient(v.z, d.z), gradient(v.w, d.w));
  }
}
