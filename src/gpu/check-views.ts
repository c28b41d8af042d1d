// Checks of what a dispatch binds, before it is queued.
import { ArgumentError, DeviceError } from '../errors.ts';
import type { BufferView, Kernel } from './kernel.ts';
import type { PoolTexture } from './texture-pool.ts';

/** What the driver would refuse later and without the op's name. */
export function checkViews(
  kernel: Kernel,
  views: readonly (BufferView | PoolTexture)[],
  label: string,
  { maxBindingBytes, bindingAlignment }: { maxBindingBytes: number; bindingAlignment: number },
): void {
  views.forEach((view, i) => {
    if (!('buffer' in view)) return;
    const { name, access } = kernel.bindings[i]!;
    if (view.bytes > maxBindingBytes)
      throw new ArgumentError({
        op: label,
        argument: `${name} of kernel ${kernel.name}`,
        expected: `at most ${maxBindingBytes} bytes (the adapter's limit for one binding)`,
        actual: String(view.bytes),
        remedy: 'Use a smaller batch or split the tensor by rows.',
      });
    if (view.offset % bindingAlignment !== 0)
      throw new DeviceError(
        `kernel ${kernel.name} binds ${name} at byte ${view.offset}, which is no multiple of ${bindingAlignment}`,
        label,
      );
    views.slice(0, i).forEach((other, j) => {
      if (!('buffer' in other) || other.buffer !== view.buffer) return;
      const writes = [access, kernel.bindings[j]!.access].filter((way) => way === 'read_write').length;
      const apart = view.offset + view.bytes <= other.offset || other.offset + other.bytes <= view.offset;
      if (writes === 1 || (writes === 2 && !apart))
        throw new DeviceError(
          `kernel ${kernel.name} binds ${kernel.bindings[j]!.name} and ${name} to one buffer and writes to it`,
          label,
        );
    });
  });
}
