// A state dict goes from PyTorch to weft and back where there is a PyTorch; where there is none, that is said aloud.
import { expect, test } from 'vitest';
import { runSource } from './child.ts';

const SCRIPT = 'examples/torch-roundtrip/roundtrip.ts';
/** Names of a two-layer bidirectional LSTM in a state dict, layer norm and classifier beside it. */
const TENSORS = 21;

test('PyTorch’s state dict trains on in weft, and weft’s loads strictly in PyTorch', async ({ skip }) => {
  const { code, signal, out, error } = await runSource(SCRIPT);
  if (code === 3) {
    console.warn(`SKIPPED: the round trip through PyTorch was not tested here. ${error.trim()}`);
    skip();
  }
  expect({ code, signal, error }).toEqual({ code: 0, signal: null, error: '' });
  expect(out.match(/^\S+ +\[.*\] +0 +0 +PASS$/gm)).toHaveLength(TENSORS);
  expect(out).toMatch(/^scores .* PASS$/m);
  expect(out).toMatch(/^PASS: 21 tensors equal both ways, scores within \d/m);
});

test('a Python without PyTorch is named, with what to do', async () => {
  const { code, out, error } = await runSource(SCRIPT, [], { env: { ...process.env, PYTHON: 'no-such-python' } });
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(error).toMatch(/^torch-roundtrip: none of no-such-python can import torch\. Install PyTorch .*PYTHON=/);
});
