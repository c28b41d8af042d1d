// Errors of a device come later than the calls that caused them: kept here until somebody waits for a result.
import { DeviceError, type DeviceLostError, type WeftError } from '../errors.ts';

export class Failures {
  #error: WeftError | undefined;
  #count = 0;
  #reported = 0;
  #lost: DeviceLostError | undefined;
  /** Whoever waits now. A race against one promise of the loss would hold every result until the loss comes. */
  readonly #waiting = new Set<(lost: DeviceLostError) => void>();

  get lost(): DeviceLostError | undefined {
    return this.#lost;
  }

  /** Takes note of an error; the first one since the last report is the one that is told. */
  add(error: WeftError): void {
    if (this.#count === this.#reported) this.#error = error;
    this.#count++;
  }

  throwIfLost(): void {
    if (this.#lost) throw this.#lost;
  }

  /** The device is gone: everybody who waits is told, and all later calls are refused. Returns the first such error. */
  lose(lost: DeviceLostError): DeviceLostError {
    this.#lost ??= lost;
    for (const reject of this.#waiting) reject(this.#lost);
    this.#waiting.clear();
    return this.#lost;
  }

  /** What a wait that begins now must pass to `throwSince` when it ends. */
  get mark(): number {
    return this.#reported;
  }

  /** Throws the error that nobody had been told of at `mark`: of several who waited meanwhile each is told. */
  throwSince(mark: number): void {
    if (this.#count <= mark) return;
    this.#reported = this.#count;
    throw this.#error!;
  }

  /** The error that nobody was told of, if there is one. */
  get unreported(): WeftError | undefined {
    return this.#count > this.#reported ? this.#error : undefined;
  }

  /** `work`, or a rejection as soon as the device is lost. */
  unlessLost<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost) reject(this.#lost);
      this.#waiting.add(reject);
      const settled = () => this.#waiting.delete(reject);
      work.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error) => {
          // What fails because the device goes away often fails before the loss is known: it is waited for a little.
          setTimeout(
            () => {
              settled();
              reject(
                this.#lost ??
                  this.unreported ??
                  new DeviceError(error instanceof Error ? error.message : String(error)),
              );
            },
            this.#lost ? 0 : 200,
          );
        },
      );
    });
  }
}

/** A validation error of the driver, with the op whose label it quotes. */
export function deviceError(message: string): DeviceError {
  const op =
    /BindGroup(?:Descriptor)? "+([^"]+)"/.exec(message)?.[1] ??
    /Command(?:Encoder|Buffer) "([^"]+)"/.exec(message)?.[1];
  return new DeviceError(message.trim(), op);
}
