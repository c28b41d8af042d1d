// Streams of random numbers for the corpus, one for each sentence, so that none depends on how many were drawn before.
import { uniform } from 'weftgrad/data';

export interface Random {
  /** A uniform integer in `[0, n)`. */
  below(n: number): number;
  /** A uniform element of a non-empty list. */
  pick<T>(list: readonly T[]): T;
}

/** Opens the stream number `stream` of a seed; the same two numbers give the same draws for ever. */
export function randomStream(seed: number, stream: number): Random {
  let drawn = 0;
  const below = (n: number): number => Math.floor(uniform(seed, stream, drawn++) * n);
  return { below, pick: (list) => list[below(list.length)]! };
}
