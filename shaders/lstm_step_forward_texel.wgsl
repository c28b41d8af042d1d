// lstm_step_forward_texel_$R: one time step of an LSTM layer, all directions, for software adapters with 8 lanes.
//   (i, f, g, o) = gates + h_{t-1} · R       i, f, o through σ, g through tanh
//   c_t = f · c_{t-1} + i · g;   h_t = o · tanh(c_t)
// `gates_inout` holds x·W + b and is overwritten with the activations, which with c is all that the backward pass needs.
// Past the end of a row (t >= length) the state is carried over unchanged and the output is 0.
// The states alternate between the two halves of h_inout; c_inout is updated in place, each element by its own invocation.
// Rows of the sequence lie at b·stride_b + t·stride_t. Direction 1 runs over t from the last to the first.
// Each of 8 lanes holds one unit's four gates for 8·$R rows. The weights come as texels; a row's state is loaded once by the 8
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
@group(0) @binding(2) var r: texture_storage_2d<rgba32float, read>;            // [D, Hp(k), H(j)] of (i, f, g, o)
@group(0) @binding(3) var<storage, read_write> gates_inout: array<vec4f>;      // [B·T rows, D, H] of (i, f, g, o)
@group(0) @binding(4) var<storage, read_write> h_inout: array<vec4f>;          // [2, D, B, Hp]
@group(0) @binding(5) var<storage, read_write> c_inout: array<f32>;            // [D, B, H]
@group(0) @binding(6) var<storage, read_write> c: array<f32>;                  // [B·T rows, D·H]
@group(0) @binding(7) var<storage, read_write> out: array<f32>;                // [B·T rows, D·H]

fn finish(d: u32, b: u32, j: u32, t: u32, sum: vec4f) {
  let width = params.directions * params.hidden;
  let row = b * params.stride_b + t * params.stride_t;
  let column = d * params.hidden + j;
  let state = (d * params.batch + b) * params.hidden + j;
  let half = params.directions * params.batch * params.padded;
  let h_state = (d * params.batch + b) * params.padded + j;
  let was = (params.step & 1u) * half + h_state;
  let after = ((params.step + 1u) & 1u) * half + h_state;
  if RAGGED && t >= lengths[b] {
    h_inout[after / 4u][after % 4u] = h_inout[was / 4u][was % 4u];
    out[row * width + column] = 0.0;
    return;
  }
  let pre = gates_inout[row * width + column] + sum;
  let i = sigmoid(pre.x);
  let f = sigmoid(pre.y);
  let g = tanh_safe(pre.z);
  let o = sigmoid(pre.w);
  let c_t = f * c_inout[state] + i * g;
  let h_t = o * tanh_safe(c_t);
  gates_inout[row * width + column] = vec4f(i, f, g, o);
  c_inout[state] = c_t;
  c[row * width + column] = c_t;
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
