// `weft train --tune`: choices found earlier on this adapter, and the timings of those that are missing.
import { readFileSync } from 'node:fs';
import type { TaggerConfig } from '../entry/data.ts';
import type { Device } from '../index.ts';
import { type Corpus, tuneTagger } from '../ner/index.ts';
import { readTuning, takeChoices, textTable, tuningFile, writeTuning } from '../node/index.ts';

export async function tune(device: Device, config: TaggerConfig, corpus: Corpus): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const file = tuningFile(version);
  takeChoices(device, await readTuning(file, device.info.name));
  const found = await tuneTagger(config, corpus);
  if (found.length > 0) {
    await writeTuning(file, device.info.name, Object.fromEntries(found.map(({ key, choice }) => [key, choice])));
    const rows = found.map(({ key, choice, ms, tableMs }) => [key, choice, ms, tableMs]);
    console.error(textTable(rows, { header: ['tuned now', 'kernel', 'ms', 'ms untuned'] }));
  }
  console.error(`kernels  ${[...device.choices].map(([key, choice]) => `${key}: ${choice}`).join(', ')} (${file})`);
}
