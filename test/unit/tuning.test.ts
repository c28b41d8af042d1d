// The decisions by class of adapter, from what an adapter says of itself.
import { expect, test } from 'vitest';
import { KERNEL_SETS, kernelSet, type TuningQuery, tuningOf } from '../../src/gpu/tuning.ts';

const LAVAPIPE: TuningQuery = {
  kind: 'cpu',
  subgroupSize: 8,
  hasSubgroups: true,
  readsTextures: true,
  maxWorkgroupSize: 1024,
};
const CARD: TuningQuery = { ...LAVAPIPE, kind: 'gpu', subgroupSize: 32 };

test('an adapter has the kernels of its class where nobody says otherwise', () => {
  expect(tuningOf(LAVAPIPE)).toMatchObject({ kernels: 'software', texelLanes: 8, recurrentLanes: 8, tiles: false });
  expect(tuningOf(CARD)).toMatchObject({ kernels: 'gpu', texelLanes: 0, recurrentLanes: 0, tiles: true });
});

test('texel kernels need subgroups of a size they are written for, and textures that WGSL reads', () => {
  for (const subgroupSize of [4, 8, 16])
    expect(tuningOf({ ...LAVAPIPE, subgroupSize })).toMatchObject({
      texelLanes: subgroupSize,
      recurrentLanes: subgroupSize,
    });
  for (const lacking of [{ hasSubgroups: false }, { readsTextures: false }, { subgroupSize: 0 }, { subgroupSize: 32 }])
    expect(tuningOf({ ...LAVAPIPE, ...lacking })).toMatchObject({ kernels: 'software', texelLanes: 0, tiles: false });
});

test('kernels that are asked for beat the class; portable ones cut work as the adapter likes it', () => {
  for (const adapter of [LAVAPIPE, CARD]) {
    expect(tuningOf({ ...adapter, kernels: 'gpu' })).toEqual(tuningOf(CARD));
    const portable = tuningOf({ ...adapter, kernels: 'portable' });
    expect(portable).toEqual({ ...tuningOf(adapter), kernels: 'portable', texelLanes: 0, recurrentLanes: 0 });
  }
  expect(tuningOf({ ...CARD, kernels: 'software' })).toEqual({
    ...tuningOf(LAVAPIPE),
    texelLanes: 0,
    recurrentLanes: 0,
  });
});

test('tiles are as large as a workgroup may be', () => {
  for (const [maxWorkgroupSize, side] of [
    [1024, 16],
    [256, 16],
    [255, 8],
    [128, 8],
  ] as const)
    expect(tuningOf({ ...CARD, maxWorkgroupSize }).tileSide).toBe(side);
});

test('a set is named or refused', () => {
  expect(KERNEL_SETS.map((set) => kernelSet(set, 'kernels'))).toEqual(KERNEL_SETS);
  expect(() => kernelSet('fast', 'WEFT_KERNELS')).toThrow(
    'init: WEFT_KERNELS must be one of "gpu", "software", "portable", got "fast".',
  );
});
