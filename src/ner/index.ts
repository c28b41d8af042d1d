// weftgrad/ner: named-entity tagging from sentences to tags. Runs anywhere; files are weftgrad/node's.
export { Tagger, type TaggerOptions } from '../models/tagger.ts';
export {
  buildModel,
  buildOptimizer,
  buildScheduler,
  buildVocabulary,
  type Corpus,
  corpusOf,
  encode,
  trainLoader,
} from './build.ts';
export type { TaggerConfig } from './config-schema.ts';
export { type Evaluation, evaluate } from './evaluate.ts';
export { type PredictOptions, predict } from './predict.ts';
export type { BestEpoch } from './resume.ts';
export { BEST, LAST, type RunStore, refuseEarlierRun } from './run-store.ts';
export {
  loadTagger,
  type SessionOptions,
  type SessionResult,
  trainTagger,
} from './session.ts';
export { sentences, tokenisedLines, type Word, words } from './tokenize.ts';
export { tuneTagger } from './tune.ts';
