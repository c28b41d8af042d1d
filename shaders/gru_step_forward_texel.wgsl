// gru_step_forward_texel_$R: one time step of a GRU layer, all directions, for software adapters with 8 lanes, with the reset gate after the product as in PyTorch and cuDNN.
//   r, z = σ(gates_{r,z} + h_{t-1} · R_{r,z});   m = gates_m + h_{t-1} · R_m;   n = tanh(gates_n + r · m);   h_t = (1 - z)·n + z·h_{t-1}
// `gates_inout` holds x·W + b in the slots (r, z, n, m), m starting from the recurrent bias alone, and is overwritten with the
// activated (r, z, n) and m: all that the backward pass needs beside the states.
// Past the end of a row (t >= length) the state is carried over unchanged and the output is 0.
// The states alternate between the two halves of h_inout. Rows of the sequence lie at b·stride_b + t·stride_t.
// Direction 1 runs over t from the last to the first.
// Each of 8 lanes holds one unit's four slots for 8·$R rows. The weights come as texels; a row's state is loaded once by the 8
// lanes together and handed round by shuffles; four k at a time keep the sums in registers.
// Rows of h_inout are padded with zeros to a multiple of 4, as is k in the weights.
// Grid: x covers units (8 per workgroup), y the directions, z the batch (8·$R rows per workgroup).
// @variants R 1 2 4
enable subgroups;
// @use grid
// @use activation
// @use texel
override RAGGED: bool = false;
struct Params { batch: u32, time: u32, hidden: u32, padded: u32, directions: u32, stride_b: u32, stride_t: u32, step: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;                  // [B]; a dummy without RAGGED
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;            // [D, Hp(k), H(j)] of (r, z, 0, m)
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;      // [B·T rows, D, H] of (r, z, n, m)
@group(0) @binding(4) var<storage, read_write> h_inout: array<vec4f>;          // [2, D, B, Hp]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;                // [B·T rows, D·H]

fn finish(d: u32, b: u32, j: u32, t: u32, sum: vec4f) {
  let width = params.directions * params.hidden;
  let row = b * params.stride_b + t * params.stride_t;
  let column = d * params.hidden + j;
  let half = params.directions * params.batch * params.padded;
  let state = (d * params.batch + b) * params.padded + j;
  let was = (params.step & 1u) * half + state;
  let after = ((params.step + 1u) & 1u) * half + state;
  let before = h_inout[was / 4u][was % 4u];
  if RAGGED && t >= lengths[b] {
    h_inout[after / 4u][after % 4u] = before;
    out[row * width + column] = 0.0;
    return;
  }
  let pre = gates_inout[row * width + column] + sum;
  let r_t = sigmoid(pre.x);
  let z = sigmoid(pre.y);
  let n = tanh_safe(pre.z + r_t * pre.w);
  let h_t = (1.0 - z) * n + z * before;
  gates_inout[row * width + column] = vec4f(r_t, z, n, pre.w);
  h_inout[after / 4u][after % 4u] = h_t;
  out[row * width + column] = h_t;
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let group = group_of(workgroup_id, num_workgroups);
  let j = min(group.x * 8u + lane, params.hidden - 1u);
  let d = group.y;
  let first = group.z * 8u * ${R}u;
  let quads = params.padded / 4u;
  let state = ((params.step & 1u) * params.directions + d) * params.batch;
  // @repeat g $R
  let h_at$g = (state + min(first + ${g}u * 8u + lane, params.batch - 1u)) * quads;
  // @end
  let r_at = d * params.padded * params.hidden + j;
  // @repeat g $R
  // @repeat l 8
  var z${g}_${l} = vec4f();
  // @end
  // @end
  for (var q = 0u; q < quads; q++) {
    // @repeat g $R
    let h$g = h_inout[h_at$g + q];
    // @end
    // @repeat u 4
    let w$u = textureLoad(r, texel(r_at + (q * 4u + ${u}u) * params.hidden));
    // @end
    // @repeat g $R
    // @repeat l 8
    {
      let s = vec4f(subgroupShuffle(h$g.x, ${l}u), subgroupShuffle(h$g.y, ${l}u), subgroupShuffle(h$g.z, ${l}u), subgroupShuffle(h$g.w, ${l}u));
      z${g}_${l} = z${g}_${l} + s.x * w0 + s.y * w1 + s.z * w2 + s.w * w3;
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
  if group.x * 8u + lane >= params.hidden {
    return;
  }
  let t = select(params.step, params.time - 1u - params.step, d == 1u);
  for (var i = 0u; i < min(8u * ${R}u, params.batch - first); i++) {
    finish(d, first + i, j, t, sums[i]);
  }
}
