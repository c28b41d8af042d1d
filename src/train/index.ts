// weftgrad/train: the training loop, its events and its checkpoints. Runs anywhere.
export {
  checkpointChunks,
  loadModel,
  type Position,
  type RunParts,
  type RunState,
  restore,
  runState,
} from './checkpoint.ts';
export {
  type BatchEvent,
  type BatchSource,
  type Callback,
  type EpochEvent,
  Trainer,
  type TrainerOptions,
} from './trainer.ts';
