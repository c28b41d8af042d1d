fn unordered(v: i32) -> bool {
  return false;
}

fn larger(x: i32, y: i32) -> i32 {
  return max(x, y);
}

fn smaller(x: i32, y: i32) -> i32 {
  return min(x, y);
}
