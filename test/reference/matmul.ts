// Batched matrix product in float64.
import { at, type Nd, nd } from '../nd.ts';

export function matmul(a: Nd, b: Nd, transposeA: boolean, transposeB: boolean): Nd {
  const batch = a.shape.length > 2 ? a.shape.slice(0, -2) : b.shape.slice(0, -2);
  const [m, k] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
  const n = transposeB ? b.shape.at(-2)! : b.shape.at(-1)!;
  return nd([...batch, m, n], (index) => {
    const [i, j] = index.slice(-2) as [number, number];
    const lead = index.slice(0, -2);
    let sum = 0;
    for (let p = 0; p < k; p++) {
      const left = transposeA ? [p, i] : [i, p];
      const right = transposeB ? [j, p] : [p, j];
      sum += at(a, ...(a.shape.length > 2 ? lead : []), ...left) * at(b, ...(b.shape.length > 2 ? lead : []), ...right);
    }
    return sum;
  });
}
