// Ukrainian declension of the corpus's names: a table of endings and the rule for stems that change.

/** Order of the endings in every row of the table. */
export const CASES = ['nom', 'gen', 'dat', 'acc', 'ins', 'loc'] as const;
export type Case = (typeof CASES)[number];
export type Gender = 'm' | 'f' | 'n';

const row = (gender: Gender, endings: string) => ({
  gender,
  endings: endings.split(' ').map((e) => (e === '-' ? '' : e)),
});

/** Endings by class, in the order of CASES; `-` is a bare stem. */
export const DECLENSIONS: Record<string, { gender: Gender; endings: string[] }> = {
  man: row('m', '- а ові а ом ові'),
  manO: row('m', 'о а ові а ом ові'),
  manJ: row('m', 'й я єві я єм єві'),
  manSoft: row('m', 'ь я еві я ем еві'),
  manR: row('m', '- я еві я ем еві'),
  sur: row('m', '- а у а ом ові'),
  surO: row('m', 'о а у а ом ові'),
  surR: row('m', '- я ю я ем еві'),
  surSoft: row('m', 'ь я ю я ем еві'),
  surCh: row('m', '- а у а ем еві'),
  surC: row('m', '- я ю я ем еві'),
  adjMan: row('m', 'ий ого ому ого им ому'),
  adjThing: row('m', 'ий ого ому ий им ому'),
  adjThingSoft: row('m', 'ій ього ьому ій ім ьому'),
  adjWoman: row('f', 'а ої ій у ою ій'),
  adjNeuter: row('n', 'е ого ому е им ому'),
  womanA: row('f', 'а и і у ою і'),
  womanSh: row('f', 'а і і у ею і'),
  womanJa: row('f', 'я і і ю ею і'),
  womanIja: row('f', 'я ї ї ю єю ї'),
  femaleN: row('f', 'ь і і ь ню і'),
  femaleB: row('f', 'ь і і ь ю і'),
  town: row('m', '- а у - ом і'),
  townSk: row('m', '- а у - ом у'),
  townSoft: row('m', 'ь я ю ь ем і'),
  townCh: row('m', '- а у - ем і'),
  cup: row('m', '- а ові - ом у'),
  thingO: row('n', 'о а у о ом і'),
  neuterJa: row('n', 'я я ю я ям і'),
  pluralZero: row('n', 'и - ам и ами ах'),
  pluralIv: row('n', 'и ів ам и ами ах'),
  pluralSoft: row('n', 'і ів ям і ями ях'),
  orgM: row('m', '- у ові - ом і'),
  orgK: row('m', '- у ові - ом у'),
  orgJ: row('m', 'й ю єві й єм ї'),
  orgSoft: row('m', 'ь ю еві ь ем і'),
  fixedM: row('m', '- - - - - -'),
  fixedF: row('f', '- - - - - -'),
  fixedN: row('n', '- - - - - -'),
};

/** Before the ending -і of the dative and locative г, к, х become з, ц, с: Рига, в Ризі. */
const SOFTENED: Record<string, string> = { г: 'з', к: 'ц', х: 'с' };

/** One word `stem+class` or `nominative/stem+class` in a case; a word without a class is returned as it is. */
export function declineWord(word: string, grammaticalCase: Case): string {
  const [body, cls] = word.split('+');
  if (cls === undefined) return word;
  const declension = DECLENSIONS[cls];
  if (declension === undefined) throw new Error(`declineWord: no class "${cls}" for "${word}".`);
  const ending = declension.endings[CASES.indexOf(grammaticalCase)]!;
  const [nominative, changed] = body!.split('/');
  const stem = changed ?? nominative!;
  if (changed !== undefined && ending === declension.endings[0]) return nominative!;
  const last = stem.at(-1)!;
  const softens = ending === 'і' && /[Гг]|[Кк]|[Хх]/.test(last) && !cls.startsWith('plural');
  return (softens ? stem.slice(0, -1) + SOFTENED[last]! : stem) + ending;
}

/** A phrase in a case: each of its words with a class declines, the others stay. */
export function decline(phrase: string, grammaticalCase: Case): string[] {
  return phrase.split(' ').map((word) => declineWord(word, grammaticalCase));
}

/** Gender of a phrase: that of its first word with a class, masculine where none has one. */
export function genderOf(phrase: string): Gender {
  const cls = /\+(\w+)/.exec(phrase)?.[1];
  return cls === undefined ? 'm' : DECLENSIONS[cls]!.gender;
}
