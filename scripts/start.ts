/**
 * `npm start`: synthesises tidemark and the shop, boots them on the embedded cloud, runs customers through the shop while
 * faults come and go, and judges what came out at the far end.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { startCluster } from '../examples/shop/kubernetes.ts';
import { startTraffic, type Traffic } from '../examples/shop/traffic.ts';
import { systemClock, systemRandom } from '../lib/adapters/clock.ts';
import { decompress } from '../lib/adapters/compression.ts';
import { dynamodbTable } from '../lib/adapters/dynamodb.ts';
import { s3Bucket } from '../lib/adapters/s3.ts';
import { readLedger } from '../lib/alert/ledger.ts';
import type { Alert } from '../lib/model/alert.ts';
import { assemble, type Trace } from '../lib/trace/assemble.ts';
import { decodeJson } from '../lib/trace/decode.ts';
import { type LedgerRow, renderReport } from '../lib/trace/report.ts';
import { type Score, scoreTraces } from '../lib/trace/score.ts';
import { boot, type Cloud } from '../local/cloud.ts';
import { startWecomRobot } from '../test/support/robots/wecom.ts';
import { progress } from './progress.ts';
import { identityOf, judgeAlerts, judgeTraces, type OrderState, type Run } from './start/outcome.ts';
import {
  compress,
  faults,
  ordersPerSecond,
  rampSeconds,
  slackSeconds,
  trafficSeconds,
  windowSeconds,
} from './start/plan.ts';

const help = `usage: npm start -- [--no-faults] [--keep] [--verbose]

Runs all of tidemark locally, from nothing: the CDK app is synthesised, booted on an embedded cloud on 127.0.0.1, and the shop of
examples/shop runs through it for about a minute while a payment error burst, a slow inventory, an old publisher and a pod that
runs full come and go. Ends with a summary, out/run.json and out/report.html.

--no-faults   the shop in peace: nothing should be found
--keep        stay up afterwards and print the endpoints, so that you can point your own producer at it; stop with Ctrl-C
--verbose     print every line that the functions log`;

const root = normalize(join(import.meta.dirname, '..'));
const out = join(root, 'out');

const main = async (args: readonly string[]): Promise<number> => {
  const unknown = args.find((arg) => !['--no-faults', '--keep', '--verbose', '--help'].includes(arg));
  if (unknown !== undefined) {
    process.stderr.write(`npm start: unknown option ${unknown}\n\n${help}\n`);
    return 2;
  }
  if (args.includes('--help')) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  const withFaults = !args.includes('--no-faults');
  const began = systemClock();
  const shown = progress({
    write: (text) => void process.stdout.write(text),
    isTerminal: process.stdout.isTTY === true,
    clock: systemClock,
  });
  mkdirSync(out, { recursive: true });

  shown.step('synthesise tidemark and the shop');
  const assembly = join(out, 'cdk.out');
  rmSync(assembly, { recursive: true, force: true });
  await synthesise(assembly);

  shown.step('boot the embedded cloud');
  const surroundings = await startSurroundings(withFaults);
  const raised: Alert[] = [];
  const breaches = new Set<string>();
  let readings = 0;
  const cloud = await boot({
    assembly,
    clock: systemClock,
    random: systemRandom,
    compress,
    provisioned: 4,
    concurrency: 4,
    visibilitySeconds: 30,
    secrets: surroundings.secrets,
    env: {
      TIDEMARK_WINDOW_SECONDS: String(windowSeconds),
      TIDEMARK_WINDOW_SLACK_SECONDS: String(slackSeconds),
      TIDEMARK_ALLOW_LOOPBACK: 'true',
      SHOP_KUBERNETES_API: surroundings.kubernetesUrl,
    },
    log: (line, functionName) => {
      const { level = '', series = 0 } = parsed(line);
      readings += series;
      if (
        args.includes('--verbose') ||
        (functionName?.startsWith('tidemark-') === true && level.toLowerCase() === 'error')
      )
        shown.say(`${functionName ?? 'cloud'}: ${line}`);
    },
    onEvent: (_, event) => {
      if (event['detail-type'] !== 'Alert') return;
      raised.push(event['detail'] as Alert);
      if (event['source'] === 'tidemark.evaluate-watermarks') breaches.add(identityOf(event['detail'] as Alert));
    },
  });
  process.env['AWS_ENDPOINT_URL'] = cloud.endpoint;
  Object.assign(process.env, { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  try {
    shown.step(
      `${trafficSeconds} s of customers, ${ordersPerSecond} orders a second${withFaults ? ', with faults' : ''}`,
    );
    const traffic = await runShop(cloud, withFaults, shown, surroundings, raised);
    shown.step('let the last windows close and the last alerts arrive');
    await settle(surroundings, raised);

    shown.step('judge what came out');
    const orders = await readOrders(cloud, traffic);
    const traces = await readTraces(cloud);
    const scores = await readScores(cloud);
    const run: Run = {
      traces: judgeTraces(orders, traces),
      alerts: judgeAlerts(raised, surroundings.seen()),
      findings: scores.flatMap(({ findings }) => findings),
      watermarks: { readings, breaches: breaches.size },
      seconds: Math.round((systemClock() - began) / 100) / 10,
    };
    writeFileSync(join(out, 'run.json'), `${JSON.stringify(run, undefined, 2)}\n`);
    writeFileSync(join(out, 'report.html'), await report(cloud, traces, scores, raised, run));
    shown.done();
    process.stdout.write(summary(run, traffic, withFaults));
    if (args.includes('--keep')) await keep(cloud);
    return isGood(run, withFaults) ? 0 : 1;
  } finally {
    await cloud.stop();
    await surroundings.stop();
  }
};

const synthesise = (assembly: string): Promise<void> =>
  new Promise((done, reject) => {
    const child = spawn(process.execPath, [join(root, 'examples/shop/app.ts')], {
      cwd: root,
      env: {
        ...process.env,
        CDK_OUTDIR: assembly,
        TIDEMARK_ARCHITECTURE: process.arch === 'arm64' ? 'arm64' : 'x86_64',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('exit', (code) => (code === 0 ? done() : reject(new Error(`the CDK app ended with ${code}:\n${errors}`))));
  });

/** What lies around tidemark: a Kubernetes API, a WeCom robot, an audit endpoint. */
const startSurroundings = async (withFaults: boolean) => {
  const robot = await startWecomRobot({ clock: systemClock, minuteSeconds: 60 });
  const audited: Alert[] = [];
  const audit = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      audited.push((JSON.parse(Buffer.concat(chunks).toString()) as { data: Alert }).data);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => audit.listen(0, '127.0.0.1', done));
  const { port } = audit.address() as { port: number };
  const cluster = await startCluster({ clock: systemClock, token: 'local-token' });
  return {
    kubernetesUrl: cluster.url,
    secrets: {
      'secretsmanager:shop/robot-url': robot.url,
      'secretsmanager:shop/audit-url': `http://127.0.0.1:${port}/alerts`,
      'secretsmanager:shop/audit-secret': `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`,
      'secretsmanager:shop/kubernetes-token': 'local-token',
    },
    /** The pod fills up over half of the run, is restarted, and is well again. */
    setMemory: (share: number) => cluster.setMemory(withFaults ? share : 0.4),
    /** Identities of the alerts that each destination was sent, in order. */
    seen: (): Record<string, readonly string[]> => ({
      audit: audited.map(identityOf),
      oncall: robot.received.map(({ body }) => identityInText((body['markdown'] as { content: string }).content)),
    }),
    stop: async () => {
      audit.close();
      audit.closeAllConnections();
      await robot.stop();
      await cluster.stop();
    },
  };
};

