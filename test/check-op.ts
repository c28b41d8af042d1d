// What tests of our own ops use of `weftgrad/custom`.
export { type CheckOptions, checkOp, expectClose } from '../src/entry/check-op.ts';
