// What a suite is given, and what it gives back.
import type { Result } from '../report.ts';

export interface SuiteOptions {
  /** A few rounds on fewer cases: does it run, not how fast. */
  quick: boolean;
  /** Part of a case's name; others are left out. */
  only: string | undefined;
  /** Writes a line for people. */
  log(line: string): void;
  /** A folder for files that the engines read, deleted afterwards. */
  scratch: string;
}

export interface SuiteOutcome {
  adapter: string;
  results: Result[];
  /** Tables, each under its own line of explanation. */
  text: string;
}

export type Suite = (options: SuiteOptions) => Promise<SuiteOutcome>;

/** Whether a case is run: those that `--only` names, else all, and of a quick run those that are `small`. */
export function wanted(name: string, { only, quick }: SuiteOptions, small = true): boolean {
  return only === undefined ? small || !quick : name.includes(only);
}
