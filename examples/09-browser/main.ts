// A page that trains: a BiLSTM tagger on generated sentences, its loss drawn step by step, then whatever is typed is tagged.
import {
  Adam,
  argmax,
  backward,
  clipGradNorm,
  compile,
  crossEntropy,
  Embedding,
  init,
  Linear,
  LSTM,
  Module,
  manualSeed,
  noGrad,
  step,
  type Tensor,
  tensor,
} from 'weftgrad';
import {
  type Batch,
  DataLoader,
  EntityF1,
  encodeSentences,
  RandomSampler,
  TaggedSentences,
  Vocabulary,
} from 'weftgrad/data';
import { generateCorpus } from '../corpus/generate.ts';
import { drawLoss } from './chart.ts';

const EPOCHS = Number(new URLSearchParams(location.search).get('epochs') ?? 3);
const BATCH = 32;

type Inputs = { ids: Tensor; labels: Tensor; lengths: Tensor };

class Tagger extends Module {
  readonly embedding: Embedding;
  readonly lstm = new LSTM(32, 32, { bidirectional: true, batchFirst: true });
  readonly classifier: Linear;

  constructor(words: number, tags: number) {
    super();
    this.embedding = new Embedding(words, 32, { paddingIdx: 0 });
    this.classifier = new Linear(64, tags);
  }

  /** `ids` `[B, T]`, `lengths` `[B]` → scores `[B, T, tags]`. */
  forward({ ids, lengths }: Omit<Inputs, 'labels'>): Tensor {
    return this.classifier.forward(this.lstm.forward(this.embedding.forward(ids), { lengths }).output);
  }
}

const element = <E extends Element>(id: string) => document.getElementById(id) as Element as E;
const status = element<HTMLElement>('status');
const say = (text: string) => (status.textContent = text);

try {
  await main();
} catch (error) {
  status.className = 'error';
  say(error instanceof Error ? error.message : String(error));
  throw error;
}

async function main(): Promise<void> {
  const device = await init();
  manualSeed(1);
  const { train, valid } = generateCorpus();
  const training = new TaggedSentences(train);
  const { labels } = training;
  // A word seen once is unknown to the tagger while it learns, so that it knows what to do with words that it has never seen.
  const vocabulary = Vocabulary.build([training.sentences], { minCount: 2, unknown: 'shape' });
  const sampler = new RandomSampler({ length: training.length, seed: 1 });
  const collate = { multipleOf: 8 }; // few lengths, so few recorded steps
  const loader = new DataLoader({ dataset: encodeSentences(training, vocabulary), batchSize: BATCH, sampler, collate });
  const model = new Tagger(vocabulary.size, labels.size);
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const update = compile(({ ids, labels, lengths }: Inputs) => {
    const loss = crossEntropy(model.forward({ ids, lengths }), labels);
    backward(loss);
    clipGradNorm(model.parameters(), 1);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });

  /** Tags of every row of a batch, one after another, `[B · T]`. */
  const predict = async (batch: Batch) => {
    const inputs = toDevice(batch);
    const best = step(() => noGrad(() => argmax(model.forward(inputs), -1)));
    const tags = await best.data();
    for (const t of [best, ...Object.values(inputs)]) t.dispose();
    return tags;
  };

  const losses: number[] = [];
  const start = performance.now();
  for (let epoch = 1; epoch <= EPOCHS; epoch++)
    for (const batch of loader.iterate(epoch)) {
      const inputs = toDevice(batch);
      const loss = update(inputs);
      losses.push(await loss.item());
      for (const t of [loss, ...Object.values(inputs)]) t.dispose();
      drawLoss(element('chart'), losses, EPOCHS * loader.length);
      const seconds = (performance.now() - start) / 1000;
      say(
        `${device.info.name} · step ${losses.length} of ${EPOCHS * loader.length} · loss ${losses.at(-1)!.toFixed(3)} · ` +
          `${(losses.length / seconds).toFixed(1)} steps/s`,
      );
      await new Promise(requestAnimationFrame); // lets the page be drawn
    }

  const f1 = new EntityF1({ labels: labels.toJSON() });
  const validation = encodeSentences(new TaggedSentences(valid, labels), vocabulary);
  for (const batch of new DataLoader({ dataset: validation, batchSize: BATCH, collate }))
    f1.update(await predict(batch), batch.labels, batch.time);
  const { f1: score } = f1.scores().micro;
  say(
    `${device.info.name} · ${losses.length} steps in ${((performance.now() - start) / 1000).toFixed(0)} s · validation F1 ${score.toFixed(3)}`,
  );

  const sentence = element<HTMLInputElement>('sentence');
  const show = async () => {
    const tokens = sentence.value.match(/[\p{L}\p{N}][\p{L}\p{N}’'.-]*[\p{L}\p{N}]|\S/gu) ?? [];
    if (tokens.length === 0) return element('tagged').replaceChildren();
    const typed = new TaggedSentences([{ tokens, tags: tokens.map(() => 'O') }], labels);
    const [batch] = new DataLoader({ dataset: encodeSentences(typed, vocabulary), batchSize: 1, collate });
    const tags = [...(await predict(batch!))].slice(0, tokens.length).map((id) => labels.name(id));
    element('tagged').replaceChildren(...marked(tokens, tags));
  };
  sentence.addEventListener('input', () => void show());
  await show();
}

function toDevice({ ids, labels, lengths, batch, time }: Batch): Inputs {
  return {
    ids: tensor(ids, { shape: [batch, time] }),
    labels: tensor(labels, { shape: [batch, time] }),
    lengths: tensor(lengths),
  };
}

/** The words, those of an entity in one mark. */
function marked(tokens: readonly string[], tags: readonly string[]): Node[] {
  const nodes: Node[] = [];
  let open: HTMLElement | undefined;
  tokens.forEach((token, i) => {
    const [prefix, type] = tags[i]!.split('-');
    if (open && prefix === 'I' && open.dataset.type === type) {
      open.textContent += ` ${token}`;
      return;
    }
    open = type === undefined ? undefined : Object.assign(document.createElement('mark'), { textContent: token });
    if (open) open.dataset.type = type;
    nodes.push(open ?? document.createTextNode(token), document.createTextNode(' '));
  });
  return nodes;
}
