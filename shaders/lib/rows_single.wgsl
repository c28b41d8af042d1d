// Row kernels, the form for short rows: one invocation takes a whole row. rows_group has the same names.
override WORKGROUP_SIZE: u32 = 64u;
const LANES = 1u;
var<private> own_part: vec4f;

fn row_index(group: u32, lane: u32) -> u32 {
  return group * WORKGROUP_SIZE + lane;
}

// Where in the row this invocation begins; it goes on in steps of LANES.
fn row_lane(lane: u32) -> u32 {
  return 0u;
}

// Hands this lane's part of a result to the other lanes of the row, which read all LANES of them with part_of.
fn give_part(slot: u32, lane: u32, part: vec4f) {
  own_part = part;
}

fn part_of(slot: u32, lane: u32) -> vec4f {
  return own_part;
}
