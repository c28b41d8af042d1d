// An engine's side of the protocol in Node: reads requests from standard input, answers on standard output.
import { closeSync, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ArrayFile } from '../named-steps.ts';
import {
  type GemmReply,
  type GemmRequest,
  type GemmRunReply,
  type Hello,
  type KernelRequest,
  MARK,
  type Request,
  type TrainRequest,
  type TrainRunReply,
} from '../protocol.ts';

/** A kernel case made ready. */
export interface KernelHandle {
  /** Computes it `count` times and waits for the last one. */
  run(count: number): Promise<void>;
  close(): void | Promise<void>;
}

/** A matrix product made ready. */
export interface GemmHandle extends KernelHandle {
  /** Elements of one product. */
  probe(at: number[]): Promise<number[]>;
}

/** A model with its optimiser. */
export interface TrainHandle {
  run(batches: { ids: Int32Array<ArrayBuffer>; tags: Int32Array<ArrayBuffer> }[]): Promise<TrainRunReply>;
  close(): void | Promise<void>;
}

export interface Engine {
  hello: Hello;
  gemm?(request: GemmRequest): Promise<GemmHandle>;
  train?(request: TrainRequest): Promise<TrainHandle>;
  kernel?(request: KernelRequest): Promise<KernelHandle>;
}

/** The arrays of a file by name. */
export function readArrays({
  path,
  entries,
}: ArrayFile): Map<string, { shape: number[]; data: Float32Array<ArrayBuffer> }> {
  const file = openSync(path, 'r');
  try {
    return new Map(
      entries.map(({ name, shape, offset }) => {
        const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
        const bytes = new Uint8Array(data.buffer);
        for (let at = 0; at < bytes.length; ) {
          const got = readSync(file, bytes, at, bytes.length - at, offset + at);
          if (got === 0) throw new Error(`${path} ends inside ${name}`);
          at += got;
        }
        return [name, { shape, data }] as const;
      }),
    );
  } finally {
    closeSync(file);
  }
}

const say = (message: unknown) => process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);

/** Serves requests one after another until standard input ends; what an engine throws goes back as `{ error }`. */
export async function serve(make: () => Promise<Engine>): Promise<void> {
  const engine = await make().catch((error: Error): Engine => ({ hello: { unavailable: error.message } }));
  say(engine.hello);
  const handles = new Map<string, KernelHandle | TrainHandle>();
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      say((await answer(engine, handles, JSON.parse(line) as Request)) ?? {});
    } catch (error) {
      say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.exit(0); // devices would keep the process
}

async function answer(
  engine: Engine,
  handles: Map<string, KernelHandle | TrainHandle>,
  request: Request,
): Promise<GemmReply | GemmRunReply | TrainRunReply | undefined> {
  const { handle } = request;
  switch (request.do) {
    case 'gemm': {
      if (!engine.gemm) throw new Error('this engine is not asked for products');
      const made = await engine.gemm(request);
      handles.set(handle, made);
      return { values: await made.probe(request.probe) };
    }
    case 'kernel':
      if (!engine.kernel) throw new Error('this engine is not asked for kernels');
      handles.set(handle, await engine.kernel(request));
      return undefined;
    case 'gemm-run': {
      const start = performance.now();
      await (handles.get(handle) as KernelHandle).run(request.count);
      return { ms: (performance.now() - start) / request.count };
    }
    case 'train':
      if (!engine.train) throw new Error('this engine is not asked to train');
      handles.set(handle, await engine.train(request));
      return undefined;
    case 'train-run':
      return (handles.get(handle) as TrainHandle).run(
        request.batches.map(({ ids, tags }) => ({ ids: Int32Array.from(ids), tags: Int32Array.from(tags) })),
      );
    case 'close':
      await handles.get(handle)?.close();
      handles.delete(handle);
      return undefined;
  }
}
