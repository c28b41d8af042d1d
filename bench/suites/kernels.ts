// Suite `kernels`: products of matrices against rivals, then every kernel family beside the adapter's ceilings.
import { measureCeilings } from '../../src/profile/ceilings.ts';
import { type Result, resultTable } from '../report.ts';
import { familyResults } from './families.ts';
import { gemmResults } from './gemm.ts';
import type { Suite } from './suite.ts';

const ABOUT_PRODUCTS = `Products of matrices, f32, row by row in and out: gemm-MxKxN is [M, K] times [K, N], gemm-N the cube; -nt, -tn: b or a is stored transposed.
median and p95: milliseconds of one product · against weft: the engine's median by weft's own of the nn case · of ceiling: of the GFLOP/s
above, for engines on this adapter (torch-cpu runs on the processor itself; threads: how many it was given, of which the better counts)

`;
const ABOUT_FAMILIES = `Kernels of weft, one call each, milliseconds as above. GB/s: the bytes that the op must move at least, by its time, so less than what
memory sees · of ceiling: of the GFLOP/s or of the GB/s above, whichever is more; over 100 % where caches serve

`;

export const kernels: Suite = async (options) => {
  options.log('ceilings');
  const ceilings = await measureCeilings();
  const bandwidth = Math.max(ceilings.copyGbps, ceilings.triadGbps);
  const share = (r: Result): Result =>
    r.engine.startsWith('torch') || r.gflops === undefined ? r : { ...r, ceilingShare: r.gflops / ceilings.gflops };
  const cpuClass = ceilings.texelGbps !== undefined;
  const products = (await gemmResults(options, cpuClass)).map(share);
  const families = await familyResults(options, { ...ceilings, triadGbps: bandwidth });
  const text = [
    `Measured ceilings of this adapter: ${ceilings.gflops.toFixed(1)} GFLOP/s (multiply-adds in registers), ${bandwidth.toFixed(1)} GB/s (through buffers).\n`,
    products.length > 0 && ABOUT_PRODUCTS + resultTable(products),
    families.length > 0 && ABOUT_FAMILIES + resultTable(families),
  ];
  return {
    adapter: ceilings.adapter,
    results: [...products, ...families],
    text: text.filter((part) => part !== false).join('\n'),
  };
};
