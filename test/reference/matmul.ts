// Batched matrix product in float64.
import { type Nd, nd } from '../nd.ts';

export function matmul(a: Nd, b: Nd, transposeA: boolean, transposeB: boolean): Nd {
  const batch = a.shape.length > 2 ? a.shape.slice(0, -2) : b.shape.slice(0, -2);
  const [m, k] = transposeA ? [a.shape.at(-1)!, a.shape.at(-2)!] : [a.shape.at(-2)!, a.shape.at(-1)!];
  const n = transposeB ? b.shape.at(-2)! : b.shape.at(-1)!;
  return nd([...batch, m, n], (_, at) => {
    const [matrix, i, j] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    const left = (a.shape.length > 2 ? matrix * m * k : 0) + (transposeA ? i : i * k);
    const right = (b.shape.length > 2 ? matrix * k * n : 0) + (transposeB ? j * k : j);
    let sum = 0;
    for (let p = 0; p < k; p++)
      sum += a.data[left + (transposeA ? p * m : p)]! * b.data[right + (transposeB ? p : p * n)]!;
    return sum;
  });
}
