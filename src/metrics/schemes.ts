// Entities of a tag sequence in strict mode: only entities spelled as their scheme says (seqeval's mode='strict').
import { refuse } from '../check.ts';
import { type Entity, splitTag } from './chunks.ts';

export type Scheme = 'IOB1' | 'IOB2' | 'IOE1' | 'IOE2' | 'IOBES' | 'BILOU';

/**
 * Pairs of neighbouring tags `<previous><current><relation>`: the relation of their types is `=` same, `/` different or
 * `*` either; `.` is any tag. `start`: the current tag opens an entity; `inside`: it goes on with the entity of the
 * previous one; `end`: the entity up to the previous tag is complete.
 */
interface Rules {
  tags: string;
  start: string[];
  inside: string[];
  end: string[];
}

const RULES: Record<Scheme, Rules> = {
  IOB1: rules('IOB', 'OI* II/ BI* IB= BB=', 'BI= II=', 'II/ IO* IB* BO* BI/ BB='),
  IOB2: rules('IOB', '.B*', 'BI= II=', 'IO* II/ IB* BO* BI/ BB*'),
  IOE1: rules('IOE', 'OI* II/ EI* EE=', 'II= IE=', 'II/ IO* IE/ EI= EE='),
  IOE2: rules('IOE', 'OI* OE* EI* EE* II/ IE/', 'IE= II=', 'E.*'),
  IOBES: rules('IOBES', '.B* .S*', 'BI= BE= II= IE=', 'S.* E.*'),
  BILOU: rules('IOBLU', '.B* .U*', 'BI= BL= II= IL=', 'U.* L.*'),
};

function rules(tags: string, start: string, inside: string, end: string): Rules {
  return { tags, start: start.split(' '), inside: inside.split(' '), end: end.split(' ') };
}

/** Entities spelled exactly as the scheme says; throws an ArgumentError for a tag that is not of the scheme. */
export function strictEntities(tags: readonly string[], scheme: Scheme): Entity[] {
  const { start, inside, end } = RULES[scheme];
  const all = tags.map((tag) => checkTag(tag, scheme));
  all.push(splitTag('O'));
  const entities: Entity[] = [];
  let previous = splitTag('O');
  for (let t = 0; t < all.length; ) {
    const first = t++;
    const { type } = all[first]!;
    if (matches(start, previous, all[first]!)) {
      while (t < tags.length && matches(inside, all[t - 1]!, all[t]!)) t++;
      if (matches(end, all[t - 1]!, all[t]!)) entities.push({ type, start: first, end: t });
    }
    previous = all[t - 1]!;
  }
  return entities;
}

type Tag = ReturnType<typeof splitTag>;

function matches(rules: readonly string[], previous: Tag, current: Tag): boolean {
  return rules.some((rule) => {
    const [before, now, relation] = rule;
    const tagsMatch = (before === '.' || before === previous.prefix) && (now === '.' || now === current.prefix);
    return tagsMatch && (relation === '*' || (relation === '=') === (previous.type === current.type));
  });
}

function checkTag(tag: string, scheme: Scheme): Tag {
  const parts = splitTag(tag);
  if (tag !== '' && RULES[scheme].tags.includes(parts.prefix)) return parts;
  const expected = `a tag of ${scheme} (prefixes ${[...RULES[scheme].tags].join(', ')})`;
  refuse('strictEntities', 'tags', expected, JSON.stringify(tag));
}
