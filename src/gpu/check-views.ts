// Checks of what a dispatch binds, before it is queued.
import { refuse } from '../check.ts';
import { DeviceError } from '../errors.ts';
import { type Bindings, type BufferView, checkNames, type Kernel } from './kernel.ts';
import type { PoolTexture } from './texture-pool.ts';

/** What is bound, in the kernel's order. Throws what the driver would refuse later and without the op's name. */
export function viewsOf(
  kernel: Kernel,
  bind: Bindings,
  label: string,
  { maxBindingBytes, bindingAlignment }: { readonly maxBindingBytes: number; readonly bindingAlignment: number },
): readonly (BufferView | PoolTexture)[] {
  checkNames(kernel, 'bind', bind, label);
  const views = kernel.bindings.map(({ name }) => bind[name]!);
  views.forEach((view, i) => {
    const { name, access } = kernel.bindings[i]!;
    if (!((access === 'texture' ? 'rows' : 'buffer') in view))
      refuse(
        label,
        `bind.${name}`,
        access === 'texture' ? 'a texture' : 'a range of a buffer',
        access === 'texture' ? 'a range of a buffer' : 'something else',
        access === 'texture' ? 'Let withTextures mirror it.' : 'Bind the view of a tensor.',
      );
    if (!('buffer' in view)) return;
    if (view.bytes > maxBindingBytes)
      refuse(
        label,
        `${name} of kernel ${kernel.name}`,
        `at most ${maxBindingBytes} bytes (the adapter's limit for one binding)`,
        view.bytes,
        'Use a smaller batch or split the tensor by rows.',
      );
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
  return views;
}
