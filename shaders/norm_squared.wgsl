// norm_squared: the squares (MAXIMUM: the largest magnitude) of blocks of 4096 elements, of a chunk of gradients and up to five
// gradients beside it a dispatch:
//   partials[first_i + b] = Σ x², over block b of gradient i; lane l takes the vec4s l, l + 64, … of the block.
//   blocks[n] = (first vec4 in the chunk, elements, place in partials, -) for the gradients in the chunk
// The split follows from the sizes alone. Magnitudes are compared as integers, among which a NaN is the largest.
// Grid: one workgroup per block, those of the chunk before those of one gradient and another; size 0 stands for none.
// @use grid
const WORKGROUP_SIZE = 64u;
const BLOCK = 1024u;             // vec4s
override MAXIMUM: bool = false;
struct Params {
  chunk_blocks: u32,
  size_0: u32, size_1: u32, size_2: u32, size_3: u32, size_4: u32,
  first_0: u32, first_1: u32, first_2: u32, first_3: u32, first_4: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<vec4u>;             // [chunk_blocks]
@group(0) @binding(3) var<storage, read> chunk: array<vec4f>;
// @repeat i 5
@group(0) @binding(1$i) var<storage, read> gradient_$i: array<vec4f>;      // [size_$i / 4, up]
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
  var group = linear_group(workgroup_id, num_workgroups);
  var sum = vec4f();
  var place = 0xffffffffu;
  if group < params.chunk_blocks {
    let block = blocks[group];
    let end = (block.y + 3u) / 4u;
    for (var i = lane; i < end; i += WORKGROUP_SIZE) {
      let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(block.y);
      sum = joined_with(sum, select(vec4f(), chunk[block.x + i], inside));
    }
    place = block.z;
  }
  group -= params.chunk_blocks; // wraps around where that was it, and so past all groups
  // @repeat i 5
  {
    let units = (params.size_$i + 3u) / 4u;
    let groups = (units + BLOCK - 1u) / BLOCK;
    if place == 0xffffffffu {
      if group < groups {
        let end = min((group + 1u) * BLOCK, units);
        for (var i = group * BLOCK + lane; i < end; i += WORKGROUP_SIZE) {
          let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.size_$i);
          sum = joined_with(sum, select(vec4f(), gradient_$i[i], inside));
        }
        place = params.first_$i + group;
      }
      group -= groups;
    }
  }
  // @end
  parts[lane] = joined(joined(sum.x, sum.y), joined(sum.z, sum.w));
  workgroupBarrier();
  if lane == 0u && place != 0xffffffffu {
    var total = parts[0];
    for (var l = 1u; l < WORKGROUP_SIZE; l++) {
      total = joined(total, parts[l]);
    }
    partials[place] = total;
  }
}
