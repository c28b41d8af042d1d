// npm run browser [-- --port 8000]: bundles the page and serves it until Ctrl-C.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { context } from 'esbuild';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8000' } } });
const folder = fileURLToPath(new URL('.', import.meta.url));
const bundle = await context({
  entryPoints: { main: `${folder}main.ts` },
  outdir: folder,
  bundle: true,
  format: 'esm',
  conditions: ['source'],
  logLevel: 'warning',
  logOverride: { 'ignored-bare-import': 'silent' }, // of types alone
  write: false,
});
const { hosts, port } = await bundle.serve({ servedir: folder, host: '127.0.0.1', port: Number(values.port) });
console.log(`open http://${hosts[0]}:${port}/ in a browser with WebGPU; Ctrl-C ends`);
