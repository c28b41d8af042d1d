// Sequences: a bidirectional LSTM on ragged rows. With `lengths` a row ends at its own end, and padding changes nothing.
import {
  Adam,
  argmax,
  backward,
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

const IGNORE = -100; // a label without loss: padding has no tag
const VOCABULARY = 12;

/** Tags every token with 1 where the row's last id is odd, else 0: the news has to travel back from the end of each row. */
class Tagger extends Module {
  readonly embedding = new Embedding(VOCABULARY, 16, { paddingIdx: 0 });
  readonly lstm = new LSTM(16, 16, { bidirectional: true, batchFirst: true });
  readonly classifier = new Linear(32, 2);

  /** `ids` `[B, T]`, `lengths` `[B]` → scores `[B, T, 2]`. */
  forward(ids: Tensor, lengths: Tensor): Tensor {
    const { output } = this.lstm.forward(this.embedding.forward(ids), { lengths });
    return this.classifier.forward(output);
  }
}

const device = await init();
manualSeed(3);
const model = new Tagger();
const optimizer = new Adam(model.parameters(), { lr: 0.03 });

for (let n = 1; n <= 60; n++) {
  const { ids, tags, lengths } = batchOf(randomRows(n, 16));
  const loss = step(() => {
    const loss = crossEntropy(model.forward(ids, lengths), tags, { ignoreIndex: IGNORE });
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  if (n % 15 === 0) console.log(`step ${n}  loss ${(await loss.item()).toFixed(4)}`);
  for (const t of [ids, tags, lengths, loss]) t.dispose();
}

const rows = [[5, 3, 8, 5], [7, 2], [1, 2, 3, 4, 5, 6], [9]];
const together = await predict(rows);
for (const [i, row] of rows.entries()) console.log(row.join(' ').padEnd(12), '→', together[i]!.join(' '));
const alone = await Promise.all(rows.map(async (row) => (await predict([row]))[0]));
console.log('the same in a batch as alone:', JSON.stringify(alone) === JSON.stringify(together));
device.destroy();

async function predict(rows: number[][]): Promise<number[][]> {
  const { ids, lengths } = batchOf(rows);
  const best = await step(() => noGrad(() => argmax(model.forward(ids, lengths), -1))).data();
  const width = ids.shape[1]!;
  return rows.map((row, i) => Array.from(best.slice(i * width, i * width + row.length)));
}

/** Rows of different lengths as `[B, T]`: ids padded with 0, tags with `IGNORE`. */
function batchOf(rows: number[][]): { ids: Tensor; tags: Tensor; lengths: Tensor } {
  const width = Math.max(...rows.map((row) => row.length));
  const padded = (row: number[], value: number) => [...row, ...Array<number>(width - row.length).fill(value)];
  const tags = rows.map((row) => row.map(() => row.at(-1)! % 2));
  const integers = (values: number[] | number[][]) => tensor(values, { dtype: 'i32' });
  return {
    ids: integers(rows.map((row) => padded(row, 0))),
    tags: integers(tags.map((row) => padded(row, IGNORE))),
    lengths: integers(rows.map((row) => row.length)),
  };
}

/** `count` rows of 2 to 7 ids; the same for the same seed. */
function randomRows(seed: number, count: number): number[][] {
  let state = seed * 2654435761;
  const below = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return Array.from({ length: count }, () => Array.from({ length: 2 + below(6) }, () => 1 + below(VOCABULARY - 1)));
}
