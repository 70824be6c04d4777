import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly seconds?: number;
}

/** Runs a program to its end and answers with its standard output; throws with the last lines of its errors. */
export const run = (command: string, args: readonly string[], options: RunOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      timeout: (options.seconds ?? 1200) * 1000,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${signal ?? code}: ${tail(err)}${tail(out)}`));
    });
  });

const tail = (chunks: readonly Buffer[]): string =>
  Buffer.concat(chunks).toString().trim().split('\n').slice(-12).join('\n').slice(-2000);

export interface Server {
  /** All that it printed. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) end(child, 'SIGKILL');
});

const end = (child: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has gone already.
  }
};

/** Starts a server with its children in a process group of their own, and waits until it is up. */
export const serve = async (
  command: string,
  args: readonly string[],
  options: RunOptions & {
    /** Asked every 100 ms; a rejection counts as not yet. */
    readonly ready: () => boolean | Promise<boolean>;
  },
): Promise<Server> => {
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => chunks.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => chunks.push(bytes));
  let failed: string | undefined;
  child.on('error', (error) => {
    failed = error.message;
  });
  const ended = new Promise<void>((done) => {
    child.on('close', (code, signal) => {
      failed ??= `ended with ${signal ?? code}`;
      running.delete(child);
      done();
    });
    child.on('error', () => done());
  });
  const stop = async () => {
    end(child, 'SIGTERM');
    const timer = setTimeout(() => end(child, 'SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
    // Children that outlive it, such as those of a shell.
    end(child, 'SIGKILL');
  };
  try {
    await until(`${command} is up`, options.seconds ?? 60, async () => {
      if (failed !== undefined) throw new Failed(`${command} ${failed}:\n${tail(chunks)}`);
      return options.ready();
    });
  } catch (thrown) {
    await stop();
    throw thrown instanceof Failed ? thrown : new Error(`${(thrown as Error).message}; it printed:\n${tail(chunks)}`);
  }
  return { output: () => Buffer.concat(chunks).toString(), stop };
};

class Failed extends Error {}

/** Asks again every 100 ms until it is true; throws with what it waited for. Rejections count as not yet. */
export const until = async (what: string, seconds: number, check: () => boolean | Promise<boolean>): Promise<void> => {
  let last = '';
  for (const limit = Date.now() + seconds * 1000; Date.now() < limit; await pause(100)) {
    try {
      if (await check()) return;
    } catch (thrown) {
      if (thrown instanceof Failed) throw thrown;
      last = `: ${(thrown as Error).message}`;
    }
  }
  throw new Error(`waited ${seconds} s in vain until ${what}${last}`);
};

export const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });

/** Somebody listens there. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** A folder that goes when the work is done. */
export const withFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-interop-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
