// Entity precision, recall and F1: conlleval.pl's figures (default mode), or strict mode by scheme, both as seqeval gives them.
import { refuse } from '../check.ts';
import { chunksOf, type Entity } from './chunks.ts';
import { labelledRows } from './rows.ts';
import { type Scheme, strictEntities } from './schemes.ts';

/** Entities of one type: in the gold tags, predicted, and predicted with the right type and bounds. */
export interface TypeCounts {
  gold: number;
  predicted: number;
  correct: number;
}

export interface Score {
  precision: number;
  recall: number;
  f1: number;
  /** Gold entities. */
  support: number;
}

/** All from 0 to 1; a quotient over nothing is 0. */
export interface EntityScores {
  /** Over all entities: what papers call the F1 of named-entity recognition. */
  micro: Score;
  /** Unweighted mean over types. */
  macro: Score;
  /** Mean over types weighted by their gold entities. */
  weighted: Score;
  /** Of every type met, in the order of their names. */
  perType: Map<string, Score>;
  /** Tags predicted right over all tags. */
  accuracy: number;
}

export interface EntityF1Options {
  /** Names of the class ids, needed by `update`. */
  labels?: readonly string[];
  /**
   * Accept only entities spelled as this scheme says; default: read tags as conlleval.pl does, which knows no `U-`, `L-`, `M-` or
   * `W-`: like seqeval it takes them for `I-`, and warns.
   */
  strict?: Scheme;
}

/** Counts entities sentence by sentence; memory does not grow with the corpus. */
export class EntityF1 {
  readonly types = new Map<string, TypeCounts>();
  tokens = 0;
  correctTokens = 0;
  private readonly labels: readonly string[];
  private readonly entitiesOf: (tags: readonly string[]) => Entity[];
  private warned: boolean;

  constructor({ labels = [], strict }: EntityF1Options = {}) {
    this.labels = labels;
    this.entitiesOf = strict ? (tags) => strictEntities(tags, strict) : chunksOf;
    this.warned = strict !== undefined;
  }

  /** Adds predictions and labels `[B, T]` of class ids; positions labelled -100 are left out of their sentence. */
  update(predictions: ArrayLike<number>, labels: ArrayLike<number>, time: number): void {
    for (const { gold, predicted } of labelledRows(predictions, labels, time, this.labels.length)) {
      this.add(this.namesOf(gold), this.namesOf(predicted));
    }
  }

  /** Adds the gold and the predicted tags of one sentence. */
  add(gold: readonly string[], predicted: readonly string[]): void {
    if (gold.length !== predicted.length) {
      const expected = `${gold.length} tags, one per gold tag`;
      refuse('EntityF1', 'predicted', expected, predicted.length);
    }
    this.warnOf(gold);
    this.warnOf(predicted);
    this.tokens += gold.length;
    for (const [i, tag] of gold.entries()) if (tag === predicted[i]) this.correctTokens++;
    const goldKeys = new Set<string>();
    for (const entity of this.entitiesOf(gold)) {
      goldKeys.add(`${entity.start} ${entity.end} ${entity.type}`);
      this.countsOf(entity.type).gold++;
    }
    for (const entity of this.entitiesOf(predicted)) {
      const counts = this.countsOf(entity.type);
      counts.predicted++;
      if (goldKeys.has(`${entity.start} ${entity.end} ${entity.type}`)) counts.correct++;
    }
  }

  /** Says once that entities are counted otherwise than their scheme means them. */
  private warnOf(tags: readonly string[]): void {
    if (this.warned) return;
    const foreign = tags.find((tag) => /^[ULMW]-/.test(tag));
    if (foreign === undefined) return;
    this.warned = true;
    const reading = `${JSON.stringify(foreign)} is read as "I${foreign.slice(1)}", as seqeval does without a scheme, so that entities side by side are one`;
    console.warn(`EntityF1: ${reading}. Give \`strict\` (BILOU), or convert the tags first (toIob2).`);
  }

  /** Sums over all types. */
  totals(): TypeCounts {
    const sum = { gold: 0, predicted: 0, correct: 0 };
    for (const counts of this.types.values()) {
      sum.gold += counts.gold;
      sum.predicted += counts.predicted;
      sum.correct += counts.correct;
    }
    return sum;
  }

  /** The scores of what was added so far. */
  scores(): EntityScores {
    const perType = new Map([...this.types.keys()].sort().map((type) => [type, scoreOf(this.types.get(type)!)]));
    const scores = [...perType.values()];
    return {
      micro: scoreOf(this.totals()),
      macro: mean(scores, () => 1),
      weighted: mean(scores, (score) => score.support),
      perType,
      accuracy: ratio(this.correctTokens, this.tokens),
    };
  }

  private countsOf(type: string): TypeCounts {
    let counts = this.types.get(type);
    if (!counts) this.types.set(type, (counts = { gold: 0, predicted: 0, correct: 0 }));
    return counts;
  }

  private namesOf(ids: readonly number[]): string[] {
    return ids.map((id) => this.labels[id]!);
  }
}

function scoreOf({ gold, predicted, correct }: TypeCounts): Score {
  const precision = ratio(correct, predicted);
  const recall = ratio(correct, gold);
  return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support: gold };
}

function mean(scores: readonly Score[], weightOf: (score: Score) => number): Score {
  const sum = { precision: 0, recall: 0, f1: 0, support: 0 };
  let weights = 0;
  for (const score of scores) {
    const weight = weightOf(score);
    weights += weight;
    sum.precision += score.precision * weight;
    sum.recall += score.recall * weight;
    sum.f1 += score.f1 * weight;
    sum.support += score.support;
  }
  const { precision, recall, f1, support } = sum;
  return { precision: ratio(precision, weights), recall: ratio(recall, weights), f1: ratio(f1, weights), support };
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
