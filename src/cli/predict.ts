// weft predict <checkpoint> [text…]: tags text from the command line, a file or standard input.
import { Command, Option } from 'commander';
import { readText } from '../entry/data.ts';
import { DataError } from '../index.ts';
import { loadTagger, predict, sentences, tokenisedLines } from '../ner/index.ts';
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
    .option(
      '--tokenised',
      'the text has one sentence a line, words separated by spaces; so has the result, a blank line for a blank line',
      false,
    )
    .option('--adapter <name>', 'part of the adapter’s name')
    .action(run);
}

async function run(file: string, text: string[], flags: PredictFlags): Promise<void> {
  const input = await textOf(text, flags.file);
  const split = flags.tokenised ? tokenisedLines(input) : sentences(input).map((s) => s.map((w) => w.text));
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

/** The text to tag: of the command line, of a file, or of standard input; refused where it is not UTF-8. */
async function textOf(words: readonly string[], file: string | undefined): Promise<string> {
  if (words.length === 0)
    return file === undefined ? readText(await readStdin(), 'standard input') : readText(await readBytes(file), file);
  if (file !== undefined)
    throw new DataError(file, undefined, 'is not read: there is text on the command line too; give one.');
  const text = words.join(' ');
  // Node has decoded the arguments by now, and this stands for bytes that it could not decode.
  if (text.includes('\ufffd'))
    throw new DataError('command line', undefined, 'the text has U+FFFD, which stands for bytes that are not UTF-8.');
  return text;
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
