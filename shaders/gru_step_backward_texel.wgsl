// gru_step_backward_texel_$R: one time step of the gradient of a GRU layer, all directions, in the reverse of their own order, for
// software adapters with 8 lanes.
//   d_h = d_out_t + d_carry + d_gates_{t+1} · Rᵀ     (d_carry starts as d_h_n; the product is absent at a row's last step)
//   d_n = d_h·(1-z)·(1-n²);  d_z = d_h·(h_{t-1}-n)·z(1-z);  d_r = d_n·m·r(1-r);  d_m = d_n·r;   d_carry = d_h·z
// `gates_inout` holds (r, z, n, m) and is overwritten with (d_r, d_z, d_n, d_m), row by row; past the end of a row they become 0.
// "t+1" is the step that the direction did next. With FINAL the product of the first step is added to d_carry, which is then d_h_0.
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
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;            // [D, H(j), H(k)] of (r, z, 0, m) of unit j
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;      // [B·T rows, D, H]
@group(0) @binding(4) var<storage, read> h: array<f32>;                        // [B·T rows, D·H]
@group(0) @binding(5) var<storage, read> h0: array<f32>;                       // [D, B, H]
@group(0) @binding(6) var<storage, read> d_out: array<f32>;                    // [B·T rows, D·H]
@group(0) @binding(7) var<storage, read_write> d_carry_inout: array<f32>;      // [D, B, H]

fn finish(d: u32, b: u32, k: u32, t: u32, is_first: bool, recurrent: f32) {
  let width = params.directions * params.hidden;
  let row = b * params.stride_b + t * params.stride_t;
  let at = row * width + d * params.hidden + k;
  let state = (d * params.batch + b) * params.hidden + k;
  let d_h = d_out[at] + d_carry_inout[state] + recurrent;
  var h_before = h0[state];
  if !is_first {
    let before = select(row - params.stride_t, row + params.stride_t, d == 1u);
    h_before = h[before * width + d * params.hidden + k];
  }
  let a = gates_inout[at];
  let d_n = d_h * (1.0 - a.y) * (1.0 - a.z * a.z);
  let d_z = d_h * (h_before - a.z) * a.y * (1.0 - a.y);
  gates_inout[at] = vanishing(vec4f(d_n * a.w * a.x * (1.0 - a.x), d_z, d_n, d_n * a.x));
  d_carry_inout[state] = vanishing(vec4f(d_h * a.y)).x;
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
          d_carry_inout[(d * params.batch + b) * params.hidden + k] += sums[i][u];
        }
      } else if t < length {
        finish(d, b, k, t, select(t == 0u, t + 1u == length, d == 1u), select(0.0, sums[i][u], next.has));
      } else {
        gates_inout[(b * params.stride_b + t * params.stride_t) * width + d * params.hidden + k] = vec4f();
      }
    }
  }
}
