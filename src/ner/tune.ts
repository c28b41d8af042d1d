// Tuning for a tagger: what its training step multiplies, tuned on the device at hand.
import { backward } from '../ops/backward.ts';
import { crossEntropy } from '../ops/index.ts';
import { samplesOf, type TunedGemm, tuneGemm } from '../ops/tune-gemm.ts';
import { getDevice } from '../tensor/create.ts';
import { Generator } from '../tensor/random.ts';
import { step } from '../tensor/scope.ts';
import { buildModel, buildVocabulary, type Corpus, encode, trainLoader } from './build.ts';
import type { TaggerConfig } from './config-schema.ts';
import { flatScores, toDevice } from './evaluate.ts';

/** Batches whose products are tuned for: the first of the run. */
const BATCHES = 8;

/**
 * Tunes the products of the run's first batches that the device has no choice for yet, on a model of its own. Returns what it
 * found; the device goes by it from then on.
 */
export async function tuneTagger(config: TaggerConfig, corpus: Corpus): Promise<TunedGemm[]> {
  const device = getDevice();
  const vocabulary = buildVocabulary(config, corpus);
  const generator = new Generator(config.training.seed);
  const model = buildModel(config, vocabulary.size, corpus.labels.names.length, { generator });
  try {
    const samples = samplesOf(device, () => {
      let left = BATCHES;
      for (const batch of trainLoader(config, encode(corpus.train, vocabulary)).iterate(0)) {
        step(() => {
          const { ids, labels, lengths } = toDevice(batch);
          const flat = flatScores(model.forward({ ids, lengths }), labels);
          backward(crossEntropy(flat.scores, flat.labels));
          for (const parameter of model.parameters()) {
            parameter.grad?.dispose();
            parameter.grad = undefined;
          }
        });
        if (--left === 0) break;
      }
    });
    await device.synchronize();
    return await tuneGemm(
      device,
      [...samples].filter(([key]) => !device.choices.has(key)).map(([, sample]) => sample),
    );
  } finally {
    model.dispose();
    generator.dispose();
  }
}
