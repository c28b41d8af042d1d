// Items made ahead of need, while the event loop waits for something else such as the GPU.

/**
 * Yields `make(from)` … `make(to - 1)` in order. With `ahead` above 0, up to that many items are made in idle turns of
 * the event loop; whether an item was made early or on demand changes nothing but the time.
 */
export function* prefetched<T>(make: (index: number) => T, from: number, to: number, ahead: number): Generator<T> {
  const ready: T[] = [];
  let next = from;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const fill = () => {
    timer = undefined;
    if (ready.length >= ahead || next >= to) return;
    ready.push(make(next++));
    schedule();
  };
  const schedule = () => {
    if (ready.length < ahead && next < to) timer ??= setTimeout(fill, 0);
  };
  try {
    for (let i = from; i < to; i++) {
      const item = ready.length > 0 ? ready.shift()! : make(next++);
      schedule();
      yield item;
    }
  } finally {
    clearTimeout(timer);
  }
}