/** The robot's message names fingerprint, status and start in its text. */
const identityInText = (content: string): string => {
  const status = /\[(FIRING|RESOLVED)\]/.exec(content)?.[1] === 'FIRING' ? 'firing' : 'resolved';
  const [, startsAt = '', fingerprint = ''] = /(\d{4}-\d\d-\d\dT[\d:.]+Z) · ([0-9a-f]{16}) · /.exec(content) ?? [];
  return identityOf({ fingerprint, status, startsAt });
};

const runShop = async (
  cloud: Cloud,
  withFaults: boolean,
  shown: ReturnType<typeof progress>,
  surroundings: Awaited<ReturnType<typeof startSurroundings>>,
  raised: readonly Alert[],
): Promise<Traffic> => {
  const { UsersUrl, ShopTable } = cloud.outputs['Shop'] as { UsersUrl: string; ShopTable: string };
  const dynamodb = new DynamoDBClient({});
  const traffic = startTraffic({
    usersUrl: UsersUrl,
    ordersPerSecond,
    rampSeconds,
    clock: systemClock,
    random: systemRandom,
  });
  const began = systemClock();
  let active = '';
  for (;;) {
    const second = (systemClock() - began) / 1000;
    if (second >= trafficSeconds) break;
    const now = withFaults ? faults.filter(({ from, to }) => second >= from && second < to) : [];
    const names = now.map(({ name }) => name).join(', ');
    if (names !== active) {
      active = names;
      const json = JSON.stringify(Object.assign({}, ...now.map(({ switches }) => switches)));
      await dynamodb.send(
        new PutItemCommand({
          TableName: ShopTable,
          Item: { pk: { S: 'faults' }, sk: { S: 'faults' }, json: { S: json } },
        }),
      );
      shown.say(names === '' ? 'faults off' : `fault on: ${names}`);
    }
    // Up to 97 % of its limit at two fifths of the run, then restarted.
    const share = second / trafficSeconds;
    surroundings.setMemory(share < 0.6 ? Math.min(0.97, 0.4 + share * 1.5) : 0.35);
    shown.detail(
      `${second.toFixed(0)} s, ${traffic.placed.length} orders, ${raised.length} alerts${active === '' ? '' : `, ${active}`}`,
    );
    await pause(500);
  }
  await traffic.stop();
  dynamodb.destroy();
  return traffic;
};

