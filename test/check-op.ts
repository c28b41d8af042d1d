// What tests of our own ops use of `weftgrad/custom`.
export { type CheckOptions, checkOp } from '../src/entry/check-op.ts';
export { expectClose } from '../src/entry/close.ts';
