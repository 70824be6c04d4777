/**
 * CPU time of a cold start over that of an empty handler: each measurement is a process of its own, the cases are interleaved. A local
 * process is a proxy: no sandbox is booted, no archive fetched, and no CPU share is enforced as below 1769 MB.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../cdk/bundle.ts';
import { warmUpEvents } from '../cdk/code-cache/warm-up-events.ts';
import { runtimeFlags } from '../cdk/code-cache.ts';
import { type Built, ours, peerBundle, plainSdk } from './cold-start/build.ts';
import type { Bench } from './index.ts';
import { quantile, type Result, report } from './measure.ts';
import { peerVersion } from './peers.ts';

export const bench: Bench = {
  question: 'What does a cold start cost, against Powertools, OpenTelemetry, Datadog, a plain AWS SDK and fetch?',
  run: async ({ json, args }) => {
    const rounds = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 15);
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-cold-start-'));
    const outside = await loopback();
    try {
      const subjects = built(folder);
      await measured(subjects, rounds, outside.env);
      const results = judged(subjects);
      report('cold-start', results, json, notes(subjects, rounds), { gates: gates(results, subjects) });
    } finally {
      outside.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Subject extends Built {
  readonly name: string;
  /** Invoked once with it after loading. */
  readonly event?: unknown;
  readonly samples: { readonly load: number; readonly invoke: number; readonly rss: number }[];
}

/** The clients that a function's usual path calls. */
const clientsOf: Readonly<Record<string, readonly string[]>> = {
  'evaluate-watermarks': ['client-dynamodb', 'client-eventbridge'],
  'collect-spans': ['client-dynamodb', 'client-s3', 'client-sqs'],
  'score-traces': ['client-dynamodb', 'client-s3', 'client-eventbridge'],
  'deliver-alerts': ['client-dynamodb', 'client-sqs'],
};
const peers = ['powertools', 'otel-aws-lambda', 'datadog'] as const;

const built = (folder: string): Subject[] => {
  // Installs all of them where they are not.
  peerVersion('@aws-lambda-powertools/tracer');
  const entry = (name: string) => join(import.meta.dirname, 'cold-start', name);
  const out = (name: string) => join(folder, name.replaceAll('/', '-'));
  const record = {
    Records: [{ messageId: 'a', body: 'x', eventSource: 'aws:sqs', attributes: {}, messageAttributes: {} }],
  };
  const subjects: Subject[] = [];
  const add = (name: string, made: Built, event?: unknown) =>
    subjects.push({ ...made, name, samples: [], ...(event === undefined ? {} : { event }) });
  add('empty', ours(entry('empty.ts'), out('empty')));
  add('tracing', ours(entry('tracing.ts'), out('tracing'), [record]));
  add('traced', ours(entry('traced.ts'), out('traced'), [record]));
  for (const name of peers) {
    add(name, peerBundle(entry(`${name}.mjs`), out(name)));
    add(`${name}/cached`, peerBundle(entry(`${name}.mjs`), out(`${name}/cached`), [record]));
  }
  for (const [name, clients] of Object.entries(clientsOf)) {
    const [event] = warmUpEvents[name] ?? [];
    const outDir = out(name);
    bundle(name, outDir, { codeCache: true });
    add(name, { file: join(outDir, 'index.js'), bytes: 0 }, event);
    add(`${name}/plain-sdk`, plainSdk(name, clients, out(`${name}/plain-sdk`)), event);
  }
  add('first-flush', ours(entry('flush.ts'), out('first-flush'), [record]), {});
  add('fetch', ours(entry('fetch.ts'), out('fetch')), {});
  return subjects;
};

