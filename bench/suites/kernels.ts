// Suite `kernels`: products against rivals.
import { resultTable } from '../report.ts';
import { gemmResults } from './gemm.ts';
import type { Suite } from './suite.ts';

export const kernels: Suite = async (options) => {
  const { adapter, results } = await gemmResults(options);
  return { adapter, results, text: resultTable(results) };
};
