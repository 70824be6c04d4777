import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import fc from 'fast-check';
import { alert } from '../../../lib/model/alert.ts';
import { encodeJson } from '../../../lib/telemetry/encode.ts';
import { prometheusRules } from '../../../lib/watermark/prometheus-rules.ts';
import { aSpan } from '../../support/a-span.ts';
import { everyGauge } from '../../support/every-gauge.ts';
import { type Part, type Peer, present, same } from '../part.ts';
import { type Deployment, deployed } from '../support/deployment.ts';
import {
  alertmanagerInhibitRules,
  alertmanagerRoute,
  drawnLabels,
  gatherTold,
  groupReceivers,
  toldByUs,
} from '../support/groups.ts';
import { freePort, run, serve, until, withFolder } from '../support/process.ts';
import { goPrograms } from '../tools.ts';

const prometheus = goPrograms('prometheus', {
  packages: ['github.com/prometheus/prometheus/cmd/prometheus', 'github.com/prometheus/prometheus/cmd/promtool'],
  modulePath: 'github.com/prometheus/prometheus',
  version: 'v0.316.0',
  // Without the clients of two dozen clouds, which take most of the build and none of which is asked here.
  tags: 'remove_all_sd',
});
const alertmanager = goPrograms('alertmanager', {
  packages: ['github.com/prometheus/alertmanager/cmd/alertmanager', 'github.com/prometheus/alertmanager/cmd/amtool'],
  modulePath: 'github.com/prometheus/alertmanager',
  version: 'v0.34.1',
  // Releases build the pages of its web interface first; nothing here looks at them.
  lacks: { 'ui/app/dist/index.html': '' },
});

const ops = normalize(join(import.meta.dirname, '../../../ops/prometheus'));

/** Our rules in a real Prometheus, its alerts in a real Alertmanager, and what that one posts. */
export const part: Part = {
  name: 'monitoring',
  title: 'Prometheus and Alertmanager',
  tools: [prometheus, alertmanager],
  run: async (report) => {
    // The module v0.316.0 is release 3.16.0.
    const server = report.peer('Prometheus', '3.16.0 (built without service discovery of clouds)');
    await checksRules(server);
    const manager = report.peer('Alertmanager', '0.34.1');
    await withFolder((folder) =>
      deployed(async (deployment) => {
        const running = await startBoth(folder, deployment);
        try {
          await firesOnAnomaly(server, deployment, running);
          await hearsOfIt(manager, running);
          await reachesTheRobot(manager, deployment);
          await sameFingerprints(manager, running);
          await sameGroups(manager, running);
        } finally {
          await running.stop();
        }
      }),
    );
    server.leaves(
      'export by tidemark itself: metrics leave score-traces as log lines in embedded metric format, and are carried from there to Prometheus by OTLP here; remote write is not there',
    );
  },
};

const checksRules = async (peer: Peer): Promise<void> => {
  const promtool = join(prometheus.path, 'promtool');
  const files = ['trace-rules.yml', 'watermarks.rules.yml'];
  await peer.holds('promtool accepts the rules of ops/prometheus', () =>
    run(promtool, ['check', 'rules', ...files.map((file) => join(ops, file))]),
  );
  await peer.holds('promtool test rules passes on them', () =>
    run(promtool, ['test', 'rules', join(ops, 'trace-rules.test.yml')]),
  );
  await peer.holds('promtool test rules passes on watermark rules of every gauge that is exported', () =>
    withFolder(async (folder) => {
      writeFileSync(join(folder, 'every-gauge.rules.yml'), prometheusRules(everyGauge));
      cpSync(join(import.meta.dirname, '../rules/every-gauge.test.yml'), join(folder, 'every-gauge.test.yml'));
      await run(promtool, ['check', 'rules', join(folder, 'every-gauge.rules.yml')]);
      await run(promtool, ['test', 'rules', join(folder, 'every-gauge.test.yml')]);
    }),
  );
  await peer.holds('promtool test rules fails where a threshold is another', () =>
    withFolder(async (folder) => {
      cpSync(join(ops, 'trace-rules.test.yml'), join(folder, 'trace-rules.test.yml'));
      const rules = readFileSync(join(ops, 'trace-rules.yml'), 'utf8');
      for (const [from, to] of [
        ['> 0.15', '> 0.75'],
        ['> 0.05', '> 0.2'],
        ['> 0.3', '> 0.2'],
      ] as const) {
        if (!rules.includes(from)) throw new Error(`the rules have no '${from}'`);
        writeFileSync(join(folder, 'trace-rules.yml'), rules.replace(from, to));
        const passes = await run(promtool, ['test', 'rules', join(folder, 'trace-rules.test.yml')]).then(
          () => true,
          () => false,
        );
        if (passes) throw new Error(`the tests pass with '${to}' for '${from}'`);
      }
    }),
  );
};

