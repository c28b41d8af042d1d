// cross_entropy: for each row of logits its loss, what it weighs in the mean, and the gradient, in two passes over the row.
//   loss = -Σ_c a_c log p_c,   p = softmax(logits),   d_logits_c = p_c Σ a - a_c,   a_c = w_c ((1 - ε) q_c + ε / K)
//   class t: q_c = [c = t], the row weighs w_t; where t is ignore_index all is 0.  PROBABILITIES: q given, the row weighs 1.
// LOG_PROBABILITIES: `logits` are log p, so that d_logits_c = -a_c.
// A class outside 0..K-1 (which the host refuses where it can see it) makes the row's loss and gradient NaN.
// Layout: terms [2, total_rows] holds losses, then weights; rows here are base .. of the whole.
// Grid: FORM single: one invocation per row; FORM group: one workgroup per row.
// @variants FORM single group
// @use grid
// @use rows_$FORM
// @use exponent_sum
override PROBABILITIES: bool = false;
override LOG_PROBABILITIES: bool = false;
override HAS_WEIGHT: bool = false;
override SMOOTHED: bool = false;
override HAS_GRADIENT: bool = true;
struct Params { rows: u32, base: u32, total_rows: u32, classes: u32, ignore_index: i32, smoothing: f32, nan_bits: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;             // [rows, K]
@group(0) @binding(2) var<storage, read> classes: array<i32>;            // [total_rows], or a dummy with PROBABILITIES
@group(0) @binding(3) var<storage, read> probabilities: array<f32>;      // [rows, K], or a dummy without
@group(0) @binding(4) var<storage, read> weight: array<f32>;             // [K], or a dummy without HAS_WEIGHT
@group(0) @binding(5) var<storage, read_write> terms: array<f32>;        // [2, total_rows]
@group(0) @binding(6) var<storage, read_write> d_logits: array<f32>;     // [rows, K], or a dummy without HAS_GRADIENT

// a_c of the class c, whose element is `at`.
fn share_of(c: u32, label: u32, at: u32) -> f32 {
  var q = select(0.0, 1.0, c == label);
  if PROBABILITIES {
    q = probabilities[at];
  }
  if SMOOTHED {
    q = (1.0 - params.smoothing) * q + params.smoothing / f32(params.classes);
  }
  return q * weight_of(c);
}

fn weight_of(c: u32) -> f32 {
  if HAS_WEIGHT {
    return weight[c];
  }
  return 1.0;
}

// A sum by blocks of 32: terms of one size added one by one to what is a thousand times theirs are all rounded the same way.
struct Blocks { sum: f32, block: f32, terms: u32 }

fn with_term(so_far: Blocks, term: f32) -> Blocks {
  let block = so_far.block + term;
  let terms = so_far.terms + 1u;
  if terms % 32u == 0u {
    return Blocks(so_far.sum + block, 0.0, terms);
  }
  return Blocks(so_far.sum, block, terms);
}

fn sum_of(all: Blocks) -> f32 {
  return all.sum + all.block;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = row_index(linear_group(workgroup_id, num_workgroups), lane);
  if row >= params.rows {
    return;
  }
  let base = row * params.classes;
  let end = base + params.classes;
  let begin = base + row_lane(lane);
  let dense = PROBABILITIES || SMOOTHED;   // whether classes other than the row's own have a share

  var label = params.classes;
  var ignored = false;
  var poison = 0.0;
  if !PROBABILITIES {
    let class_index = classes[params.base + row];
    ignored = class_index == params.ignore_index;
    label = u32(class_index);
    if label >= params.classes && !ignored {
      poison = bitcast<f32>(params.nan_bits);
    }
  }
  let used_end = select(end, begin, ignored);
  let has_label = !ignored && label < params.classes;

  // Σ a = (1 - ε) Σ w q + ε / K Σ w; what is 1 is not added up.
  var sum = NOTHING;
  var given = Blocks();
  var weights = Blocks();
  if !LOG_PROBABILITIES {
    var at = begin;
    for (; at + 3u * LANES < used_end; at += 4u * LANES) {
      sum = exponents_with(sum, vec4f(logits[at], logits[at + LANES], logits[at + 2u * LANES], logits[at + 3u * LANES]));
    }
    for (; at < used_end; at += LANES) {
      sum = exponents_joined(sum, vec2f(logits[at], 1.0));
    }
    if PROBABILITIES || (SMOOTHED && HAS_WEIGHT) {
      for (at = begin; at < used_end; at += LANES) {
        let w = weight_of(at - base);
        if PROBABILITIES {
          given = with_term(given, w * probabilities[at]);
        }
        weights = with_term(weights, w);
      }
    }
  }
  give_part(0u, lane, vec4f(sum, sum_of(given), sum_of(weights)));
  var total = NOTHING;
  var total_given = 0.0;
  var total_weights = 0.0;
  for (var l = 0u; l < LANES; l++) {
    let part = part_of(0u, l);
    total = exponents_joined(total, part.xy);
    total_given += part.z;
    total_weights += part.w;
  }
  var m = 0.0;
  var log_sum = 0.0;
  if !LOG_PROBABILITIES && !ignored {
    m = total.x;
    log_sum = nan_or(total.y, log(total.y));
  }

  // The row's own class: its weight, and all of the loss where no other class has a share.
  var row_weight = select(0.0, 1.0, PROBABILITIES);
  var loss = 0.0;
  if has_label {
    row_weight = 1.0;
    if HAS_WEIGHT {
      row_weight = weight[label];
    }
    loss = row_weight * ((m - logits[base + label]) + log_sum);
  }

  if HAS_GRADIENT || dense {
    var scale = select(row_weight, total_given, PROBABILITIES);
    if SMOOTHED && HAS_WEIGHT {
      scale = (1.0 - params.smoothing) * scale + params.smoothing / f32(params.classes) * total_weights;
    } else if SMOOTHED && PROBABILITIES {
      scale = (1.0 - params.smoothing) * scale + params.smoothing;
    }
    scale = nan_or(log_sum, scale);   // with NaN in the row all of its gradient is
    var part = Blocks();
    for (var at = begin; at < used_end; at += LANES) {
      let log_p = (logits[at] - m) - log_sum;
      var a = select(0.0, row_weight, at - base == label);
      if dense {
        a = share_of(at - base, label, at);
        part = with_term(part, -a * log_p);
      }
      if HAS_GRADIENT {
        var d = -a;
        if !LOG_PROBABILITIES {
          d += scale * exp_below(log_p);
        }
        d_logits[at] = d + poison;
      }
    }
    if HAS_GRADIENT && ignored {
      for (var at = begin; at < end; at += LANES) {
        d_logits[at] = 0.0;
      }
    }
    if dense {
      give_part(1u, lane, vec4f(sum_of(part), 0.0, 0.0, 0.0));
      loss = 0.0;
      for (var l = 0u; l < LANES; l++) {
        loss += part_of(1u, l).x;
      }
    }
  }
  if row_lane(lane) == 0u {
    terms[params.base + row] = loss + poison;
    terms[params.total_rows + params.base + row] = row_weight;
  }
}
