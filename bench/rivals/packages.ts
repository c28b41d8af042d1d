// The rivals' packages, found at run time: their types are not this project's. bundle.ts puts them in by name instead.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A package, by the interface that the caller states. */
export async function load<T>(name: string): Promise<T> {
  return (await import(name)) as T;
}

/** Its name and version. */
export function versionOf(name: string): string {
  const path =
    name === '@jax-js/jax' ? new URL('../package.json', import.meta.resolve(name)).pathname : `${name}/package.json`;
  return `${name} ${(require(path) as { version: string }).version}`;
}
