// Entity scores as text: conlleval.pl's report and seqeval's classification report, to the character.
import type { EntityF1, Score, TypeCounts } from './seqeval.ts';

/** The report of conlleval.pl: percentages over all entities, then of every type with the number found. */
export function conllevalReport(metric: EntityF1): string {
  const totals = metric.totals();
  const counts = `${metric.tokens} tokens with ${totals.gold} phrases; found: ${totals.predicted} phrases`;
  let text = `processed ${counts}; correct: ${totals.correct}.\n`;
  if (metric.tokens > 0) {
    text += `accuracy: ${percent((100 * metric.correctTokens) / metric.tokens)}; ${percentages(totals)}\n`;
  }
  for (const type of [...metric.types.keys()].sort()) {
    const found = metric.types.get(type)!;
    text += `${type.padStart(17)}: ${percentages(found)}  ${found.predicted}\n`;
  }
  return text;
}

/** The report of seqeval's and scikit-learn's `classification_report`, with `digits` decimals. */
export function classificationReport(metric: EntityF1, digits = 2): string {
  const { micro, macro, weighted, perType } = metric.scores();
  const width = Math.max('weighted avg'.length, digits, ...[...perType.keys()].map((type) => type.length));
  const line = (name: string, cells: readonly string[]) =>
    `${name.padStart(width)} ${cells.map((cell) => ` ${cell.padStart(9)}`).join('')}\n`;
  const row = (name: string, { precision, recall, f1, support }: Score) =>
    line(name, [...[precision, recall, f1].map((value) => decimal(value, digits)), String(support)]);
  const types = [...perType].map(([type, score]) => row(type, score)).join('');
  const averages = row('micro avg', micro) + row('macro avg', macro) + row('weighted avg', weighted);
  return `${line('', ['precision', 'recall', 'f1-score', 'support'])}\n${types}\n${averages}`;
}

/** Worked out in per cent from the start, as conlleval.pl does, so that the last digit rounds alike. */
function percentages({ gold, predicted, correct }: TypeCounts): string {
  const precision = predicted > 0 ? (100 * correct) / predicted : 0;
  const recall = gold > 0 ? (100 * correct) / gold : 0;
  const f1 = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
  return `precision: ${percent(precision)}; recall: ${percent(recall)}; FB1: ${decimal(f1, 2).padStart(6)}`;
}

function percent(value: number): string {
  return `${decimal(value, 2).padStart(6)}%`;
}

/** C's `%.<digits>f`: a value exactly between two decimals goes to the even one, where `toFixed` takes the larger. */
export function decimal(value: number, digits: number): string {
  const larger = value.toFixed(digits);
  // Half-way decimals that a binary fraction can hold are exactly the odd multiples of 2^-(digits + 1).
  const halves = value * 2 ** (digits + 1);
  const isTie = Number.isInteger(halves) && halves % 2 !== 0;
  return isTie && Number(larger.at(-1)) % 2 === 1 ? (value - 10 ** -digits / 4).toFixed(digits) : larger;
}
