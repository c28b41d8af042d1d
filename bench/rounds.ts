// Rivals taking turns: every round runs each contender once, so that a machine that slows down slows all of them.

export interface Contender {
  /** Shown while it runs. */
  readonly label: string;
  /** Takes one turn; the milliseconds of one unit of work, one or more timings. */
  turn(): Promise<number[]>;
}

export interface RoundOptions {
  rounds: number;
  /** Rounds that are run even where `limitMs` is over. */
  atLeast: number;
  /** No further round is begun after this many milliseconds. */
  limitMs: number;
}

/** Timings by contender. The one that begins a round is another each time. */
export async function alternate<C extends Contender>(
  contenders: readonly C[],
  { rounds, atLeast, limitMs }: RoundOptions,
): Promise<Map<C, number[]>> {
  const timings = new Map<C, number[]>(contenders.map((c) => [c, []]));
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round >= atLeast && performance.now() - start > limitMs) break;
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length]!;
      timings.get(contender)!.push(...(await contender.turn()));
    }
  }
  return timings;
}
