import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Span } from '../../../lib/model/span.ts';
import { spanKinds } from '../../../lib/model/span.ts';
import { type Part, present, type Report, same } from '../part.ts';
import { type Deployment, deployed } from '../support/deployment.ts';
import { run, until } from '../support/process.ts';
import { goSource, jars, java, madeOnce, pythonPackages } from '../tools.ts';

const folder = join(import.meta.dirname, '../otel');

const goService = goSource('otel-go', 'otel/go');
const pythonService = pythonPackages('otel-python', 'otel/python/requirements.txt');
const javaLibraries = jars('otel-java', 'otel/java/pom.xml');
const javaService = madeOnce(
  { name: 'otel-java-service', lane: 'maven', get: 'a JDK of 17 or later', after: [javaLibraries] },
  [javaLibraries.path, readFileSync(join(folder, 'java/Main.java'), 'utf8')],
  async (place) => {
    await run(`${java.path}c`, ['-cp', join(javaLibraries.path, '*'), '-d', place, join(folder, 'java/Main.java')]);
  },
);

interface Service {
  readonly name: string;
  readonly clients: string;
  readonly run: (task: string) => Promise<string>;
}

const services: Readonly<Record<string, Service>> = {
  java: {
    name: 'OpenTelemetry Java',
    clients: 'AWS SDK for Java 2',
    run: (input) => run(java.path, ['-cp', `${javaService.path}:${join(javaLibraries.path, '*')}`, 'Main'], { input }),
  },
  go: { name: 'OpenTelemetry Go', clients: 'AWS SDK for Go 2', run: (input) => run(goService.path, [], { input }) },
  python: {
    name: 'OpenTelemetry Python',
    clients: 'boto3',
    run: (input) => run(pythonService.path, [join(folder, 'python/main.py')], { input }),
  },
};

const formats = ['w3c', 'b3', 'b3multi', 'xray'] as const;

interface Answer {
  readonly version: string;
  /** Trace id by format. */
  readonly sent: Readonly<Record<string, string>>;
  readonly received: Readonly<Record<string, string>>;
}

/** Services on other OpenTelemetry SDKs send into our queues and receive from them; their exporters send to collect-spans. */
export const part: Part = {
  name: 'otel',
  title: 'OpenTelemetry SDKs of Java, Go and Python',
  tools: [java, javaLibraries, javaService, goService, pythonService],
  run: (report) =>
    deployed(
      async (deployment) => {
        for (const [language, service] of Object.entries(services))
          await crosses(report, deployment, language, service);
      },
      { extend: addWorker },
    ),
};

/** What a trace has to look like: each span's name, by the name of its parent. */
const chain = ['order', 'send interop', 'process interop-in', 'send interop-out', 'process answer'];

const crosses = async (
  report: Report,
  { cloud, otlpUrl, otlpHeaders, storedSpans, lines }: Deployment,
  language: string,
  service: Service,
): Promise<void> => {
  const url = (name: string) => present(cloud.queues.get(name)?.url, `the queue ${name}`);
  const task = {
    service: `interop-${language}`,
    endpoint: cloud.endpoint,
    inUrl: url('interop-in'),
    outUrl: url(`interop-out-${language}`),
    to: `interop-out-${language}`,
    otlpUrl,
    otlpHeaders,
    formats,
  };
  const answer = JSON.parse(await service.run(JSON.stringify(task))) as Answer;
  const peer = report.peer(`${service.name} SDK`, `${answer.version}, with ${service.clients}`);
  if (language === 'java') {
    peer.leaves(
      'B3 multi in a getter that minds case: its propagator asks for X-B3-TraceId, messages have x-b3-traceid, as the B3 specification prefers',
    );
  }
  let spans: readonly Span[] = [];
  const stored = async () => {
    spans = await storedSpans();
    const ids = new Set(Object.values(answer.sent));
    return spans.filter(({ traceId }) => ids.has(traceId)).length;
  };
  await peer.holds('its exporter is understood by collect-spans: OTLP over HTTP in protobuf', async () => {
    const expected = formats.length * chain.length;
    await until(`${expected} spans are stored`, 30, async () => (await stored()) >= expected).catch((thrown: Error) => {
      throw new Error(`${thrown.message}\n${lines.slice(-5).join('\n')}`);
    });
  });
  for (const format of formats) {
    await peer.holds(
      `${names[format]}: its context continues in our handler, ours in its consumer, and the trace is whole`,
      () => {
        const traceId = present(answer.sent[format], `a message in ${format}`);
        same(answer.received[format], traceId, 'the trace that it received');
        isWhole(
          spans.filter((span) => span.traceId === traceId),
          language,
        );
      },
    );
  }
};

const names = { w3c: 'W3C', b3: 'B3 single', b3multi: 'B3 multi', xray: 'X-Ray' } as const;

/** One root, and from it one chain through the peer, the queue, our function, the next queue, and the peer again. */
const isWhole = (spans: readonly Span[], language: string): void => {
  const expected = chain.map((name) => (name.startsWith('send interop-out') ? `${name}-${language}` : name));
  let parent: Span | undefined;
  for (const name of expected) {
    const found = spans.filter((span) => span.name === name);
    same(found.length, 1, `spans named '${name}' of ${spans.map((span) => span.name).join(', ')}`);
    same(found[0]?.parentSpanId, parent?.spanId, `parent of '${name}'`);
    parent = found[0];
  }
  const kinds = [spanKinds.internal, spanKinds.producer, spanKinds.consumer, spanKinds.producer, spanKinds.consumer];
  same(
    expected.map((name) => spans.find((span) => span.name === name)?.kind),
    kinds,
    'kinds of the spans',
  );
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const lost = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId));
  same(
    lost.map(({ name }) => name),
    [],
    'spans whose parent is missing',
  );
};

/** A stack beside tidemark's: the worker, the queue before it and one behind it for each language. */
const addWorker = async (assembly: string): Promise<void> => {
  const place = join(assembly, 'asset.interop');
  mkdirSync(place);
  await build({
    entryPoints: [join(folder, 'worker.ts')],
    outfile: join(place, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  writeFileSync(join(place, 'package.json'), '{"type":"commonjs"}');
  const queue = (QueueName: string) => ({ Type: 'AWS::SQS::Queue', Properties: { QueueName, VisibilityTimeout: 30 } });
  const Resources = {
    In: queue('interop-in'),
    ...Object.fromEntries(
      Object.keys(services).map((language) => [`Out${language}`, queue(`interop-out-${language}`)]),
    ),
    Worker: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: 'interop-worker',
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 10,
        MemorySize: 256,
        Code: { S3Bucket: 'assets', S3Key: 'interop.zip' },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['In', 'Arn'] },
        FunctionName: { Ref: 'Worker' },
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
  };
  const files = { worker: { source: { path: 'asset.interop' }, destinations: { here: { objectKey: 'interop.zip' } } } };
  writeFileSync(join(assembly, 'Interop.template.json'), JSON.stringify({ Resources }));
  writeFileSync(join(assembly, 'Interop.assets.json'), JSON.stringify({ files }));
};
