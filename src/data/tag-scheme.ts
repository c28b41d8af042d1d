// Entity tag schemes of data files (IOB1, IOB2, IOBES, BILOU): which tags and transitions are legal, and conversion to IOB2.

/** How a file writes entities; `any` means plain labels such as parts of speech, which are taken as they are. */
export type TagScheme = 'IOB1' | 'IOB2' | 'IOBES' | 'BILOU' | 'any';

const PREFIXES: Record<TagScheme, string> = { IOB1: 'BI', IOB2: 'BI', IOBES: 'BIES', BILOU: 'BILU', any: '' };

/** True if `tag` is `O` or `<prefix>-<type>` with a prefix of the scheme and a type that is not empty. */
export function isTag(tag: string, scheme: TagScheme): boolean {
  if (scheme === 'any' || tag === 'O') return true;
  return tag.length > 2 && tag[1] === '-' && PREFIXES[scheme].includes(tag[0]!);
}

/** What `isTag` accepts, in words. */
export function describeTags(scheme: TagScheme): string {
  const prefixes = [...PREFIXES[scheme]].map((prefix) => `${prefix}-<type>`);
  return ['O', ...prefixes].join(', ');
}

/** Positions `t` whose tag may not follow the one before it; `tags.length` stands for an entity left open at the end. */
export function illegalTransitions(tags: readonly string[], scheme: TagScheme): number[] {
  // Every sequence of B and I is legal IOB1 when read as conlleval does: I- opens an entity where none of its type is open.
  if (scheme === 'any' || scheme === 'IOB1') return [];
  const illegal: number[] = [];
  for (let t = 0; t < tags.length; t++) {
    if (!mayFollow(tags[t - 1] ?? 'O', tags[t]!, scheme)) illegal.push(t);
  }
  if (scheme !== 'IOB2' && tags.length > 0 && !mayFollow(tags.at(-1)!, 'O', scheme)) illegal.push(tags.length);
  return illegal;
}

/** The same entities in IOB2, read as conlleval reads them: a tag that continues nothing opens an entity. */
export function toIob2(tags: readonly string[]): string[] {
  return tags.map((tag, t) => {
    if (tag === 'O') return tag;
    const previous = tags[t - 1] ?? 'O';
    const opens = 'BSU'.includes(tag[0]!) || 'OELSU'.includes(previous[0]!) || typeOf(previous) !== typeOf(tag);
    return `${opens ? 'B' : 'I'}-${typeOf(tag)}`;
  });
}

/** The entity type of a tag, the empty string for `O`. */
export function typeOf(tag: string): string {
  return tag.slice(2);
}

function mayFollow(previous: string, tag: string, scheme: TagScheme): boolean {
  const continues = 'IEL'.includes(tag[0]!);
  const sameType = typeOf(previous) === typeOf(tag);
  const open = 'BI'.includes(previous[0]!);
  if (scheme === 'IOB2') return !continues || (open && sameType);
  return open ? continues && sameType : !continues;
}
