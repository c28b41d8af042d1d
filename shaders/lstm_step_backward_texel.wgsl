// lstm_step_backward_texel_$R: one time step of the gradient of an LSTM layer, all directions, in the reverse of their own order, for
// software adapters with 8 lanes.
//   d_h = d_out_t + d_gates_{t+1} · Rᵀ          (d_h_n instead of the product at a row's last step)
//   d_c = d_c + d_h · o · (1 - tanh²c_t);       d_gates_t = (d_c·g·i(1-i), d_c·c_{t-1}·f(1-f), d_c·i·(1-g²), d_h·tanh(c_t)·o(1-o))
//   d_c = d_c · f
// `gates_inout` holds the activations and is overwritten with d_gates, row by row; past the end of a row they become 0.
// "t+1" is the step that the direction did next. With FINAL only d_h_0 = d_gates · Rᵀ of the first step is made, into d_h_n_inout.
// Each of 8 lanes holds units l, l + 8, l + 16 and l + 24 of a tile for 8·$R rows. The weights come as texels; a row's d_gates are
// loaded once by the 8 lanes together and handed round by shuffles.
// Grid: x covers units (32 per workgroup), y the directions, z the batch (8·$R rows per workgroup).
// @variants R 1 2 4
enable subgroups;
// @use grid
// @use vanishing
// @use activation
// @use texel
override RAGGED: bool = false;
override FINAL: bool = false;
struct Params { batch: u32, time: u32, hidden: u32, directions: u32, stride_b: u32, stride_t: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;                  // [B]; a dummy without RAGGED
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;            // [D, H(j), H(k)] of (i, f, g, o) of unit j
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;      // [B·T rows, D, H]
@group(0) @binding(4) var<storage, read> c: array<f32>;                        // [B·T rows, D·H]
@group(0) @binding(5) var<storage, read> c0: array<f32>;                       // [D, B, H]
@group(0) @binding(6) var<storage, read> d_out: array<f32>;                    // [B·T rows, D·H]
@group(0) @binding(7) var<storage, read_write> d_c_inout: array<f32>;          // [D, B, H]
@group(0) @binding(8) var<storage, read_write> d_h_n_inout: array<f32>;        // [D, B, H]

fn finish(d: u32, b: u32, k: u32, t: u32, is_last: bool, is_first: bool, recurrent: f32) {
  let width = params.directions * params.hidden;
  let row = b * params.stride_b + t * params.stride_t;
  let at = row * width + d * params.hidden + k;
  let state = (d * params.batch + b) * params.hidden + k;
  var d_h = d_out[at];
  if is_last {
    d_h += d_h_n_inout[state];
  } else {
    d_h += recurrent;
  }
  var c_before = c0[state];
  if !is_first {
    let before = select(row - params.stride_t, row + params.stride_t, d == 1u);
    c_before = c[before * width + d * params.hidden + k];
  }
  let a = gates_inout[at];
  let tanh_c = tanh_safe(c[at]);
  let d_c = d_c_inout[state] + d_h * a.w * (1.0 - tanh_c * tanh_c);
  gates_inout[at] = vanishing(vec4f(
    d_c * a.z * a.x * (1.0 - a.x),
    d_c * c_before * a.y * (1.0 - a.y),
    d_c * a.x * (1.0 - a.z * a.z),
    d_h * tanh_c * a.w * (1.0 - a.w),
  ));
  d_c_inout[state] = vanishing(vec4f(d_c * a.y)).x;
}

// The row whose d_gates the recurrent product reads for batch row b: that of the direction's next step, or with FINAL that of its
// first. Where there is none (a row's last step, or past its end) `has` is false.
struct Next { row: u32, has: bool }

fn next_row(d: u32, b: u32, t: u32, length: u32) -> Next {
  if FINAL {
    return Next(b * params.stride_b + select(0u, length - 1u, d == 1u) * params.stride_t, length > 0u);
  }
  let has = select(t + 1u < length, t > 0u && t < length, d == 1u);
  return Next(b * params.stride_b + select(t + 1u, t - 1u, d == 1u) * params.stride_t, has);
}

fn length_of(b: u32) -> u32 {
  if RAGGED {
    return lengths[b];
  }
  return params.time;
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let d = group.y;
  let first = group.z * 8u * ${R}u;
  let width = params.directions * params.hidden;
  let t = select(params.time - 1u - params.step, params.step, d == 1u);
  // @repeat g $R
  let b$g = min(first + ${g}u * 8u + lane, params.batch - 1u);
  let next$g = next_row(d, b$g, t, length_of(b$g));
  let base$g = select(0u, next$g.row * width + d * params.hidden, next$g.has);
  // @end
  // @repeat u 4
  let k$u = group.x * 32u + ${u}u * 8u + lane;
  let r_at$u = d * params.hidden * params.hidden + min(k$u, params.hidden - 1u);
  // @end
  // @repeat g $R
  // @repeat l 8
  var z${g}_${l} = vec4f();
  // @end
  // @end
  for (var j = 0u; j < params.hidden; j++) {
    // @repeat g $R
    let a$g = gates_inout[base$g + j];
    // @end
    // @repeat u 4
    let w$u = textureLoad(r, texel(r_at$u + j * params.hidden));
    // @end
    let v0 = vec4f(w0.x, w1.x, w2.x, w3.x);
    let v1 = vec4f(w0.y, w1.y, w2.y, w3.y);
    let v2 = vec4f(w0.z, w1.z, w2.z, w3.z);
    let v3 = vec4f(w0.w, w1.w, w2.w, w3.w);
    // @repeat g $R
    // @repeat l 8
    {
      let s = vec4f(subgroupShuffle(a$g.x, ${l}u), subgroupShuffle(a$g.y, ${l}u), subgroupShuffle(a$g.z, ${l}u), subgroupShuffle(a$g.w, ${l}u));
      z${g}_${l} = z${g}_${l} + s.x * v0 + s.y * v1 + s.z * v2 + s.w * v3;
    }
    // @end
    // @end
  }
  var sums = array<vec4f, $R * 8>(
    // @repeat g $R
    // @repeat l 8
    z${g}_${l},
    // @end
    // @end
  );
  for (var i = 0u; i < min(8u * ${R}u, params.batch - first); i++) {
    let b = first + i;
    let length = length_of(b);
    let next = next_row(d, b, t, length);
    for (var u = 0u; u < 4u; u++) {
      let k = group.x * 32u + u * 8u + lane;
      if k >= params.hidden {
        break;
      }
      if FINAL {
        if next.has {
          d_h_n_inout[(d * params.batch + b) * params.hidden + k] = sums[i][u];
        }
      } else if t < length {
        finish(d, b, k, t, !next.has, select(t == 0u, t + 1u == length, d == 1u), sums[i][u]);
      } else {
        gates_inout[(b * params.stride_b + t * params.stride_t) * width + d * params.hidden + k] = vec4f();
      }
    }
  }
}
