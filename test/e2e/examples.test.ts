// The numbered examples run as they are, end by themselves, and say what they are there to say.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runSource } from './child.ts';

/** What each example must print, beside leaving with code 0. */
const SAYS: Record<string, RegExp> = {
  '01-tensors.ts': /^refused {3}matmul: the inner dimensions must be equal, got 3 and 2/m,
  '02-autograd.ts': /^√2 ≈ 1\.414214$/m,
  '03-linear-regression.ts': /^y = 2\.000 a -3\.000 b \+ 0\.500$/m,
  '04-modules-and-optimisers.ts': /^accuracy (1\.000|0\.9[5-9]\d)$/m,
  '05-lstm-sequences.ts': /^5 3 8 5 {6}→ 1 1 1 1\n7 2 {10}→ 0 0\n[\s\S]*^the same in a batch as alone: true$/m,
  '06-safetensors.ts':
    /^same bits as the run that never stopped: true\n[\s\S]*^loaded model equals the saved one: true$/m,
  '07-custom-op.ts':
    /^softsign {2}-0\.667 -0\.333 {2}0\.000 {2}0\.500 {2}0\.750\nslope {6}0\.111 {2}0\.444 {2}1\.000 {2}0\.250 {2}0\.063\n.*agrees/m,
  '08-custom-optimiser.ts': /^as in plain JavaScript: true$/m,
};

const numbered = readdirSync(join(root, 'examples')).filter((name) => /^\d\d-.*\.ts$/.test(name));

test('every numbered example is run here', () => {
  expect(numbered).toEqual(Object.keys(SAYS));
});

test.each(numbered)('%s', async (name) => {
  const { code, signal, out, error } = await runSource(join('examples', name));
  expect({ code, signal, error }).toEqual({ code: 0, signal: null, error: '' });
  expect(out).toMatch(SAYS[name]!);
});
