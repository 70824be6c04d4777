import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Failure } from '../lib/model/failure.ts';
import { accountId, region } from './template.ts';

export interface FunctionSpec {
  readonly name: string;
  readonly folder: string;
  /** `file.export` */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Script of another runtime client, started with the handler's name. @default bootstrap.mjs */
  readonly runtimeClient?: string;
}

export type Outcome =
  | { readonly ok: true; readonly answer: string }
  | { readonly ok: false; readonly errorType: string; readonly errorMessage: string };

export interface LambdaPool {
  /** Runs one invocation in a warm process, or a new one. Waits while `concurrency` are running. */
  readonly invoke: (
    payload: string,
    options?: { readonly traceHeader?: string; readonly clientContext?: string },
  ) => Promise<Outcome>;
  /** Starts processes ahead of their first invocation, as provisioned concurrency does; resolves when they ask for work. */
  readonly warm: (count: number) => Promise<void>;
  /** Kills a process in the middle of its invocation; false when none is at work. */
  readonly killOne: () => boolean;
  readonly stats: () => { readonly invocations: number; readonly errors: number; readonly processes: number };
  readonly stop: () => Promise<void>;
}

interface Job {
  readonly id: string;
  readonly payload: string;
  readonly traceHeader: string;
  readonly clientContext?: string;
  readonly settle: (outcome: Outcome) => void;
}

/** A process that serves one invocation at a time, and the Runtime API that it talks to. */
interface Worker {
  readonly child: ChildProcess;
  readonly server: Server;
  job: Job | undefined;
  timer: NodeJS.Timeout | undefined;
  next: ServerResponse | undefined;
  dead: boolean;
  /** Called when the process first asks for work, or ends before. */
  ready: (() => void) | undefined;
}

const bootstrap = join(import.meta.dirname, 'bootstrap.mjs');

