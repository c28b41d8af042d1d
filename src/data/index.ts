// Everything about data: reading, labels, vocabulary, order, batches.

export { DOMAIN, type Key, permutation, streamKey, streamOf, threefry2x32, uniform, uniformAt } from '../random.ts';
export { type Batch, type CollateOptions, Collator } from './collate.ts';
export { type ConllOptions, readConll } from './conll.ts';
export { type Sentence, TaggedSentences } from './dataset.ts';
export { type EncodedFields, EncodedSentences, encodeSentences, IGNORE_INDEX } from './encoded.ts';
export type { ReadOptions, ReadResult } from './intake.ts';
export { readJsonParts } from './json-parts.ts';
export { readJsonl, readLabelList } from './jsonl.ts';
export { LabelSet } from './label-set.ts';
export { readText } from './lines.ts';
export { DataLoader, type DataLoaderOptions } from './loader.ts';
export type { ErrorPolicy, ProblemKind, ReadReport } from './read-report.ts';
export { BucketSampler, type BucketSamplerOptions, RandomSampler, type Sampler, SequentialSampler } from './sampler.ts';
export { type LabelStatistics, labelStatistics } from './statistics.ts';
export { isTag, type TagScheme, toIob2 } from './tag-scheme.ts';
export { Vocabulary, type VocabularyJson, type VocabularyOptions } from './vocab.ts';
export { WORD_SHAPES, type WordShape, wordShape } from './word-shape.ts';
