// Asks Dawn for a GPU adapter as the engine does: prints its name and exits 0, or says why there is none and exits 3;
// exits 1 where Dawn itself cannot run.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const DAWN_NEEDS = 'Dawn (npm package webgpu) needs Linux with glibc 2.34 or newer, macOS or Windows, on x64 or arm64';

// Dawn writes this on stderr whenever it meets a Vulkan adapter; it is no error, and no toggle silences it.
const NOISE = /^Warning: maxDynamic\w+ artificially reduced .*$/;

// Holds Dawn's instances: were one collected, the pending request would die with it.
const instances = [];

async function request(create, backend, options) {
  instances.push(create(backend));
  return instances.at(-1).requestAdapter(options);
}

async function ask() {
  const { create } = await import('webgpu');
  let adapter = await request(create, []);
  if (!adapter) {
    // The engine takes a card with OpenGL ES alone too. Software by OpenGL is none: Vulkan's, which can be installed, is faster.
    const other = await request(create, ['backend=opengles'], { featureLevel: 'compatibility' });
    if (other && !/llvmpipe|softpipe|swiftshader/i.test(other.info.device)) adapter = other;
  }
  if (adapter) {
    const { vendor, architecture, device, description } = adapter.info;
    console.log(`${description || device || 'unnamed adapter'} [${vendor} ${architecture}]`);
  }
  process.exit(adapter ? 0 : 3);
}

/** The request runs in a child: Dawn's own words can then be sifted, and a driver that crashes or hangs is reported. */
function report() {
  const args = [fileURLToPath(import.meta.url), 'ask'];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  const words = child.stderr.split('\n').filter((line) => line.trim() && !NOISE.test(line));
  if (child.status === 0) {
    console.log(child.stdout.trim());
  } else if (child.status === 3) {
    const said = words.find((line) => line.startsWith('Warning: ')) ?? words[0];
    const reason = said?.replace(/^Warning: |: cannot open shared object file.*|\.$/g, '');
    console.error(`Dawn finds no GPU adapter${reason ? ` (${reason})` : ''}`);
    process.exitCode = 3;
  } else if (child.signal || child.error) {
    const end = child.signal ?? child.error.message;
    console.error(`Dawn ended with ${end} while asking for an adapter: update the GPU's driver, then run this again.`);
    process.exitCode = 1;
  } else {
    const error = words.find((line) => /^\w*Error\b/.test(line)) ?? words[0] ?? `exit ${child.status}`;
    console.error(`Dawn cannot run here (${error.trim()}): ${DAWN_NEEDS}.`);
    process.exitCode = 1;
  }
}

if (process.argv[2] === 'ask') await ask();
else report();
