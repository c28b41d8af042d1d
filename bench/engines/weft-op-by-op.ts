// weft without its recurrent kernels: the same model, built from basic ops for every time step.
import { serveWeft } from './weft-engine.ts';

await serveWeft({ opByOp: true });
