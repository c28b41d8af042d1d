// Layer normalisation in float64.
import type { Nd } from '../nd.ts';

export function layerNorm(x: Nd, width: number, weight: Nd | undefined, bias: Nd | undefined, eps = 1e-5): Nd {
  const data = new Float64Array(x.data.length);
  for (let first = 0; first < data.length; first += width) {
    const row = x.data.subarray(first, first + width);
    const mean = row.reduce((sum, v) => sum + v, 0) / width;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width;
    row.forEach((v, k) => {
      data[first + k] = ((v - mean) / Math.sqrt(variance + eps)) * (weight?.data[k] ?? 1) + (bias?.data[k] ?? 0);
    });
  }
  return { shape: x.shape, data };
}
