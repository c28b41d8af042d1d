// The engine in a browser: bundled without Node's parts, trained on the browser's own WebGPU, beside the same steps in Node.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { type Trained, trainSmall } from './browser-script.ts';
import { root } from './child.ts';

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) console.warn('SKIPPED: the browser test needs chromium; none of the usual places has one');

/** WebGPU on the processor, so that it runs on a machine without a GPU; and no talk with anybody. */
const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function inBrowser(script: string): Promise<Trained> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/script.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>weft</title><script src="script.js"></script>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const browser = await chromium.launch({ executablePath: browserPath!, headless: true, args: FLAGS });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) errors.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const trained = await page.evaluate(() =>
      (globalThis as unknown as { trainSmall(): Promise<Trained> }).trainSmall(),
    );
    expect(errors).toEqual([]);
    return trained;
  } finally {
    await browser.close();
    server.close();
  }
}

test.skipIf(!browserPath)(
  'RNN, GRU and LSTM taggers train in a browser as they do in Node',
  { timeout: 240_000 },
  async () => {
    const bundle = await build({
      stdin: {
        contents: `import { trainSmall } from './test/e2e/browser-script.ts'; globalThis.trainSmall = trainSmall;`,
        resolveDir: root,
      },
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      conditions: ['source'],
      logLevel: 'error',
    });
    const there = await inBrowser(bundle.outputFiles[0]!.text);
    const here = await trainSmall();
    console.info(`browser adapter: ${there.adapter}; Node adapter: ${here.adapter}`);
    expect(there.adapter).not.toBe(here.adapter);
    expect(there.replayed).toBe(30);
    for (const cell of ['rnn', 'gru', 'lstm']) {
      expect(there.losses[cell]!.at(-1)!, `${cell} learns`).toBeLessThan(0.8 * there.losses[cell]![0]!);
      there.losses[cell]!.forEach((loss, n) => {
        expect(Math.abs(loss - here.losses[cell]![n]!), `${cell}, step ${n}`).toBeLessThan(
          1e-3 * here.losses[cell]![n]!,
        );
      });
    }
  },
);
