fn unordered(v: u32) -> bool {
  return false;
}

fn larger(x: u32, y: u32) -> u32 {
  return max(x, y);
}

fn smaller(x: u32, y: u32) -> u32 {
  return min(x, y);
}
