// What a command says of a configuration before it works by it.
import type { TaggerConfig } from '../ner/index.ts';

/** Says on standard error that the numbers to come depend on how sentences fall into batches, where they do. */
export function notePadding({ model }: TaggerConfig): void {
  if (model.packed) return;
  console.error(
    'model.packed is false: rows run over their padding, so a sentence’s scores depend on the longest one of its batch',
  );
}
