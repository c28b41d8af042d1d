// Templates to tagged sentences: expands slots, alternatives and agreement, then fits prepositions and capitals to their neighbours.
//
//   (a b|c|)      one of the alternatives, chosen uniformly; an empty one is allowed
//   {m|f}         agreement with the gender of the sentence's person S
//   [m|f|n]       agreement with the organisation or event named last
//   <S.gen>       the sentence's person in the genitive; <M.ins>, <F.ins> a man, a woman; <P.nom> either
//   <S.sur.nom>   surname alone
//   <CITY.loc>    an entity of a pool of words.ts; without a case, the nominative
//   <#day>        a number: day, year, born (a year), time, small, big, price
//   <where>       a rule of the same language, itself a template with alternatives
//   <town.gen>    the rule `town.gen`, or the rule `town` with the case in the place of its `*`
//   у~ з~ і~      prepositions and conjunction in the form that the neighbouring sounds ask for
import type { Random } from './random.ts';
import {
  type Case,
  decline,
  declineSurname,
  type EntityType,
  type Entry,
  firstNames,
  type Gender,
  genderOf,
  type Language,
  namesOf,
  type Part,
  patronymic,
  surnames,
} from './words.ts';

export type Tag = 'O' | `${'B' | 'I'}-${EntityType}`;
export interface Sentence {
  tokens: string[];
  tags: Tag[];
}

/** The templates of one language: rules are phrases both parts share, `train` and `test` are whole sentences. */
export interface Grammar {
  language: Language;
  rules: Record<string, string>;
  train: readonly string[];
  test: readonly string[];
  /** Ways to wrap a training template that has no full stop of its own; `*` is the template. */
  frames: readonly string[];
}

interface State extends Sentence {
  grammar: Grammar;
  part: Part;
  random: Random;
  person: 'm' | 'f';
  organisation: Gender;
  used: Set<string>;
}

const NUMBERS: Record<string, (random: Random) => string> = {
  day: (r) => String(1 + r.below(28)),
  year: (r) => String(1991 + r.below(34)),
  born: (r) => String(1921 + r.below(78)),
  time: (r) => `${7 + r.below(15)}:${r.pick(['00', '15', '30', '45'])}`,
  small: (r) => String(r.pick([5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 20])),
  big: (r) => String((2 + r.below(90)) * 10 + r.pick([0, 5, 6, 7, 8, 9])),
  price: (r) => String((3 + r.below(60)) * 500),
};

