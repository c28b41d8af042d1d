// weftgrad/train: the training loop, its events and its checkpoints. Runs anywhere.
export { checkpointChunks, loadModel, type Position, restore, type RunParts, type RunState, runState } from './checkpoint.ts';
export { type BatchEvent, type BatchSource, type Callback, type EpochEvent, Trainer, type TrainerOptions } from './trainer.ts';