/** Waits until every window had its time and everything raised was seen, or nothing moved for long. */
const settle = async (
  surroundings: Awaited<ReturnType<typeof startSurroundings>>,
  raised: readonly Alert[],
): Promise<void> => {
  await pause((windowSeconds * 2 + slackSeconds + 3) * 1000);
  const deadline = systemClock() + 60_000;
  while (systemClock() < deadline && judgeAlerts(raised, surroundings.seen()).lost > 0) await pause(500);
  await pause(1500);
};

const readOrders = async (cloud: Cloud, traffic: Traffic): Promise<OrderState[]> => {
  const { ShopTable } = cloud.outputs['Shop'] as { ShopTable: string };
  const dynamodb = new DynamoDBClient({});
  const query = async (pk: string) => {
    const items = [];
    let start: Record<string, { S: string }> | undefined;
    do {
      const answer: { Items?: Record<string, { S?: string }>[]; LastEvaluatedKey?: Record<string, { S: string }> } =
        (await dynamodb.send(
          new QueryCommand({
            TableName: ShopTable,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': { S: pk } },
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        )) as never;
      items.push(...(answer.Items ?? []));
      start = answer.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  };
  const states = new Map((await query('order')).map((item) => [item['sk']?.S ?? '', item['state']?.S ?? '']));
  const oldWay = new Set((await query('old-way')).map((item) => item['sk']?.S ?? ''));
  dynamodb.destroy();
  return traffic.placed.map(({ order, traceId }) => ({
    id: order.id,
    traceId,
    state: states.get(order.id) ?? 'unknown',
    oldWay: oldWay.has(order.id),
  }));
};

const bucketOf = (cloud: Cloud) => s3Bucket({ bucketName: String(cloud.outputs['TidemarkState']?.['BucketName']) });

const readTraces = async (cloud: Cloud): Promise<Map<string, Trace>> => {
  const bucket = bucketOf(cloud);
  const spans = [];
  for (const key of await bucket.list('spans/')) {
    const bytes = await bucket.get(key);
    if (bytes !== undefined) spans.push(...decodeJson(Buffer.from(await decompress(bytes, 'gzip')).toString()).spans);
  }
  return new Map(assemble(spans).map((trace) => [trace.traceId, trace]));
};

const readScores = async (cloud: Cloud): Promise<Score[]> => {
  const bucket = bucketOf(cloud);
  const keys = (await bucket.list('reports/')).filter((key) => key.endsWith('score.json'));
  return Promise.all(
    keys.map(async (key) => JSON.parse(Buffer.from((await bucket.get(key)) ?? []).toString()) as Score),
  );
};

const report = async (
  cloud: Cloud,
  traces: ReadonlyMap<string, Trace>,
  scores: readonly Score[],
  raised: readonly Alert[],
  run: Run,
): Promise<string> => {
  const whole = scoreTraces('the whole run', [...traces.values()]);
  const firstOf = new Map(run.findings.map((finding) => [finding.kind, finding.exemplar.traceId]));
  const longest = [...traces.values()].reduce((best, trace) => (trace.nodes.length > best.nodes.length ? trace : best));
  const shown = [longest, ...[...firstOf.values()].flatMap((id) => traces.get(id) ?? [])];
  return renderReport({
    title: 'tidemark: one run of the shop',
    subtitle: `${run.traces.whole} of ${run.traces.expected} traces whole · ${run.findings.length} findings in ${scores.length} windows of ${windowSeconds} s · ${run.alerts.delivered} of ${run.alerts.raised} alerts delivered, ${run.alerts.lost} lost, ${run.alerts.duplicates} twice`,
    traces: [...new Set(shown)].slice(0, 4),
    heatMap: whole.heatMap,
    findings: run.findings,
    services: whole.services,
    edges: whole.edges,
    ledger: await ledgerRows(cloud, raised),
  });
};

const ledgerRows = async (cloud: Cloud, raised: readonly Alert[]): Promise<LedgerRow[]> => {
  const table = dynamodbTable({ tableName: String(cloud.outputs['TidemarkState']?.['TableName']), clock: systemClock });
  const rows: LedgerRow[] = [];
  for (const fingerprint of new Set(raised.map((alert) => alert.fingerprint))) {
    for (const entry of await readLedger(table, fingerprint)) {
      if (entry.step === 'received') continue;
      const { alert } = entry;
      rows.push({
        at: entry.at,
        alertname: alert.labels['alertname'] ?? '',
        severity: alert.labels['severity'] ?? '',
        status: alert.status,
        summary: alert.annotations['summary'] ?? '',
        destination: entry.receiver ?? '',
        verdict: entry.verdict ?? entry.step,
        attempts: entry.attempt ?? 0,
        ...(alert.trace === undefined ? {} : { traceId: alert.trace.traceId }),
      });
    }
  }
  return rows.sort((a, b) => (a.at < b.at ? -1 : 1));
};

const found = (run: Run, { kind, service }: { readonly kind: string; readonly service: string }): boolean =>
  run.findings.some((finding) => finding.kind === kind && finding.service === service);

const isGood = (run: Run, withFaults: boolean): boolean =>
  run.traces.expected > 0 &&
  run.traces.whole === run.traces.expected &&
  run.alerts.lost === 0 &&
  run.alerts.duplicates === 0 &&
  (withFaults ? faults.every(({ expected }) => found(run, expected)) : run.findings.length === 0);

const summary = (run: Run, traffic: Traffic, withFaults: boolean): string => {
  const mark = (good: boolean) => (good ? '✓' : '✗');
  const lines = [
    '',
    `${mark(run.traces.whole === run.traces.expected)} traces    ${run.traces.whole} of ${run.traces.expected} whole across HTTP, SQS and EventBridge (${traffic.placed.length} orders placed, ${traffic.refused.length} refused)`,
    ...(withFaults
      ? faults.map(({ name, expected }) => {
          const hit = run.findings.find(({ kind, service }) => kind === expected.kind && service === expected.service);
          return `${mark(hit !== undefined)} fault     ${name.padEnd(14)} → ${hit === undefined ? 'not found' : `${hit.kind}: ${hit.summary}`}`;
        })
      : [`${mark(run.findings.length === 0)} findings  ${run.findings.length} (there were no faults)`]),
    `${mark(run.alerts.lost === 0 && run.alerts.duplicates === 0)} alerts    ${run.alerts.raised} raised, ${run.alerts.delivered} delivered to both destinations, ${run.alerts.lost} lost, ${run.alerts.duplicates} twice`,
    `  watermarks ${run.watermarks.readings} readings, ${run.watermarks.breaches} breaches`,
    '',
    `  ${run.seconds} s in all · out/run.json · out/report.html`,
    '',
  ];
  return `${lines.join('\n')}\n`;
};

const keep = async (cloud: Cloud): Promise<void> => {
  const { UsersUrl } = cloud.outputs['Shop'] as { UsersUrl: string };
  process.stdout.write(
    [
      'Still running. Stop with Ctrl-C.',
      `  AWS_ENDPOINT_URL      ${cloud.endpoint}   (any AWS_ACCESS_KEY_ID; AWS_REGION us-east-1)`,
      `  orders (signed POST)  ${UsersUrl}orders`,
      ...[...cloud.queues]
        .filter(([name]) => !name.includes('dead-letters'))
        .map(([name, { url }]) => `  queue ${name.padEnd(22)} ${url}`),
      '',
    ].join('\n'),
  );
  await new Promise<void>((done) => process.once('SIGINT', () => done()));
};

const parsed = (line: string): { level?: string; series?: number } => {
  try {
    return JSON.parse(line) as { level?: string; series?: number };
  } catch {
    return {};
  }
};

const pause = (milliseconds: number): Promise<void> => new Promise((resume) => setTimeout(resume, milliseconds));

process.exitCode = await main(process.argv.slice(2));