interface Running {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  /** Bodies that Alertmanager posted to its webhook. */
  readonly posted: Posted[];
  readonly stop: () => Promise<void>;
}

interface Posted {
  readonly receiver: string;
  readonly groupKey: string;
  readonly status: string;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly status: string;
    readonly fingerprint: string;
  }[];
}

/** Both servers, with our rules as they are; alerts go to a webhook that keeps what it is sent, those about traces to deliver-alerts too. */
const startBoth = async (folder: string, { cloud }: Deployment): Promise<Running> => {
  const [metricsPort, alertsPort] = [await freePort(), await freePort()];
  const posted: Posted[] = [];
  const webhook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      posted.push(JSON.parse(Buffer.concat(chunks).toString()) as Posted);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((done) => webhook.listen(0, '127.0.0.1', done));
  const { port: webhookPort } = webhook.address() as { readonly port: number };
  const route = {
    receiver: 'hook',
    group_by: ['alertname', 'service'],
    group_wait: '1s',
    group_interval: '2s',
    routes: [
      { matchers: [`service="${failing}"`], receiver: 'tidemark', continue: true },
      { matchers: [`service="${failing}"`], receiver: 'hook' },
      alertmanagerRoute(),
    ],
  };
  const hook = { url: `http://127.0.0.1:${webhookPort}/` };
  const token = { type: 'Bearer', credentials: deliverToken };
  const tidemark = {
    url: String(cloud.outputs['TidemarkFunctions']?.['DeliverAlertsUrl']),
    http_config: { authorization: token },
  };
  const receivers = [
    ...['hook', ...groupReceivers].map((name) => ({ name, webhook_configs: [hook] })),
    { name: 'tidemark', webhook_configs: [tidemark] },
  ];
  cpSync(join(ops, 'trace-rules.yml'), join(folder, 'trace-rules.yml'));
  // Both read JSON, which is YAML.
  writeFileSync(
    join(folder, 'alertmanager.yml'),
    JSON.stringify({ route, receivers, inhibit_rules: alertmanagerInhibitRules }),
  );
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { evaluation_interval: '1s' },
      rule_files: ['trace-rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertsPort}`] }] }] },
    }),
  );
  mkdirSync(join(folder, 'data'));
  const prometheusUrl = `http://127.0.0.1:${metricsPort}`;
  const alertmanagerUrl = `http://127.0.0.1:${alertsPort}`;
  const manager = await serve(
    join(alertmanager.path, 'alertmanager'),
    [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alertsPort}`,
      '--cluster.listen-address=',
    ],
    { ready: async () => (await fetch(`${alertmanagerUrl}/-/ready`)).ok },
  );
  try {
    const server = await serve(
      join(prometheus.path, 'prometheus'),
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${metricsPort}`,
        '--web.enable-otlp-receiver',
      ],
      { ready: async () => (await fetch(`${prometheusUrl}/-/ready`)).ok },
    );
    const stop = async () => {
      await server.stop();
      await manager.stop();
      webhook.close();
      webhook.closeAllConnections();
    };
    return { prometheusUrl, alertmanagerUrl, posted, stop };
  } catch (thrown) {
    await manager.stop();
    webhook.close();
    throw thrown;
  }
};

const failing = 'interop-payments';
/** What the shop's robots and their surroundings hold as `secretsmanager:shop/alerts-token`. */
const deliverToken = 'local-token';

