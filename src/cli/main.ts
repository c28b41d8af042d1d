#!/usr/bin/env node
// The command `weft`: train, evaluate, predict, inspect.
import { Command } from 'commander';
import { WeftError } from '../index.ts';
import { evaluateCommand } from './evaluate.ts';
import { inspectCommand } from './inspect.ts';
import { predictCommand } from './predict.ts';
import { trainCommand } from './train.ts';

const program = new Command('weft')
  .description('Train and use recurrent taggers on WebGPU.')
  .addCommand(trainCommand())
  .addCommand(evaluateCommand())
  .addCommand(predictCommand())
  .addCommand(inspectCommand());

try {
  await program.parseAsync();
} catch (error) {
  // Our own errors are sentences for the reader; anything else is a defect and keeps its stack.
  console.error(error instanceof WeftError ? `weft: ${error.message}` : error);
  process.exitCode = 1;
}
