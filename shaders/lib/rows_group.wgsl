// Row kernels, the form for long rows: a workgroup of 32 takes a row. rows_single has the same names.
// Every lane reads all parts in the order of the lanes: one barrier an exchange, and one order of summation.
const WORKGROUP_SIZE = 32u;
const LANES = 32u;
const SLOTS = 2u;                // exchanges in one kernel; each has a slot of its own, so that one barrier is enough
var<workgroup> parts: array<vec4f, LANES * SLOTS>;

fn row_index(group: u32, lane: u32) -> u32 {
  return group;
}

fn row_lane(lane: u32) -> u32 {
  return lane;
}

fn give_part(slot: u32, lane: u32, part: vec4f) {
  parts[slot * LANES + lane] = part;
  workgroupBarrier();
}

fn part_of(slot: u32, lane: u32) -> vec4f {
  return parts[slot * LANES + lane];
}
