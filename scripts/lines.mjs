// npm run lines [-- <commit>]: lines of the house, counted the same way in any commit that has src/ and shaders/ (the working tree by
// default). Generated files do not count. What came with the doors for outsiders and with PyTorch's further ops is counted apart.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const [commit] = process.argv.slice(2);
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });

/** Files that are doors (`weftgrad/custom`, `weftgrad/data`) or breadth (ops, layers, losses, schedules beside those of the taggers). */
const ADDED = JSON.parse(readFileSync(new URL('scripts/lines-added.json', root), 'utf8'));

const listed = commit
  ? git('ls-tree', '-r', '--name-only', commit, 'src', 'shaders')
  : git('ls-files', '--cached', '--others', '--exclude-standard', 'src', 'shaders');
const files = listed.split('\n').filter((f) => /\.(ts|wgsl)$/.test(f) && !f.endsWith('.gen.ts'));
const linesOf = (file) =>
  (commit ? git('show', `${commit}:${file}`) : readFileSync(new URL(file, root), 'utf8')).split('\n').length - 1;
const lines = new Map(files.map((file) => [file, linesOf(file)]));

const sum = (wanted) => [...lines].reduce((total, [file, n]) => (wanted(file) ? total + n : total), 0);
const isAdded = (file) => ADDED.includes(file);
const inSrc = (file) => file.startsWith('src/');
const schedules =
  /^src\/optim\/(lr-scheduler|schedule|compose-schedules|one-cycle|reduce-on-plateau|schedules|[\w-]*-lr|[\w-]*schedule[\w-]*)\b/;
const optimiser = (file) =>
  !isAdded(file) &&
  ((/^src\/optim\//.test(file) && !schedules.test(file)) || /^src\/tensor\/(chunk|arena|read-rows|row-)/.test(file));
const optimiserKernel = (file) =>
  /^shaders\/(lib\/)?(adam|sgd|rmsprop|update_|clip_|norm_|finite_check|lazy_|row_slots|step_scalars|rows_|adagrad)/.test(
    file,
  ) && !isAdded(file);

const rows = [
  ['src', sum(inSrc)],
  ['src without doors and breadth', sum((f) => inSrc(f) && !isAdded(f))],
  ['optimisers without schedules, with tensor/{chunk,arena,read-rows,row-*}', sum(optimiser)],
  ['kernels of the optimisers', sum(optimiserKernel)],
  ['shaders', sum((f) => f.startsWith('shaders/') && f.endsWith('.wgsl'))],
  ['longest file of src', Math.max(...[...lines].filter(([f]) => inSrc(f)).map(([, n]) => n))],
];
for (const [what, n] of rows) console.log(String(n).padStart(7), what);
