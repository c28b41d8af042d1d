// The shape of a word never seen in training: a few classes that tell a name from a number from a comma.

/** Shapes in the order of their ids. */
export const WORD_SHAPES = ['lower', 'capitalised', 'upper', 'mixed', 'digits', 'punctuation'] as const;

export type WordShape = (typeof WORD_SHAPES)[number];

/** `Київ` capitalised, `ООН` upper, `iPhone` and `Boeing-747` mixed, `12.5` digits, `…` punctuation, the rest lower. */
export function wordShape(word: string): WordShape {
  const letters = word.replace(/[^\p{L}\p{M}]/gu, '');
  const hasDigits = /\p{N}/u.test(word);
  if (letters === '') return hasDigits ? 'digits' : 'punctuation';
  if (hasDigits) return 'mixed';
  if (letters === letters.toLowerCase()) return 'lower';
  const [first = ''] = letters;
  const rest = letters.slice(first.length);
  if (first !== first.toLowerCase() && rest === rest.toLowerCase()) return 'capitalised';
  return letters === letters.toUpperCase() ? 'upper' : 'mixed';
}
