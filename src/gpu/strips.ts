// How elementwise kernels cut their work: vec4s, and strips of them for one invocation.
import type { BufferView } from './kernel.ts';
import type { Tuning } from './tuning.ts';

/** A range rounded up to whole vec4s: buffers end on 256 bytes, so they are there. */
export function wholeVec4s(view: BufferView): BufferView {
  return { ...view, bytes: Math.max(16, Math.ceil(view.bytes / 16) * 16) };
}

/** Vec4s that an invocation takes at most. */
export const LONGEST_STRIP = 32;

/**
 * Vec4s that one invocation takes. Long strips are cheap on a software adapter, a GPU wants many invocations. The bits do
 * not depend on it: kernels that go by strips work element by element.
 */
export function stripOf({ tuning }: { readonly tuning: Tuning }, units: number): number {
  return Math.min(LONGEST_STRIP, Math.max(1, Math.floor(units / tuning.stripInvocations)));
}
