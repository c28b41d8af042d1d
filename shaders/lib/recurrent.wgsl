// What all kernels of the recurrence share: sizes, steps and rows.
// `gates_inout` [B·T rows, D, G, H] lies gate by gate as PyTorch's weights do; row (b, t) is b·stride_b + t·stride_t.
// Of the `hidden` units, whole vec4s, the first `units` are the layer's own. The others stay 0, whatever comes: an infinite input makes
// NaN of their weights, which are 0.
// A dispatch runs steps first..last-1. Where it runs several (a scan, HANDOVER > 0) one workgroup holds all units of its rows, and
// what a step hands to the next goes through the buffers (HANDOVER 1) or through workgroup memory (HANDOVER 2).
override RAGGED: bool = false;
override HANDOVER: u32 = 0u;
override STATE: u32 = 64u;                                               // vec4s of workgroup memory
override WORKGROUP_SIZE: u32 = 64u;
struct Params {
  batch: u32, time: u32, hidden: u32, units: u32, directions: u32, stride_b: u32, stride_t: u32, first: u32, last: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;            // [B]; a dummy without RAGGED
// States that steps of one dispatch hand on, at first 0, as all workgroup memory.
var<workgroup> state: array<vec4f, STATE>;

fn length_of(b: u32) -> u32 {
  if RAGGED {
    return lengths[b];
  }
  return params.time;
}

// Row (b, t) and direction d, in units of one direction's part of a row.
fn place(b: u32, t: u32, d: u32) -> u32 {
  return (b * params.stride_b + t * params.stride_t) * params.directions + d;
}

// What a step wrote is there for the whole workgroup's next one.
fn hand_over() {
  if HANDOVER == 1u {
    storageBarrier();
  }
  if HANDOVER == 2u {
    workgroupBarrier();
  }
}
