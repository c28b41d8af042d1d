// Pools of entities by slot name, split so that no name of one part of the corpus occurs in another.
import { type Case, decline, type Gender, genderOf } from './declension.ts';
import * as en from './words-en.ts';
import * as uk from './words-uk.ts';

export type EntityType = 'PERS' | 'LOC' | 'ORG' | 'MISC';
export type Part = 'train' | 'valid' | 'test';
export type Language = 'uk' | 'en';

/** One entity: its phrase in declension notation and the name that decides its part. */
export interface Entry {
  phrase: string;
  key: string;
}

const entry = (phrase: string): Entry => ({ phrase, key: decline(phrase, 'nom').join(' ') });
const entries = (list: readonly string[]): Entry[] => list.map(entry);

/** Adjective of place + kind, agreeing in gender; the adjective decides the part. */
const placed = (kinds: readonly string[]): Entry[] =>
  uk.PLACE_ADJECTIVES.flatMap((stem) => kinds.map((kind) => ({ phrase: `${stem}+${kind}`, key: `${stem}ий` })));

/** Every form filled with every name, `*` marking its place; the name decides the part. */
const filled = (forms: readonly string[], names: readonly string[]): Entry[] =>
  names.flatMap((name) => forms.map((form) => ({ phrase: form.replace('*', name), key: name })));

const headed = (head: string, fields: readonly string[]): Entry[] =>
  fields.map((field) => ({ phrase: `${head} ${field}`, key: field }));

type Pools = Record<string, { type: EntityType; entries: Entry[] }>;
const pool = (type: EntityType, list: Entry[]) => ({ type, entries: list });

const UK_POOLS: Pools = {
  CITY: pool('LOC', entries(uk.CITIES)),
  VILLAGE: pool('LOC', entries(uk.VILLAGES)),
  COUNTRY: pool('LOC', entries(uk.COUNTRIES)),
  RIVER: pool('LOC', entries(uk.RIVERS)),
  REGION: pool('LOC', entries(uk.REGIONS)),
  OBLAST: pool('LOC', placed(uk.REGION_KINDS)),
  STREET: pool('LOC', entries(uk.SURNAMES)),
  COMPANY: pool('ORG', entries(uk.COMPANIES)),
  CLUB: pool('ORG', entries(uk.CLUBS)),
  PRESS: pool('ORG', entries(uk.PRESS)),
  SCHOOL: pool('ORG', placed(uk.SCHOOL_KINDS)),
  STAGE: pool('ORG', placed(uk.STAGE_KINDS)),
  MUSEUM: pool('ORG', placed(uk.MUSEUM_KINDS)),
  HOSPITAL: pool('ORG', placed(uk.HOSPITAL_KINDS)),
  COUNCIL: pool('ORG', placed(uk.COUNCIL_KINDS)),
  COURT: pool('ORG', placed(uk.COURT_KINDS)),
  INSTITUTE: pool('ORG', headed('Інститут+orgM', uk.INSTITUTE_FIELDS)),
  AGENCY: pool('ORG', [...entries(uk.AGENCIES), ...headed('Міністерств+thingO', uk.MINISTRY_FIELDS)]),
  WORK: pool('MISC', entries(uk.WORKS)),
  LAW: pool('MISC', entries(uk.LAWS)),
  AWARD: pool('MISC', entries(uk.AWARDS)),
  CUP: pool('MISC', entries(uk.CUPS)),
  HOLIDAY: pool('MISC', entries(uk.HOLIDAYS)),
  FEST: pool('MISC', [...entries(uk.FESTIVALS), ...placed(uk.FESTIVAL_KINDS)]),
  PRODUCT: pool('MISC', entries(en.PRODUCTS)),
};

const EN_POOLS: Pools = {
  CITY: pool('LOC', entries(en.CITIES)),
  TOWN: pool('LOC', entries(en.TOWNS)),
  COUNTRY: pool('LOC', entries(en.COUNTRIES)),
  RIVER: pool('LOC', entries(en.RIVERS)),
  NATURE: pool('LOC', filled(['Lake *', 'Mount *', '* Bay', '* Valley'], en.NATURE_STEMS)),
  STREET: pool('LOC', filled(['* Street', '* Road', '* Square'], en.STREET_STEMS)),
  COMPANY: pool('ORG', [
    ...filled(
      en.COMPANY_TRADES.map((trade) => `* ${trade}`),
      en.COMPANY_STEMS,
    ),
    ...filled(['*', '*', '*', '*', '*'], en.COMPANY_STEMS),
  ]),
  PRESS: pool('ORG', filled(['* Books', '* Press'], en.COMPANY_STEMS)),
  CLUB: pool(
    'ORG',
    filled(
      en.CLUB_ENDINGS.map((ending) => `* ${ending}`),
      en.CITIES,
    ),
  ),
  SCHOOL: pool('ORG', filled(en.SCHOOL_FORMS, en.CITIES)),
  COLLEGE: pool('ORG', filled(en.COLLEGE_FORMS, en.CITIES)),
  MUSEUM: pool('ORG', filled(en.MUSEUM_FORMS, en.CITIES)),
  COUNCIL: pool('ORG', filled(en.COUNCIL_FORMS, en.CITIES)),
  ACRONYM: pool('ORG', entries(en.ACRONYMS)),
  AGENCY: pool('ORG', entries(en.AGENCIES)),
  MINISTRY: pool('ORG', filled(en.MINISTRY_FORMS, en.MINISTRY_FIELDS)),
  WORK: pool('MISC', entries(en.WORKS)),
  LAW: pool('MISC', filled(['* Act', '* Bill'], en.LAW_STEMS)),
  AWARD: pool('MISC', entries(en.AWARDS)),
  CUP: pool('MISC', entries(en.CUPS)),
  HOLIDAY: pool('MISC', entries(en.HOLIDAYS)),
  FEST: pool('MISC', [...entries(en.FESTIVALS), ...filled(en.FESTIVAL_FORMS, en.CITIES)]),
  PRODUCT: pool('MISC', entries(en.PRODUCTS)),
};

