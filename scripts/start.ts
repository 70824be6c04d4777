/**
 * `npm start`: synthesises tidemark and the shop, boots them on the embedded cloud, runs customers through the shop while
 * faults come and go, and judges what came out at the far end.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { Traffic } from '../examples/shop/traffic.ts';
import { systemClock, systemRandom } from '../lib/adapters/clock.ts';
import { dynamodbTable } from '../lib/adapters/dynamodb.ts';
import { readLedger } from '../lib/alert/ledger.ts';
import type { Alert } from '../lib/model/alert.ts';
import { type LedgerRow, renderReport } from '../lib/trace/report.ts';
import { scoreTraces } from '../lib/trace/score.ts';
import { boot, type Cloud } from '../local/cloud.ts';
import { progress } from './progress.ts';
import { identityOf, type Run } from './start/outcome.ts';
import { compress, faults, slackSeconds, windowSeconds } from './start/plan.ts';
import { isGood, type Played, playScenario } from './start/scenario.ts';
import { startSurroundings } from './start/surroundings.ts';

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
    const { Shop = {}, TidemarkState = {} } = cloud.outputs;
    const played = await playScenario({
      where: {
        usersUrl: String(Shop['UsersUrl']),
        shopTable: String(Shop['ShopTable']),
        bucket: String(TidemarkState['BucketName']),
      },
      withFaults,
      surroundings,
      raised,
      watermarks: () => ({ readings, breaches: breaches.size }),
      shown,
      began,
    });
    const { run, traffic } = played;
    writeFileSync(join(out, 'run.json'), `${JSON.stringify(run, undefined, 2)}\n`);
    writeFileSync(join(out, 'report.html'), await report(cloud, played, raised));
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

const report = async (cloud: Cloud, { traces, scores, run }: Played, raised: readonly Alert[]): Promise<string> => {
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
    criticalPath: whole.criticalPath,
    gaps: whole,
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

process.exitCode = await main(process.argv.slice(2));