/** Spans of which every other one fails go in at collect-spans; what score-traces measures makes the rule fire. */
const firesOnAnomaly = async (
  peer: Peer,
  { otlpUrl, otlpHeaders, lines }: Deployment,
  { prometheusUrl }: Running,
): Promise<void> => {
  const measured = await peer.holds('score-traces measures an error burst that came in as OTLP', async () => {
    const at = Date.now();
    const spans = Array.from({ length: 20 }, (_, index) =>
      aSpan({
        traceId: (index + 1).toString(16).padStart(32, 'd'),
        spanId: (index + 1).toString(16).padStart(16, 'e'),
        service: failing,
        name: 'charge',
        startNanos: BigInt(at) * 1_000_000n,
        endNanos: BigInt(at + 5) * 1_000_000n,
        status: index % 2 === 0 ? 2 : 0,
      }),
    );
    const headers = { ...otlpHeaders, 'content-type': 'application/json' };
    const answer = await fetch(otlpUrl, { method: 'POST', headers, body: encodeJson(spans) });
    same(answer.status, 200, 'status of the answer');
    const found = () =>
      lines
        .filter((line) => line.includes('"trace metrics"') && line.includes(failing))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await until('the window is scored', 30, () => sumOf(found(), 'traces_span_count_total') >= 20);
    return found();
  });
  await peer.holds('takes them by OTLP under their names', async () => {
    const names = ['traces_span_count_total', 'traces_span_error_total'];
    // A counter's increase is told from two of its samples: one from before the burst.
    await postMetrics(prometheusUrl, Date.now() - 45_000, new Map(names.map((name) => [name, 0])));
    await postMetrics(prometheusUrl, Date.now(), new Map(names.map((name) => [name, sumOf(measured, name)])));
    await until('both series are there', 10, async () => {
      const values = await Promise.all(names.map((name) => queryOne(prometheusUrl, `${name}{service="${failing}"}`)));
      return values[0] === 20 && values[1] === 10;
    });
  });
  await peer.holds('fires TraceErrorBurst by ops/prometheus/trace-rules.yml as it is', () =>
    until('the alert fires', 45, async () => {
      const alerts = await queryOne(
        prometheusUrl,
        `ALERTS{alertname="TraceErrorBurst",service="${failing}",alertstate="firing"}`,
      );
      return alerts === 1;
    }),
  );
};

const sumOf = (lines: readonly Record<string, unknown>[], name: string): number =>
  lines.reduce((sum, line) => sum + Number(line[name] ?? 0), 0);

const postMetrics = async (url: string, atMillis: number, values: ReadonlyMap<string, number>): Promise<void> => {
  const nanos = String(BigInt(Math.floor(atMillis)) * 1_000_000n);
  const attributes = [{ key: 'service', value: { stringValue: failing } }];
  const metrics = [...values].map(([name, value]) => ({
    name,
    sum: {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: [{ attributes, timeUnixNano: nanos, asDouble: value }],
    },
  }));
  const answer = await fetch(`${url}/api/v1/otlp/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ resource: {}, scopeMetrics: [{ metrics }] }] }),
  });
  if (!answer.ok) throw new Error(`OTLP is answered ${answer.status}: ${await answer.text()}`);
};

const queryOne = async (url: string, query: string): Promise<number | undefined> => {
  const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await answer.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
  return data.result[0] === undefined ? undefined : Number(data.result[0].value[1]);
};

const hearsOfIt = async (peer: Peer, { posted }: Running): Promise<void> => {
  await peer.holds('is sent the alert by Prometheus, and posts it', async () => {
    const found = () => posted.flatMap(({ alerts }) => alerts).find(({ labels }) => labels['service'] === failing);
    await until('the webhook has it', 20, () => found() !== undefined);
    const { labels, fingerprint } = present(found(), 'the alert');
    same(
      labels,
      { alertname: 'TraceErrorBurst', kind: 'error-burst', service: failing, severity: 'critical' },
      'labels',
    );
    same(fingerprintOf(labels), fingerprint, 'our fingerprint of it');
  });
};

const fingerprintOf = (labels: Readonly<Record<string, string>>): string =>
  alert({ status: 'firing', labels, annotations: {}, startsAt: '2026-01-01T00:00:00.000Z' }).fingerprint;

/** An alert of theirs and the same of ours have to be one: hundreds of drawn label sets get the same fingerprint from both. */
const sameFingerprints = async (peer: Peer, { alertmanagerUrl }: Running): Promise<void> => {
  const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/);
  const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  const drawn = fc.sample(fc.dictionary(name, value, { maxKeys: 8 }), { numRuns: 300, seed });
  // An index makes each of them an alert of its own.
  const sets = drawn.map((labels, index) => ({
    ...labels,
    alertname: 'Größe 漢字 🙂',
    severity: 'info',
    index: String(index),
  }));
  await peer.holds('gives hundreds of drawn label sets the fingerprints that we give them', async () => {
    const answer = await fetch(`${alertmanagerUrl}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sets.map((labels) => ({ labels, annotations: {} }))),
    });
    same(answer.status, 200, `status of the answer (seed ${seed})`);
    const listed = (await (await fetch(`${alertmanagerUrl}/api/v2/alerts`)).json()) as {
      readonly labels: Readonly<Record<string, string>>;
      readonly fingerprint: string;
    }[];
    const theirs = new Map(listed.map(({ labels, fingerprint }) => [labels['index'], fingerprint]));
    for (const labels of sets)
      same(fingerprintOf(labels), theirs.get(labels.index), `fingerprint of ${JSON.stringify(labels)} (seed ${seed})`);
  });
};

