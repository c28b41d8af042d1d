// norm_squared: the squares (MAXIMUM: the largest magnitude) of blocks of at most 4096 elements of the gradients of several parameters:
// those of an arena in one binding, others in one each.
//   partials[blocks[n].z] = Σ x² over block n; lane l takes the vec4s l, l + 64, … of the block
//   blocks[n] = (first vec4, elements, place in partials, number of the binding)
// The split follows from the sizes alone. Magnitudes are compared as integers, among which a NaN is the largest.
// Grid: one workgroup a block.
// @use grid
const WORKGROUP_SIZE = 64u;
override MAXIMUM: bool = false;
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;             // [blocks]
// @repeat i 6
@group(0) @binding(1$i) var<storage, read> gradient_$i: array<vec4f>;
// @end
var<workgroup> parts: array<f32, WORKGROUP_SIZE>;

fn joined(a: f32, b: f32) -> f32 {
  if MAXIMUM {
    return bitcast<f32>(max(bitcast<u32>(a), bitcast<u32>(b)));
  }
  return a + b;
}

fn joined_with(sum: vec4f, x: vec4f) -> vec4f {
  if MAXIMUM {
    return bitcast<vec4f>(max(bitcast<vec4u>(sum), bitcast<vec4u>(x) & vec4u(0x7fffffffu)));
  }
  return sum + x * x;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(num_workgroups) num_workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = linear_group(workgroup_id, num_workgroups);
  var block = vec4u();
  if group < params.blocks {
    block = blocks[group];
  }
  let end = (block.y + 3u) / 4u;
  var sum = vec4f();
  // @repeat i 6
  if block.w == ${i}u {
    for (var i = lane; i < end; i += WORKGROUP_SIZE) {
      let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(block.y);
      sum = joined_with(sum, select(vec4f(), gradient_$i[block.x + i], inside));
    }
  }
  // @end
  parts[lane] = joined(joined(sum.x, sum.y), joined(sum.z, sum.w));
  workgroupBarrier();
  if lane == 0u && group < params.blocks {
    var total = parts[0];
    for (var l = 1u; l < WORKGROUP_SIZE; l++) {
      total = joined(total, parts[l]);
    }
    partials[block.z] = total;
  }
}
