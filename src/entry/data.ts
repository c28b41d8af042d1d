// weftgrad/data: readers, labels, vocabulary, order and batches; what measures a tagger; the schema of a tagger's configuration. Pure:
// bytes or arrays in, arrays out.
export * from '../data/index.ts';
export * from '../metrics/index.ts';
export { TAGGER_SCHEMA, type TaggerConfig } from '../ner/config-schema.ts';
