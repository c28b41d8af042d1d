// What a command says of a configuration before it works by it.
import type { TaggerConfig } from '../ner/index.ts';

/** Says on standard error that the numbers to come depend on how sentences fall into batches, where they do. */
export function notePadding({ model }: TaggerConfig): void {
  if (model.packed) return;
  console.error(
    'model.packed is false: rows run over their padding, so a sentence’s scores depend on the longest one of its batch',
  );
}

/** Says on standard error that the schedule will not be reached, where it will not. */
export function noteSchedule({ scheduler, training }: TaggerConfig): void {
  const { name, startEpoch } = scheduler;
  if (name === 'none' || startEpoch < training.epochs) return;
  console.error(
    `scheduler.startEpoch is ${startEpoch} and training.epochs ${training.epochs}: the rate stays at the first of the schedule`,
  );
}
