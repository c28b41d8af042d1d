// The labels a tagger chooses among: names, their ids, and the entity types they spell in IOB2.
import { refuse } from '../check.ts';

/** Label names in the order of their ids. */
export class LabelSet {
  readonly names: readonly string[];
  /** Entity types of `B-<type>` and `I-<type>` names, in the order they first appear; empty for plain labels. */
  readonly types: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.names = [...names];
    this.ids = new Map(names.map((name, id) => [name, id]));
    if (names.length === 0 || this.ids.size !== names.length) {
      const actual = names.length === 0 ? 'none' : `${names.length} of which ${this.ids.size} distinct`;
      refuse('LabelSet', 'names', 'one or more distinct names', actual);
    }
    this.types = isIob2(names) ? [...new Set(names.filter((name) => name !== 'O').map((name) => name.slice(2)))] : [];
  }

  /** The labels of a corpus: `O`, then `B-` and `I-` of every type in alphabetical order; plain labels in that order. */
  static of(tagSequences: Iterable<readonly string[]>): LabelSet {
    const found = new Set<string>();
    for (const tags of tagSequences) for (const tag of tags) found.add(tag);
    const names = [...found].sort();
    if (!isIob2(names)) return new LabelSet(names);
    const types = [...new Set(names.filter((name) => name !== 'O').map((name) => name.slice(2)))].sort();
    return new LabelSet(['O', ...types.flatMap((type) => [`B-${type}`, `I-${type}`])]);
  }

  get size(): number {
    return this.names.length;
  }

  /** The id of a name, undefined if it is not in the set. */
  find(name: string): number | undefined {
    return this.ids.get(name);
  }

  /** The id of a name; throws an ArgumentError if it is not in the set. */
  index(name: string): number {
    const id = this.ids.get(name);
    if (id !== undefined) return id;
    const expected = `one of the ${this.size} labels (${this.names.slice(0, 12).join(', ')}${this.size > 12 ? ', …' : ''})`;
    refuse('LabelSet.index', 'name', expected, JSON.stringify(name));
  }

  /** The name of an id; throws an ArgumentError if there is none. */
  name(id: number): string {
    const name = this.names[id];
    if (name !== undefined) return name;
    const expected = `an integer from 0 to ${this.size - 1}`;
    refuse('LabelSet.name', 'id', expected, id);
  }

  /** The names; `new LabelSet(names)` reads them back. */
  toJSON(): string[] {
    return [...this.names];
  }
}

function isIob2(names: readonly string[]): boolean {
  return names.every((name) => name === 'O' || /^[BI]-./.test(name)) && names.some((name) => name !== 'O');
}
