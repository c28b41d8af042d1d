alias Unit = f32;
// @use update_by_row
