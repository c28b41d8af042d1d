// How near numbers are, and what is said where they are not.
import { WeftError } from '../errors.ts';

/** Fails with the worst element unless `|got - expected| <= atol + rtol * max|expected|` everywhere. */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  rtol: number,
  atol: number,
  what: string,
): void {
  if (got.length !== expected.length) fail(`${what} has ${got.length} elements, expected ${expected.length}`);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  let worst = -1;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = Math.abs(got[i]! - expected[i]!);
    if (!(e <= error)) {
      error = e;
      worst = i;
    }
  }
  const allowed = atol + rtol * largest;
  if (!(error <= allowed))
    fail(
      `${what}: element ${worst} is ${got[worst]}, expected ${expected[worst]} (off by ${error}, allowed ${allowed})`,
    );
}

export function fail(message: string): never {
  throw new WeftError(`checkOp: ${message}`);
}
