// Everything that measures a tagger: means, accuracy, token F1, entity F1 and their reports.
export { Accuracy } from './accuracy.ts';
export { Average } from './average.ts';
export { chunksOf, type Entity } from './chunks.ts';
export { type ClassScore, ConfusionMatrix } from './confusion.ts';
export { classificationReport, conllevalReport } from './entity-report.ts';
export { type Scheme, strictEntities } from './schemes.ts';
export { EntityF1, type EntityF1Options, type EntityScores, type Score, type TypeCounts } from './seqeval.ts';
export { SequenceF1 } from './sequence-f1.ts';
