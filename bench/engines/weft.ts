// weft as an engine of the benches: products by `matmul`, training steps with its recurrent kernels.
import { serveWeft } from './weft-engine.ts';

await serveWeft({ opByOp: false });
