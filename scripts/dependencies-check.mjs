// Exits 0 when node_modules holds what package-lock.json names, 1 when `npm ci` is needed; compares contents, not times,
// so that a copied, cached or freshly checked-out tree is judged by what is in it.
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(new URL(path, root), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function complete(wanted, installed) {
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // The root package itself, and packages for another platform, are in the lock but never installed.
    if (path === '' || (entry.optional && !installed[path])) return true;
    const found = installed[path];
    return found?.version === entry.version && found?.integrity === entry.integrity && existsSync(new URL(path, root));
  });
}

const wanted = lockedPackages('package-lock.json');
process.exitCode = complete(wanted, lockedPackages('node_modules/.package-lock.json')) ? 0 : 1;