/** Everything that a function may call: AWS and a Collector, which take all and say nothing. */
const loopback = async () => {
  const server = createServer((request, response) => {
    request.resume();
    const isList = request.method === 'GET' && /list-type=2/.test(request.url ?? '');
    response.writeHead(200, { 'content-type': isList ? 'application/xml' : 'application/x-amz-json-1.0' });
    response.end(isList ? '<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>' : '{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const queue = `${url}/000000000000/bench`;
  return {
    close: () => server.close(),
    env: {
      PATH: process.env['PATH'],
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_MAX_ATTEMPTS: '1',
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      _HANDLER: 'index.handler',
      LAMBDA_TASK_ROOT: tmpdir(),
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_SERVICE_NAME: 'orders',
      DD_TRACE_ENABLED: 'true',
      DD_LOCAL_TEST: 'true',
      DD_API_KEY: 'none',
      DD_LOG_LEVEL: 'off',
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      TIDEMARK_TABLE: 'bench',
      TIDEMARK_BUCKET: 'bench',
      TIDEMARK_BUS: 'bench',
      TIDEMARK_ALERTS_QUEUE: queue,
      TIDEMARK_ALERTS_DEAD_LETTERS: queue,
      TIDEMARK_WINDOWS_QUEUE: queue,
    },
  };
};

const measured = async (subjects: readonly Subject[], rounds: number, env: NodeJS.ProcessEnv): Promise<void> => {
  for (let round = 0; round <= rounds; round++) {
    for (const subject of [...subjects].sort(() => Math.random() - 0.5)) {
      const sample = await inOwnProcess(subject, env);
      // The first round brings the files into memory.
      if (round > 0) subject.samples.push(sample);
    }
  }
};

const inOwnProcess = ({ file, event, name }: Subject, env: NodeJS.ProcessEnv): Promise<Subject['samples'][number]> =>
  new Promise((settle, reject) => {
    const child = join(import.meta.dirname, 'cold-start/child.cjs');
    const args = [...runtimeFlags, child, file, ...(event === undefined ? [] : [JSON.stringify(event)])];
    const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    let told = '';
    let complaint = '';
    started.stdio[3]?.on('data', (chunk) => {
      told += chunk;
    });
    started.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    started.on('close', () => {
      if (told === '') reject(new Error(`${name} did not report: ${complaint.slice(-500)}`));
      else settle(JSON.parse(told));
    });
  });

type Figure = (sample: Subject['samples'][number]) => number;
const load: Figure = (sample) => sample.load;
const invoke: Figure = (sample) => sample.invoke;
const both: Figure = (sample) => sample.load + sample.invoke;

const judged = (subjects: readonly Subject[]): Result[] => {
  const of = (name: string) => subjects.find((subject) => subject.name === name) as Subject;
  const median = (name: string, figure: Figure) => quantile(of(name).samples.map(figure), 0.5);
  const floor = median('empty', load);
  const net = (name: string, figure: Figure) => Math.max(0.01, median(name, figure) - (figure === invoke ? 0 : floor));
  const result = (label: string, name: string, figure: Figure, ratioTo?: Result['ratioTo']): Result => {
    const p10 = quantile(of(name).samples.map(figure), 0.1) - (figure === invoke ? 0 : floor);
    return { case: label, median: net(name, figure), p10, unit: 'ms', ...(ratioTo === undefined ? {} : { ratioTo }) };
  };
  // At its best: with or without a code cache, whichever costs less.
  const best = (name: string) =>
    [name, `${name}/cached`].sort((a, b) => median(a, load) - median(b, load))[0] as string;
  const toPeers = (name: string) =>
    Object.fromEntries(peers.map((other) => [other, net(name, load) / net(best(other), load)]));
  return [
    result('tidemark', 'tracing', load, toPeers('tracing')),
    result('tidemark/traced', 'traced', load, toPeers('traced')),
    ...peers.map((name) => result(name, best(name), load)),
    ...Object.keys(clientsOf).flatMap((name) => [
      result(`tidemark/${name}`, name, load, { 'plain-sdk': net(name, load) / net(`${name}/plain-sdk`, load) }),
      result(`${name}/plain-sdk`, `${name}/plain-sdk`, load),
      result(`tidemark/${name}/first-event`, name, both, {
        'plain-sdk': net(name, both) / net(`${name}/plain-sdk`, both),
      }),
      result(`${name}/plain-sdk/first-event`, `${name}/plain-sdk`, both),
    ]),
    result('tidemark/first-flush', 'first-flush', invoke, {
      fetch: net('first-flush', invoke) / net('fetch', invoke),
    }),
    result('fetch', 'fetch', invoke),
  ];
};

/** What must hold, by case and peer. */
const gates = (results: readonly Result[], subjects: readonly Subject[]) => {
  const ratio = (name: string, other: string) => results.find((each) => each.case === name)?.ratioTo?.[other] ?? NaN;
  const bytes = subjects.find(({ name }) => name === 'tracing')?.bytes ?? NaN;
  const gate = (name: string, actual: number, most: number) => ({ name, actual, most, holds: actual <= most });
  return [
    gate('tidemark ÷ powertools', ratio('tidemark', 'powertools'), 1 / 10),
    gate('tidemark ÷ otel-aws-lambda', ratio('tidemark', 'otel-aws-lambda'), 1 / 10),
    gate('tidemark ÷ datadog', ratio('tidemark', 'datadog'), 1 / 40),
    ...Object.keys(clientsOf).map((name) => gate(`${name} ÷ plain-sdk`, ratio(`tidemark/${name}`, 'plain-sdk'), 0.55)),
    gate('first flush ÷ fetch', ratio('tidemark/first-flush', 'fetch'), 0.25),
    gate('bytes of tracing alone', bytes, 40 * 1024),
  ];
};

const notes = (subjects: readonly Subject[], rounds: number): string[] => {
  const of = (name: string, figure: Figure) =>
    quantile(subjects.find((subject) => subject.name === name)?.samples.map(figure) ?? [], 0.5).toFixed(1);
  const bytes = (name: string) => subjects.find((subject) => subject.name === name)?.bytes ?? 0;
  return [
    `CPU ms over an empty handler (itself ${of('empty', load)} ms), median of ${rounds} processes each, interleaved.`,
    'tidemark: tracing initialised, exporter ready. tidemark/traced: a whole traced handler that reads contexts of every source and format.',
    'The functions: loaded; /first-event: loaded, then one event, SDK calls answered by a loop-back. plain-sdk: the same code, its SDK clients imported at the top, no code cache.',
    `Minified: tracing alone ${bytes('tracing')} bytes, traced handler ${bytes('traced')}, ${peers.map((name) => `${name} ${bytes(name)}`).join(', ')}.`,
    ...peers.map(
      (name) =>
        `${name}: ${of(name, load)} ms without a code cache, ${of(`${name}/cached`, load)} ms with one; the lower counts.`,
    ),
    `Peers: @aws-lambda-powertools/tracer ${peerVersion('@aws-lambda-powertools/tracer')}, instrumentation-aws-lambda ${peerVersion('@opentelemetry/instrumentation-aws-lambda')} with exporter-trace-otlp-proto ${peerVersion('@opentelemetry/exporter-trace-otlp-proto')}, datadog-lambda-js ${peerVersion('datadog-lambda-js')} with dd-trace ${peerVersion('dd-trace')}.`,
    ...gates(judged(subjects), subjects).map(
      ({ name, actual, most, holds }) =>
        `${holds ? 'holds' : 'MISSED'}: ${name} ${actual.toFixed(3)}, at most ${most.toFixed(3)}`,
    ),
  ];
};
