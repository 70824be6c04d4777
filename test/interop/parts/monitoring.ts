import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import fc from 'fast-check';
import { alert } from '../../../lib/model/alert.ts';
import type { TraceMetricsConfig } from '../../../lib/model/config/traces.ts';
import { prometheusRules } from '../../../lib/watermark/prometheus-rules.ts';
import { everyGauge } from '../../support/every-gauge.ts';
import { type Part, type Peer, present, same } from '../part.ts';
import { type Deployment, deployed } from '../support/deployment.ts';
import { exportsItsMetrics, type Receivers } from '../support/exported-metrics.ts';
import {
  alertmanagerInhibitRules,
  alertmanagerRoute,
  drawnLabels,
  gatherTold,
  groupReceivers,
  toldByUs,
} from '../support/groups.ts';
import { freePort, run, type Server, serve, until, withFolder } from '../support/process.ts';
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
      deployedWith(folder, async (deployment, ports) => {
        const running = await startAll(folder, deployment, ports);
        try {
          await exportsItsMetrics(server, deployment, running, failing);
          await hearsOfIt(manager, running);
          await reachesTheRobot(manager, deployment);
          await sameFingerprints(manager, running);
          await sameGroups(manager, running);
        } finally {
          await running.stop();
        }
      }),
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

interface Ports {
  readonly written: number;
  readonly otlp: number;
  readonly alerts: number;
}

/** Receivers of metrics are compiled in, so their ports are chosen before anything runs. */
const deployedWith = async (
  folder: string,
  work: (deployment: Deployment, ports: Ports) => Promise<void>,
): Promise<void> => {
  const ports = { written: await freePort(), otlp: await freePort(), alerts: await freePort() };
  const configFile = join(folder, 'tidemark.config.mjs');
  const metrics: TraceMetricsConfig = {
    remoteWrite: { url: `http://127.0.0.1:${ports.written}/api/v1/write` },
    otlp: { url: `http://127.0.0.1:${ports.otlp}/api/v1/otlp/v1/metrics` },
  };
  const shop = normalize(join(import.meta.dirname, '../../../examples/shop/tidemark.config.ts'));
  writeFileSync(
    configFile,
    `import shop from ${JSON.stringify(shop)};\nexport default { ...shop, traces: { metrics: ${JSON.stringify(metrics)} } };\n`,
  );
  await deployed((deployment) => work(deployment, ports), { configFile });
};

interface Running extends Receivers {
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

/**
 * A Prometheus that is written to and one that takes OTLP, both with our rules as they are. Alerts of the first go to Alertmanager, from
 * there to a webhook that keeps what it is sent, and those about traces to deliver-alerts too.
 */
const startAll = async (folder: string, { cloud }: Deployment, ports: Ports): Promise<Running> => {
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
  const alertmanagerUrl = `http://127.0.0.1:${ports.alerts}`;
  const manager = await serve(
    join(alertmanager.path, 'alertmanager'),
    [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${ports.alerts}`,
      '--cluster.listen-address=',
    ],
    { ready: async () => (await fetch(`${alertmanagerUrl}/-/ready`)).ok },
  );
  const started: Server[] = [manager];
  const stop = async () => {
    for (const server of started.splice(0).reverse()) await server.stop();
    webhook.close();
    webhook.closeAllConnections();
  };
  try {
    const written = { name: 'written', port: ports.written, flags: ['--web.enable-remote-write-receiver'] };
    started.push(await startPrometheus(folder, { ...written, alertmanagers: [`127.0.0.1:${ports.alerts}`] }));
    const otlp = { name: 'otlp', port: ports.otlp, flags: ['--web.enable-otlp-receiver'] };
    started.push(await startPrometheus(folder, { ...otlp, alertmanagers: [] }));
    return {
      writtenUrl: `http://127.0.0.1:${ports.written}`,
      otlpUrl: `http://127.0.0.1:${ports.otlp}`,
      alertmanagerUrl,
      posted,
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

interface PrometheusOptions {
  readonly name: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly alertmanagers: readonly string[];
}

const startPrometheus = (folder: string, { name, port, flags, alertmanagers }: PrometheusOptions): Promise<Server> => {
  writeFileSync(
    join(folder, `${name}.yml`),
    JSON.stringify({
      global: { evaluation_interval: '1s' },
      rule_files: ['trace-rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
    }),
  );
  const data = join(folder, name);
  mkdirSync(data);
  return serve(
    join(prometheus.path, 'prometheus'),
    [
      `--config.file=${join(folder, `${name}.yml`)}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...flags,
    ],
    { ready: async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok },
  );
};

const failing = 'interop-payments';
/** What the shop's robots and their surroundings hold as `secretsmanager:shop/alerts-token`. */
const deliverToken = 'local-token';

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
