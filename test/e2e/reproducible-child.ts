// What reproducible.test.ts runs in a process of its own: 200 steps of a tiny tagger, or a part of them, with its files in a folder.
import { trainTagger } from '../../src/ner/index.ts';
import { folderStore } from '../../src/node/index.ts';
import { init } from '../../src/tensor/create.ts';
import { tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

const [folder, stopAfter] = process.argv.slice(2) as [string, string];
const device = await init();
let batches = 0;
const { finished, history } = await trainTagger({
  // Five epochs of 40 batches; the schedule moves, and cycles Adam's betas, at every batch.
  config: tinyConfig({ scheduler: { name: 'onecycle', every: 'batch', maxLr: 0.02 } }),
  corpus: tinyCorpus(160),
  store: folderStore(folder),
  resume: true,
  shouldStop: () => ++batches >= Number(stopAfter),
});
console.log(JSON.stringify({ finished, batches, epochs: history.map((e) => e.epoch) }));
device.destroy();
