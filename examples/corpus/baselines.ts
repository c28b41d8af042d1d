// Two taggers without a network, the floor that a trained model has to clear: a dictionary and a memoriser of neighbours.

/** A sentence as training data has it. */
interface Tagged {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
}

export type Tagger = (tokens: readonly string[]) => string[];

/** An entity as `[start, end)` in tokens. */
interface Span {
  start: number;
  end: number;
  type: string;
}

/** Entities of IOB2 tags; an `I-` that continues nothing opens an entity, as in conlleval. */
function spansOf(tags: readonly string[]): Span[] {
  const spans: Span[] = [];
  tags.forEach((tag, i) => {
    if (tag === 'O') return;
    const type = tag.slice(2);
    const last = spans.at(-1);
    if (tag.startsWith('I') && last?.end === i && last.type === type) last.end = i + 1;
    else spans.push({ start: i, end: i + 1, type });
  });
  return spans;
}

function count(table: Map<string, Map<string, number>>, key: string, value: string): void {
  const row = table.get(key) ?? new Map<string, number>();
  row.set(value, (row.get(value) ?? 0) + 1);
  table.set(key, row);
}

function mostFrequent(row: ReadonlyMap<string, number>): string {
  return [...row].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}

/** Tags the longest run of tokens that was an entity in training with its most frequent type there. */
export function dictionaryTagger(train: readonly Tagged[]): Tagger {
  const types = new Map<string, Map<string, number>>();
  let longest = 0;
  for (const { tokens, tags } of train) {
    for (const { start, end, type } of spansOf(tags)) {
      count(types, tokens.slice(start, end).join(' '), type);
      longest = Math.max(longest, end - start);
    }
  }
  return (tokens) => {
    const tags = tokens.map((): string => 'O');
    for (let start = 0; start < tokens.length; start++) {
      for (let end = Math.min(start + longest, tokens.length); end > start; end--) {
        const row = types.get(tokens.slice(start, end).join(' '));
        if (!row) continue;
        const type = mostFrequent(row);
        for (let i = start; i < end; i++) tags[i] = `${i === start ? 'B' : 'I'}-${type}`;
        start = end - 1;
        break;
      }
    }
    return tags;
  };
}

/** Tags every token with the most frequent tag between its two neighbours in training, `O` where they never met. */
export function memoriserTagger(train: readonly Tagged[]): Tagger {
  const seen = new Map<string, Map<string, number>>();
  const key = (tokens: readonly string[], i: number) => `${tokens[i - 1] ?? '<s>'} ${tokens[i + 1] ?? '</s>'}`;
  for (const { tokens, tags } of train)
    tags.forEach((tag, i) => {
      count(seen, key(tokens, i), tag);
    });
  return (tokens) =>
    tokens.map((_, i) => {
      const row = seen.get(key(tokens, i));
      return row ? mostFrequent(row) : 'O';
    });
}
