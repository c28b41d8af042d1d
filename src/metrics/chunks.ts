// Entities of a tag sequence as conlleval finds them: any tags, legal or not, are read as some entities.

/** An entity: its type and the tokens `start` to `end - 1`. */
export interface Entity {
  type: string;
  start: number;
  end: number;
}

/** The letter and the type of a tag; `O` and a bare `B` have the type `_` (seqeval). */
export function splitTag(tag: string): { prefix: string; type: string } {
  const rest = tag.slice(1);
  return { prefix: tag[0] ?? 'O', type: (rest.startsWith('-') ? rest.slice(1) : rest) || '_' };
}

/**
 * Entities by the rules of conlleval.pl as seqeval's default mode extends them to S: an I- with nothing to continue opens
 * an entity, a change of type closes one. For B, I and O the same as conlleval.pl; that script alone lets a B- after an E-
 * go on with the entity before and knows no S-.
 */
export function chunksOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let previous = splitTag('O');
  let start = 0;
  for (let t = 0; t <= tags.length; t++) {
    const current = splitTag(tags[t] ?? 'O');
    if (endsChunk(previous, current)) entities.push({ type: previous.type, start, end: t });
    if (startsChunk(previous, current)) start = t;
    previous = current;
  }
  return entities;
}

type Tag = ReturnType<typeof splitTag>;

function endsChunk(previous: Tag, current: Tag): boolean {
  if ('ES'.includes(previous.prefix)) return true;
  if ('BI'.includes(previous.prefix) && 'BSO'.includes(current.prefix)) return true;
  return previous.prefix !== 'O' && previous.type !== current.type;
}

function startsChunk(previous: Tag, current: Tag): boolean {
  if ('BS'.includes(current.prefix)) return true;
  if ('ESO'.includes(previous.prefix) && 'EI'.includes(current.prefix)) return true;
  return current.prefix !== 'O' && previous.type !== current.type;
}