const POOLS: Record<Language, Pools> = { uk: UK_POOLS, en: EN_POOLS };
const PEOPLE = {
  uk: { m: entries(uk.MALE_FIRST), f: entries(uk.FEMALE_FIRST), surnames: entries(uk.SURNAMES) },
  en: { m: entries(en.MALE_FIRST), f: entries(en.FEMALE_FIRST), surnames: entries(en.SURNAMES) },
};

/** FNV-1a with a final mix: the order in which names are dealt out, unrelated to their spelling. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Names that are common words of the templates as well stay in train, where both readings can be learnt. */
const COMMON_WORDS = 'Hope Rose Will Young Long Winter Роман Віра Надія Коваль Мороз Голуб Мельник Ткач Швець'.split(
  ' ',
);

/** Deals every list's names out, 30 % to test, 10 % to valid; a name that is in two lists (a city and a surname) keeps its part. */
function dealParts(lists: readonly Entry[][]): Map<string, Part> {
  const parts = new Map<string, Part>(COMMON_WORDS.map((name) => [name, 'train']));
  const keyLists = lists.map((list) => [...new Set(list.map(({ key }) => key))]);
  for (const keys of keyLists.sort((a, b) => a.length - b.length)) {
    const held = (part: Part) => keys.filter((key) => parts.get(key) === part).length;
    let test = Math.round(keys.length * 0.3) - held('test');
    let valid = Math.max(1, Math.round(keys.length * 0.1)) - held('valid');
    for (const key of keys.filter((k) => !parts.has(k)).sort((a, b) => hashOf(a) - hashOf(b))) {
      parts.set(key, test-- > 0 ? 'test' : valid-- > 0 ? 'valid' : 'train');
    }
  }
  return parts;
}

const PARTS = dealParts([
  ...[UK_POOLS, EN_POOLS].flatMap((pools) => Object.values(pools).map((p) => p.entries)),
  ...[PEOPLE.uk, PEOPLE.en].flatMap((people) => Object.values(people)),
]);

const selected = new Map<Entry[], Record<Part, Entry[]>>();

/** The entries of a list that belong to a part, computed once. */
function inPart(list: Entry[], part: Part): Entry[] {
  let byPart = selected.get(list);
  if (!byPart) {
    byPart = { train: [], valid: [], test: [] };
    for (const item of list) byPart[PARTS.get(item.key)!].push(item);
    selected.set(list, byPart);
  }
  return byPart[part];
}

/** Type and entries of a slot such as `CITY` in one part; undefined where the slot is not a pool of names. */
export function namesOf(
  language: Language,
  slot: string,
  part: Part,
): { type: EntityType; entries: Entry[] } | undefined {
  const found = POOLS[language][slot];
  return found && { type: found.type, entries: inPart(found.entries, part) };
}

/** First names of a gender in one part. */
export function firstNames(language: Language, gender: 'm' | 'f', part: Part): Entry[] {
  return inPart(PEOPLE[language][gender], part);
}

/** Surnames in one part, in their masculine notation. */
export function surnames(language: Language, part: Part): Entry[] {
  return inPart(PEOPLE[language].surnames, part);
}

/** Words of a surname in a case; women's surnames decline only where they end in -а or are adjectives. */
export function declineSurname(phrase: string, gender: 'm' | 'f', grammaticalCase: Case): string[] {
  if (gender === 'm' || !phrase.includes('+')) return decline(phrase, grammaticalCase);
  if (phrase.endsWith('+adjMan')) return decline(phrase.replace('+adjMan', '+adjWoman'), grammaticalCase);
  return decline(phrase, phrase.endsWith('+womanA') ? grammaticalCase : 'nom');
}

/** Words of a patronymic (no name of the corpus is split by it). */
export function patronymic(gender: 'm' | 'f', index: number, grammaticalCase: Case): string[] {
  const list = gender === 'm' ? uk.PATRONYMIC_MALE : uk.PATRONYMIC_FEMALE;
  return decline(list[index % list.length]!, grammaticalCase);
}

export { type Case, decline, type Gender, genderOf };
