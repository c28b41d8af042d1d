// What the browser test runs there and here: a few steps of three small taggers, every kind of kernel among them.
import {
  Adam,
  backward,
  clipGradNorm,
  compile,
  crossEntropy,
  Dropout,
  Embedding,
  Generator,
  GRU,
  init,
  LayerNorm,
  Linear,
  LSTM,
  RNN,
  relu,
  reshape,
  type Tensor,
  tensor,
} from '../../src/index.ts';

export interface Trained {
  adapter: string;
  /** Losses of the steps, by cell. */
  losses: Record<string, number[]>;
  /** Steps that were replays. */
  replayed: number;
}

const [BATCH, TIME, WORDS, TAGS, STEPS] = [5, 11, 40, 4, 12];

export async function trainSmall(): Promise<Trained> {
  const device = await init();
  const losses: Record<string, number[]> = {};
  let replayed = 0;
  for (const [name, Cell] of Object.entries({ rnn: RNN, gru: GRU, lstm: LSTM })) {
    const generator = new Generator(3);
    const options = { generator };
    const embedding = new Embedding(WORDS, 12, { paddingIdx: 0, ...options });
    const dropout = new Dropout(0.2, options);
    const cell = new Cell(12, 10, { bidirectional: true, batchFirst: true, ...options });
    const norm = new LayerNorm(20);
    const head = new Linear(20, TAGS, options);
    const parameters = [embedding, cell, norm, head].flatMap((module) => module.parameters());
    const optimizer = new Adam(parameters, { lr: 0.02 });
    const step = compile(({ ids, tags, lengths }: { ids: Tensor; tags: Tensor; lengths: Tensor }) => {
      const { output } = cell.forward(dropout.forward(embedding.forward(ids)), { lengths });
      const loss = crossEntropy(reshape(head.forward(relu(norm.forward(output))), [-1, TAGS]), tags);
      backward(loss);
      clipGradNorm(parameters, 1);
      optimizer.step();
      optimizer.zeroGrad();
      return loss;
    });
    const lengths = Int32Array.from({ length: BATCH }, (_, row) => TIME - 2 * row);
    const ids = Int32Array.from({ length: BATCH * TIME }, (_, i) =>
      i % TIME < lengths[Math.floor(i / TIME)]! ? 1 + ((i * 17) % (WORDS - 1)) : 0,
    );
    const inputs = {
      ids: tensor(ids, { shape: [BATCH, TIME] }),
      tags: tensor(ids.map((id) => (id === 0 ? -100 : id % TAGS))),
      lengths: tensor(lengths),
    };
    losses[name] = [];
    for (let n = 0; n < STEPS; n++) {
      generator.step = n;
      losses[name].push(await step(inputs).item());
    }
    replayed += step.stats.replayed;
  }
  const adapter = device.info.name;
  device.destroy();
  return { adapter, losses, replayed };
}