/** The processes of one function. */
export const lambdaPool = (
  spec: FunctionSpec,
  options: {
    readonly concurrency: number;
    readonly log: (line: string) => void;
    readonly clock: () => number;
    readonly random: () => number;
  },
): LambdaPool => {
  const { concurrency, log, clock, random } = options;
  const workers = new Set<Worker>();
  const waiting: Job[] = [];
  let invocations = 0;
  let errors = 0;
  let stopped = false;

  const assign = (): void => {
    while (waiting.length > 0) {
      const idle = [...workers].find((worker) => !worker.dead && worker.job === undefined);
      if (idle === undefined) {
        if (workers.size < concurrency) void start(waiting.shift() as Job);
        return;
      }
      give(idle, waiting.shift() as Job);
    }
  };

  const give = (worker: Worker, job: Job): void => {
    worker.job = job;
    if (worker.next !== undefined) deliver(worker);
  };

  const deliver = (worker: Worker): void => {
    const { job, next } = worker;
    if (job === undefined || next === undefined) return;
    worker.next = undefined;
    const deadline = clock() + spec.timeoutSeconds * 1000;
    worker.timer = setTimeout(() => {
      finish(worker, {
        ok: false,
        errorType: 'Sandbox.Timedout',
        errorMessage: `Task timed out after ${spec.timeoutSeconds.toFixed(2)} seconds`,
      });
      end(worker);
    }, spec.timeoutSeconds * 1000);
    next.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': job.id,
      'lambda-runtime-deadline-ms': String(deadline),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:${region}:${accountId}:function:${spec.name}`,
      'lambda-runtime-trace-id': job.traceHeader,
      ...(job.clientContext === undefined ? {} : { 'lambda-runtime-client-context': job.clientContext }),
    });
    next.end(job.payload);
  };

  const finish = (worker: Worker, outcome: Outcome): void => {
    clearTimeout(worker.timer);
    const { job } = worker;
    worker.job = undefined;
    if (job === undefined) return;
    if (!outcome.ok) {
      errors += 1;
      log(
        JSON.stringify({
          level: 'ERROR',
          function: spec.name,
          requestId: job.id,
          errorType: outcome.errorType,
          message: outcome.errorMessage,
        }),
      );
    }
    job.settle(outcome);
    assign();
  };

  const end = (worker: Worker): void => {
    worker.dead = true;
    workers.delete(worker);
    worker.child.kill('SIGKILL');
    worker.server.close();
    worker.server.closeAllConnections();
  };

  const answer = async (worker: Worker, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    if (request.method === 'GET' && path.endsWith('/invocation/next')) {
      worker.next = response;
      worker.ready?.();
      deliver(worker);
      return;
    }
    const text = await readText(request);
    response.writeHead(202).end();
    const [, id, what] = /\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (id !== undefined && id === worker.job?.id) {
      if (what === 'response') finish(worker, { ok: true, answer: text });
      else finish(worker, { ok: false, ...errorOf(text) });
    } else if (path.endsWith('/init/error')) {
      finish(worker, { ok: false, ...errorOf(text) });
      end(worker);
    }
  };

  const start = async (job: Job | undefined, ready?: () => void): Promise<void> => {
    const server = createServer((request, response) => {
      answer(worker, request, response).catch((thrown) => log(`runtime api of ${spec.name}: ${String(thrown)}`));
    });
    // The slot is taken at once, before the port is known, so that the cap on processes holds.
    const worker = { server, job, timer: undefined, next: undefined, dead: false, ready } as unknown as Worker;
    workers.add(worker);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    if (stopped) {
      server.close();
      return;
    }
    const address = server.address() as { port: number };
    const script = spec.runtimeClient === undefined ? [bootstrap] : [spec.runtimeClient, spec.handler];
    const child = spawn(process.execPath, script, {
      cwd: spec.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TZ: ':UTC',
        LAMBDA_TASK_ROOT: spec.folder,
        _HANDLER: spec.handler,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${address.port}`,
        AWS_LAMBDA_FUNCTION_NAME: spec.name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${spec.name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: 'local',
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        ...spec.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    Object.assign(worker, { child });
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', log);
    child.on('exit', (code, signal) => {
      ready?.();
      if (worker.dead) return;
      worker.dead = true;
      workers.delete(worker);
      server.close();
      server.closeAllConnections();
      finish(worker, {
        ok: false,
        errorType: 'Runtime.ExitError',
        errorMessage: `the process ended with ${signal ?? `exit code ${code}`}`,
      });
      assign();
    });
  };

  return {
    invoke: (payload, { traceHeader, clientContext } = {}) => {
      if (stopped) return Promise.reject(new Failure('unavailable', 'the cloud is stopping', { where: spec.name }));
      invocations += 1;
      return new Promise((settle) => {
        waiting.push({
          id: uuid(random),
          payload,
          traceHeader: traceHeader ?? newTraceHeader(clock, random),
          settle,
          ...(clientContext === undefined ? {} : { clientContext }),
        });
        assign();
      });
    },
    warm: async (count) => {
      const missing = Math.min(count, concurrency) - workers.size;
      await Promise.all(
        Array.from({ length: Math.max(0, missing) }, () => new Promise<void>((done) => void start(undefined, done))),
      );
    },
    killOne: () => {
      const busy = [...workers].find(
        (worker) => worker.job !== undefined && worker.next === undefined && worker.child !== undefined,
      );
      return busy?.child.kill('SIGKILL') ?? false;
    },
    stats: () => ({ invocations, errors, processes: workers.size }),
    stop: async () => {
      stopped = true;
      for (const worker of workers) {
        const gone = worker.child === undefined ? undefined : new Promise((done) => worker.child.once('exit', done));
        worker.dead = true;
        clearTimeout(worker.timer);
        worker.child?.kill('SIGKILL');
        worker.server.close();
        worker.server.closeAllConnections();
        await gone;
        worker.job?.settle({ ok: false, errorType: 'Stopped', errorMessage: 'the cloud was stopped' });
      }
      for (const job of waiting.splice(0))
        job.settle({ ok: false, errorType: 'Stopped', errorMessage: 'the cloud was stopped' });
      workers.clear();
    },
  };
};

const errorOf = (text: string): { errorType: string; errorMessage: string } => {
  try {
    const { errorType, errorMessage } = JSON.parse(text) as { errorType?: unknown; errorMessage?: unknown };
    return { errorType: String(errorType), errorMessage: String(errorMessage) };
  } catch {
    return { errorType: 'Error', errorMessage: text };
  }
};

export const readText = async (request: IncomingMessage): Promise<string> => (await readBytes(request)).toString();

export const readBytes = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

const hex = (random: () => number, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

export const uuid = (random: () => number): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 12)}`;

export const newTraceHeader = (clock: () => number, random: () => number): string =>
  `Root=1-${Math.floor(clock() / 1000).toString(16)}-${hex(random, 24)};Parent=${hex(random, 16)};Sampled=0`;
