// Profiles: time per kernel beside what the adapter can do. Runs anywhere; files and pictures are weftgrad/node's.

export { type BubbleRoom, placeBubbles, type Spot } from './bubbles.ts';
export { type Ceilings, type MeasuredCeilings, measureCeilings } from './ceilings.ts';
export { type KernelRow, Profile, type ProfileReport, reportOf } from './profile.ts';
export { type KernelTotal, Recorder, type RecorderOptions, type RunTotals } from './recorder.ts';
export { bandwidth, type Placement, place, ridge, roofAt, type Work } from './roofline.ts';
export { type ChromeTrace, chromeTrace, type TraceEvent } from './trace.ts';
