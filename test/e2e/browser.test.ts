// The page of examples/09-browser: a tagger trains in a tab of Chromium, its loss is drawn, and what is typed is tagged.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { root } from './child.ts';

const program = ['chromium', 'google-chrome', 'chromium-browser']
  .flatMap((name) => (process.env.PATH ?? '').split(':').map((folder) => join(folder, name)))
  .find((path) => existsSync(path));
/** WebGPU on the processor, and no word to the world outside. */
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

let server: ChildProcess | undefined;
afterAll(() => server?.kill());

test('trains in a tab, draws its loss and tags what is typed', async () => {
  if (!program) return console.warn('SKIPPED: no Chromium is here; to have the page tested: apt-get install chromium');
  server = spawn(process.execPath, ['-C', 'source', '--import', 'tsx', 'examples/09-browser/serve.ts', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(server.stdout!, 'data')) as [Buffer];
  const url = /http:\S+/.exec(String(said))![0];
  const browser = await chromium.launch({ executablePath: program, args: FLAGS });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(`${url}?epochs=1`);
    const status = page.locator('#status');
    const ended = () => /F1/.test(document.getElementById('status')!.textContent!);
    await page.waitForFunction(ended, undefined, { timeout: 100_000 });
    expect(problems).toEqual([]);
    expect(await status.textContent()).toMatch(/^.* · 75 steps in \d+ s · validation F1 0\.\d{3}$/);
    const heights = (await page.locator('polyline.loss').getAttribute('points'))!
      .split(' ')
      .map((point) => Number(point.split(',')[1]));
    expect(heights).toHaveLength(75);
    const mean = (some: number[]) => some.reduce((a, b) => a + b) / some.length;
    // Down on the page is down in the loss; a decade is at least a third of the chart's 218.
    expect(mean(heights.slice(-10))).toBeGreaterThan(mean(heights.slice(0, 10)) + 20);
    await page.fill('#sentence', 'Kyiv, 2024: Olena!');
    await page.waitForFunction(() => document.getElementById('tagged')!.textContent!.includes('2024'));
    const words = (await page.locator('#tagged').textContent())!.trim().split(/\s+/);
    expect(words).toEqual(['Kyiv', ',', '2024', ':', 'Olena', '!']);
  } finally {
    await browser.close();
  }
});
