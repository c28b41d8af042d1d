// weft predict <checkpoint> [text…]: tags text from the command line, a file or standard input.
import { Command, Option } from 'commander';
import { loadTagger, predict, sentences } from '../ner/index.ts';
import { highlight, highlightHtml, openSafetensorsFile, readBytes } from '../node/index.ts';
import { withDevice } from './device.ts';

interface PredictFlags {
  file?: string;
  format: 'text' | 'conll' | 'jsonl' | 'html';
  tokenised: boolean;
  adapter?: string;
}

export function predictCommand(): Command {
  return new Command('predict')
    .description('tag text')
    .argument('<checkpoint>', 'a .safetensors file that weft train wrote')
    .argument('[text...]', 'text to tag; default: --file, else standard input')
    .option('--file <path>', 'read the text from a file (.gz too)')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['text', 'conll', 'jsonl', 'html']).default('text'),
    )
    .option('--tokenised', 'the text has one sentence a line, words separated by spaces', false)
    .option('--adapter <name>', 'part of the adapter’s name')
    .action(run);
}

async function run(file: string, text: string[], flags: PredictFlags): Promise<void> {
  const input =
    text.length > 0 ? text.join(' ') : flags.file ? decode(await readBytes(flags.file)) : decode(await readStdin());
  const split = flags.tokenised
    ? input
        .split(/\r?\n/)
        .map((line) => line.split(/\s+/).filter(Boolean))
        .filter((words) => words.length > 0)
    : sentences(input).map((s) => s.map((w) => w.text));
  await withDevice({ adapter: flags.adapter }, async () => {
    const { model, vocabulary, labels } = await loadTagger(await openSafetensorsFile(file));
    const tags = await predict(model, split, { vocabulary, labels });
    const tagged = split.map((tokens, i) => ({ tokens, tags: tags[i]! }));
    process.stdout.write(print(tagged, flags.format));
    model.dispose();
  });
}

function print(tagged: { tokens: string[]; tags: string[] }[], format: PredictFlags['format']): string {
  if (format === 'html') return highlightHtml(tagged);
  if (format === 'jsonl') return tagged.map((s) => `${JSON.stringify(s)}\n`).join('');
  if (format === 'conll')
    return tagged.map((s) => `${s.tokens.map((token, i) => `${token}\t${s.tags[i]}\n`).join('')}\n`).join('');
  return highlight(tagged);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: false }).decode(bytes);
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
