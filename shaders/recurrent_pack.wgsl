// recurrent_pack: the recurrent weights of one or two directions as the recurrence reads them, and the sums of the biases.
//   forward[d, p, q, g, u]  = R[g·H + 8p + u, 4q..4q+3]      [D, ⌈H/8⌉, H/4, G, 8] of four k
//   backward[d, p, g·H + j, u] = R[g·H + j, 4(8p + u)..]      [D, ⌈H/32⌉, G·H, 8] of four k
//   bias[d, g, j] = b_ih + b_hh      but with SPLIT (GRU) the last gate's is b_ih alone, and its b_hh goes to bias_m[d, j]
// They follow one another in `out`, each on its own multiple of 256 bytes. Units past the last are 0, as are biases without HAS_BIAS.
// Grid: a workgroup per (d, p) of the forward form, then per (d, p) of the backward form, then one per direction for the biases.
// @use grid
override SPLIT: bool = false;
override HAS_BIAS: bool = false;
struct Params { hidden: u32, gates: u32, directions: u32, backward_at: u32, bias_at: u32, bias_m_at: u32 }   // in vec4s
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;             // [G·H, H]
@group(0) @binding(2) var<storage, read> weight_reverse: array<vec4f>;     // the same; anything where D = 1
@group(0) @binding(3) var<storage, read> bias_ih: array<vec4f>;            // [G·H], or anything without HAS_BIAS
@group(0) @binding(4) var<storage, read> bias_hh: array<vec4f>;
@group(0) @binding(5) var<storage, read> bias_ih_reverse: array<vec4f>;
@group(0) @binding(6) var<storage, read> bias_hh_reverse: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4f>;

fn weight_at(d: u32, at: u32) -> vec4f {
  if d == 0u {
    return weight[at];
  }
  return weight_reverse[at];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) index: u32) {
  var group = linear_group(workgroup_id, num_workgroups);
  let quads = params.hidden / 4u;
  let u = index & 7u;
  let forward_panels = (params.hidden + 7u) / 8u;
  let backward_panels = (quads + 7u) / 8u;
  if group < params.directions * forward_panels {
    let d = group / forward_panels;
    let j = (group % forward_panels) * 8u + u;
    for (var q = index >> 3u; q < quads; q += 8u) {
      for (var g = 0u; g < params.gates; g++) {
        var value = vec4f();
        if j < params.hidden {
          value = weight_at(d, (g * params.hidden + j) * quads + q);
        }
        out[((group * quads + q) * params.gates + g) * 8u + u] = value;
      }
    }
    return;
  }
  group -= params.directions * forward_panels;
  if group < params.directions * backward_panels {
    let d = group / backward_panels;
    let k = (group % backward_panels) * 8u + u;
    for (var row = index >> 3u; row < params.gates * params.hidden; row += 8u) {
      var value = vec4f();
      if k < quads {
        value = weight_at(d, row * quads + k);
      }
      out[params.backward_at + (group * params.gates * params.hidden + row) * 8u + u] = value;
    }
    return;
  }
  let d = group - params.directions * backward_panels;
  if d >= params.directions {
    return;
  }
  for (var q = index; q < params.gates * quads; q += 64u) {
    var ih = vec4f();
    var hh = vec4f();
    if HAS_BIAS {
      if d == 0u {
        ih = bias_ih[q];
        hh = bias_hh[q];
      } else {
        ih = bias_ih_reverse[q];
        hh = bias_hh_reverse[q];
      }
    }
    let split = SPLIT && q >= (params.gates - 1u) * quads;
    if split {
      out[params.bias_m_at + d * quads + q - (params.gates - 1u) * quads] = hh;
    }
    out[params.bias_at + d * params.gates * quads + q] = select(ih + hh, ih, split);
  }
}