/** Splits at a separator outside brackets of any kind. */
function splitOutside(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const char of text) {
    if ('([{<'.includes(char)) depth++;
    else if (')]}>'.includes(char)) depth--;
    if (char === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function addEntity(state: State, words: readonly string[], type: EntityType): void {
  words.forEach((word, i) => {
    state.tokens.push(word);
    state.tags.push(`${i === 0 ? 'B' : 'I'}-${type}`);
  });
}

/** A person's name: mostly first name and surname, sometimes with a patronymic or an initial, or the surname alone. */
function addPerson(state: State, gender: 'm' | 'f', grammaticalCase: Case, surnameOnly: boolean): void {
  const { random, part } = state;
  const { language } = state.grammar;
  const last = declineSurname(pickUnused(state, surnames(language, part)).phrase, gender, grammaticalCase);
  const first = decline(pickUnused(state, firstNames(language, gender, part)).phrase, grammaticalCase);
  const roll = random.below(100);
  const index = random.below(18);
  if (surnameOnly) addEntity(state, last, 'PERS');
  else if (roll >= 10) addEntity(state, [...first, ...last], 'PERS');
  else if (language === 'uk')
    addEntity(state, [...first, ...patronymic(gender, index, grammaticalCase), ...last], 'PERS');
  else addEntity(state, [...first, `${'ABCJLMRS'[index % 8]}.`, ...last], 'PERS');
}

/** An entry that the sentence has not named yet, so that no train runs from a town to itself. */
function pickUnused(state: State, list: readonly Entry[]): Entry {
  let found = state.random.pick(list);
  for (let attempt = 0; attempt < 8 && state.used.has(found.key); attempt++) found = state.random.pick(list);
  state.used.add(found.key);
  return found;
}

function expandSlot(state: State, slot: string): void {
  const { random, grammar, part } = state;
  if (slot.startsWith('#')) {
    state.tokens.push(NUMBERS[slot.slice(1)]!(random));
    state.tags.push('O');
    return;
  }
  const fields = slot.split('.');
  const name = fields[0]!;
  const grammaticalCase = (fields.length > 1 ? fields.at(-1) : 'nom') as Case;
  if ('SMFP'.includes(name)) {
    const gender =
      name === 'S' ? state.person : name === 'M' ? 'm' : name === 'F' ? 'f' : random.pick(['m', 'f'] as const);
    addPerson(state, gender, grammaticalCase, fields[1] === 'sur');
    return;
  }
  const names = namesOf(grammar.language, name, part);
  if (names) {
    const { phrase } = pickUnused(state, names.entries);
    state.organisation = genderOf(phrase);
    addEntity(state, decline(phrase, grammaticalCase), names.type);
    return;
  }
  const rule = grammar.rules[slot] ?? grammar.rules[name]?.replaceAll('*', grammaticalCase);
  if (rule === undefined) throw new Error(`expand: no pool and no rule "${slot}" in the ${grammar.language} grammar.`);
  expand(state, random.pick(splitOutside(rule, '|')));
}

function expand(state: State, template: string): void {
  for (const piece of splitOutside(template.trim().replace(/\s+/g, ' '), ' ')) {
    if (piece === '') continue;
    const inner = piece.slice(1, -1);
    if (piece.startsWith('<') && piece.length > 1) expandSlot(state, inner);
    else if (piece.startsWith('(')) expand(state, state.random.pick(splitOutside(inner, '|')));
    else if (piece.startsWith('{')) expand(state, splitOutside(inner, '|')[state.person === 'm' ? 0 : 1]!);
    else if (piece.startsWith('[')) expand(state, splitOutside(inner, '|')['mfn'.indexOf(state.organisation)]!);
    else {
      state.tokens.push(piece);
      state.tags.push('O');
    }
  }
}

const VOWEL = /^[аеєиіїоуюя]/i;

/** The euphonic form of у~/в, з~/із/зі and і~/й between two tokens (Ukrainian orthography, paragraphs 23-24). */
function euphonic(word: string, before: string | undefined, after: string): string {
  const afterVowel = before !== undefined && VOWEL.test(before.at(-1)!);
  if (word === 'у~') {
    if (VOWEL.test(after)) return 'в';
    return afterVowel && !/^([вф]|льв|[стхдз]в)/i.test(after) ? 'в' : 'у';
  }
  if (word === 'і~') return afterVowel && !/^[йєїюяі]/i.test(after) ? 'й' : 'і';
  if (/^([сзшщжцч][^аеєиіїоуюяь]|льв|мст|вт|вс)/i.test(after)) return 'зі';
  return /^[сзшщжцч]/i.test(after) ? 'із' : 'з';
}

/** One sentence of a template, the same for the same stream: no comma before a stop, the first letter a capital. */
export function realise(grammar: Grammar, template: string, part: Part, random: Random): Sentence {
  const person = random.pick(['m', 'f'] as const);
  const state: State = { grammar, part, random, person, organisation: 'm', used: new Set(), tokens: [], tags: [] };
  const framed = /[.?!]$/.test(template) ? template : random.pick(grammar.frames).replace('*', template);
  expand(state, framed);
  const kept = state.tokens.map((token, i, all) => token !== ',' || !/^[.,;]$/.test(all[i + 1] ?? ''));
  const tags = state.tags.filter((_, i) => kept[i]);
  const tokens = state.tokens
    .filter((_, i) => kept[i])
    .map((token, i, all) =>
      token.length > 1 && token.endsWith('~') ? euphonic(token, all[i - 1], all[i + 1] ?? '') : token,
    );
  const start = tokens.findIndex((token) => /[\p{L}\p{N}]/u.test(token));
  if (start >= 0) tokens[start] = tokens[start]!.charAt(0).toUpperCase() + tokens[start]!.slice(1);
  return { tokens, tags };
}