/** The seed's chain to its end: spans, scores, metrics, rule, Alertmanager, deliver-alerts, robot. */
const reachesTheRobot = (peer: Peer, { surroundings }: Deployment): Promise<void> =>
  peer.holds('posts it to deliver-alerts with a bearer token, and the robot shows it, once', async () => {
    const labels = { alertname: 'TraceErrorBurst', kind: 'error-burst', service: failing, severity: 'critical' };
    const firing = `${fingerprintOf(labels)} firing `;
    const shown = () => (surroundings.seen()['oncall'] ?? []).filter((identity) => identity.startsWith(firing));
    await until('the robot shows it', 30, () => shown().length > 0);
    same(shown().length, 1, 'times that the robot was sent it');
  });

/** Alertmanager and our own delivery, given the same alerts and the same routes, tell the same receivers of the same groups. */
const sameGroups = async (peer: Peer, { alertmanagerUrl, posted }: Running): Promise<void> => {
  const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
  const sets = drawnLabels(seed);
  await peer.holds(
    'tells the same groups of the same alerts as our own delivery: nested routes, continue, regular expressions, labels that are missing, inhibition',
    async () => {
      const startsAt = new Date().toISOString();
      const alerts = sets.map((labels) => ({ labels, annotations: {}, startsAt }));
      const answer = await fetch(`${alertmanagerUrl}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(alerts),
      });
      same(answer.status, 200, `status of the answer (seed ${seed})`);
      const webhook = { version: '4', status: 'firing', alerts: alerts.map((each) => ({ ...each, status: 'firing' })) };
      const ours = await toldByUs(JSON.stringify(webhook));
      const theirs = () =>
        gatherTold(
          posted
            .filter(({ receiver }) => (groupReceivers as readonly string[]).includes(receiver))
            .map(({ receiver, groupKey, alerts: told }) => ({
              receiver,
              groupKey,
              fingerprints: told.map(({ fingerprint }) => fingerprint),
            })),
        );
      const count = (told: ReturnType<typeof theirs>) =>
        Object.values(told).reduce((sum, { length }) => sum + length, 0);
      if (count(ours) < sets.length / 2)
        throw new Error(`we tell only ${count(ours)} of ${sets.length} (seed ${seed})`);
      // What differs after half a minute differs; a notification too many would come within two intervals.
      await until('as many are told', 30, () => count(theirs()) >= count(ours)).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 5000));
      const told = theirs();
      for (const group of new Set([...Object.keys(told), ...Object.keys(ours)]))
        same(ours[group] ?? [], told[group] ?? [], `told of ${group} (seed ${seed})`);
    },
  );
};
