// Every op, one line each file.
export * from './elementwise.ts';
export {
  concat,
  flatten,
  narrow,
  pad,
  permute,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './layout.ts';
export { type LstmOptions, lstm } from './lstm.ts';
export { type Activation, linear, type MatmulOptions, matmul } from './matmul.ts';
export { amax, amin, broadcastTo, mean, type ReduceOptions, sum } from './reduce.ts';
export { densify } from './row-sparse.ts';
