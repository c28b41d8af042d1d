// Tagged sentences to look at: brackets, colours and HTML, none of which lets the text steer what shows it.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { highlight, highlightHtml } from '../../src/node/highlight.ts';

const sentences = [
  { tokens: ['Тарас', 'Шевченко', 'їде', 'до', 'Києва', '.'], tags: ['B-PERS', 'I-PERS', 'O', 'O', 'B-LOC', 'O'] },
  { tokens: ['Anna', 'Boris'], tags: ['B-PERS', 'B-PERS'] },
  { tokens: ['nothing', 'here'], tags: ['O', 'O'] },
];
const BRACKETS = '[PERS Тарас Шевченко] їде до [LOC Києва] .\n[PERS Anna] [PERS Boris]\nnothing here\n';
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal are control characters
const withoutColors = (text: string) => text.replace(/\u001b\[[0-9;]+m/g, '');

beforeEach(() => {
  for (const name of ['NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => vi.unstubAllEnvs());

describe('terminal', () => {
  test('brackets without colour, and no legend', () => {
    expect(highlight(sentences, { color: false })).toBe(BRACKETS);
  });

  test('colours: one for each type, the same in text and legend', () => {
    const text = highlight(sentences, { color: true });
    expect(withoutColors(text)).toBe(
      ' Тарас Шевченко  їде до  Києва  .\n Anna   Boris \nnothing here\n\n LOC   PERS \n',
    );
    const paintBefore = (word: string) =>
      text
        .slice(0, text.indexOf(` ${word} `))
        .split('\n')
        .at(-1)!
        .split(' ')
        .at(-1)!;
    expect(paintBefore('Києва')).toBe(paintBefore('LOC'));
    expect(paintBefore('LOC')).not.toBe(paintBefore('PERS'));
    expect(highlight(sentences, { color: true, legend: false })).not.toContain('LOC');
    expect(highlight(sentences.slice(2), { color: true })).toBe('nothing here\n');
  });

  test('colours follow the order of the types given, and the legend shows those met', () => {
    const types = ['PERS', 'MISC', 'LOC'];
    const both = highlight(sentences, { color: true, types });
    expect(withoutColors(both).split('\n').at(-2)).toBe(' PERS   LOC ');
    const alone = highlight(sentences.slice(1), { color: true, types });
    expect(both).toContain(alone.split('\n')[0]);
  });

  test('eighteen types look different', () => {
    const types = Array.from({ length: 18 }, (_, i) => `T${String.fromCharCode(65 + i)}`);
    const many = types.map((type) => ({ tokens: ['x'], tags: [`B-${type}`] }));
    const lines = highlight(many, { color: true, types, legend: false }).trimEnd().split('\n');
    expect(new Set(lines).size).toBe(18);
  });

  test.each([
    ['a terminal', {}, true, true],
    ['a pipe', {}, false, false],
    ['NO_COLOR', { NO_COLOR: '1' }, true, false],
    ['NO_COLOR over FORCE_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
    ['a dumb terminal', { TERM: 'dumb' }, true, false],
  ])('colour of itself: %s', (_, env, isTTY, colored) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(highlight(sentences, { stream: { isTTY } }).includes('\u001b[')).toBe(colored);
  });

  test('tags that spell no legal entity are read as conlleval reads them', () => {
    const odd = { tokens: ['a', 'b', 'c'], tags: ['I-X', 'I-Y', 'O'] };
    expect(highlight([odd], { color: false })).toBe('[X a] [Y b] c\n');
  });

  test('control characters and direction marks of the text do not reach the terminal', () => {
    const hostile = { tokens: ['\u001b[2J', 'a\r\nb', '\u202egnp'], tags: ['B-X', 'O', 'O'] };
    expect(highlight([hostile], { color: false })).toBe('[X �[2J] a��b �gnp\n');
  });

  test('refuses tags that do not pair with tokens', () => {
    expect(() => highlight([{ tokens: ['a'], tags: [] }])).toThrow(
      'highlight: sentence must be one tag per token, got 1 tokens and 0 tags.',
    );
  });
});

describe('HTML', () => {
  test('a page of marks with their types, counts in the legend', () => {
    const page = highlightHtml(sentences, { title: 'A & B', types: ['PERS', 'ORG', 'LOC'] });
    expect(page).toContain('<title>A &amp; B</title>');
    expect(page).toContain(
      '<mark class="t0">Тарас Шевченко<b>PERS</b></mark> їде до <mark class="t2">Києва<b>LOC</b></mark> .',
    );
    expect(page).toContain(
      '<li><mark class="t0">3<b>PERS</b></mark></li>\n<li><mark class="t1">0<b>ORG</b></mark></li>',
    );
    expect(page.match(/--hue: \d+;/g)).toHaveLength(3);
  });

  test('text is text: nothing of it becomes markup, nothing is loaded or run', () => {
    const evil = `<img src=x onerror="alert('1')">`;
    const page = highlightHtml([{ tokens: [evil, '&amp;'], tags: [`B-${evil}`, 'O'] }], { title: '</title><script>' });
    expect(page).not.toMatch(/<(img|script)/);
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;');
    expect(page).toContain(' &amp;amp;</li>');
    expect(page).not.toMatch(/https?:|src="|href=|@import|url\(/);
  });
});
