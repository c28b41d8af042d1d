// For rows that are whole vec4s.
alias Unit = vec4f;
// @use update_by_row
