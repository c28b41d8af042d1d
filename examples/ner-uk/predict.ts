// Tags Ukrainian text with a run of the study: `npx tsx -C source examples/ner-uk/predict.ts runs/ner-uk/small/lstm "Текст…"`.
import { init } from 'weftgrad';
import { BEST, loadTagger, predict, sentences } from 'weftgrad/ner';
import { highlight, openSafetensorsFile } from 'weftgrad/node';

const [folder, ...text] = process.argv.slice(2);
if (!folder) {
  console.error('usage: predict.ts <folder of a run> [text]');
  process.exit(2);
}
const sample =
  'Учора президент Володимир Зеленський зустрівся у Львові з представниками Нафтогазу. Засідання Верховної Ради відбудеться в Києві.';
const device = await init();
try {
  const { model, vocabulary, labels } = await loadTagger(await openSafetensorsFile(`${folder}/${BEST}`));
  const split = sentences(text.length > 0 ? text.join(' ') : sample).map((s) => s.map((w) => w.text));
  const tags = await predict(model, split, { vocabulary, labels });
  console.log(highlight(split.map((tokens, i) => ({ tokens, tags: tags[i]! }))));
  model.dispose();
} finally {
  device.destroy();
}
