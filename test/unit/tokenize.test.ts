import { expect, test } from 'vitest';
import { sentences, tokenisedLines, words } from '../../src/ner/tokenize.ts';

const texts = (text: string, options = {}) => sentences(text, options).map((s) => s.map((w) => w.text).join(' '));

test('words keep apostrophes, hyphens and numbers whole', () => {
  expect(words("Прем'єр-міністр п’ятого поверху заплатив 1,5 млн (12:30).").map((w) => w.text)).toEqual([
    "Прем'єр-міністр",
    'п’ятого',
    'поверху',
    'заплатив',
    '1,5',
    'млн',
    '(',
    '12:30',
    ')',
    '.',
  ]);
});

test('places point into the text', () => {
  const text = '  Олена — в Києві.';
  for (const word of words(text)) expect(text.slice(word.start, word.end)).toBe(word.text);
});

test('sentences end at a full stop before a capital, not inside an abbreviation', () => {
  expect(texts('She left the U.S. army. Then she wrote! «Так?» Він мовчав… І пішов')).toEqual([
    'She left the U.S. army .',
    'Then she wrote !',
    '« Так ? »',
    'Він мовчав …',
    'І пішов',
  ]);
});

test('a blank line ends a sentence, a line only when asked', () => {
  expect(texts('Новини дня\n\nКиїв\nЛьвів')).toEqual(['Новини дня', 'Київ Львів']);
  expect(texts('Київ\nЛьвів', { lines: true })).toEqual(['Київ', 'Львів']);
});

test('nothing gives nothing', () => {
  expect(texts(' \n ')).toEqual([]);
});

test('tokenised text: the n-th sentence is the n-th line, whatever blanks stand where', () => {
  const of = (text: string) => tokenisedLines(text).map((words) => words.join('|'));
  expect(of('Ann lives\n\n\nBob\n')).toEqual(['Ann|lives', '', '', 'Bob']);
  expect(of('\n Ann \t lives  \r\n \t\r\nBob')).toEqual(['', 'Ann|lives', '', 'Bob']);
  expect(of('Ann\n\n')).toEqual(['Ann', '']);
  expect(of('')).toEqual([]);
  expect(of('\n')).toEqual(['']);
  expect(of('Ann\rBob\r')).toEqual(['Ann', 'Bob']);
  expect(of('10\u00a0000 грн\u2028 .')).toEqual(['10\u00a0000|грн\u2028|.']);
});
