import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { systemClock, systemRandom } from '../../../lib/adapters/clock.ts';
import { type Alert, alert } from '../../../lib/model/alert.ts';
import { boot, type Cloud } from '../../../local/cloud.ts';
import { progress } from '../../../scripts/progress.ts';
import { identityOf } from '../../../scripts/start/outcome.ts';
import { compress, slackSeconds, windowSeconds } from '../../../scripts/start/plan.ts';
import { playScenario } from '../../../scripts/start/scenario.ts';
import { startSurroundings } from '../../../scripts/start/surroundings.ts';
import { type Part, present, same } from '../part.ts';
import { run, until } from '../support/process.ts';
import { program, scriptedPackage } from '../tools.ts';

const root = normalize(join(import.meta.dirname, '../../..'));
const version = '4.0.2';
// Its native part is compiled at installation.
const ric = scriptedPackage('aws-lambda-ric', version, [
  program('cmake', 'apt-get install cmake', ['cmake']),
  program('g++', 'apt-get install g++', ['g++']),
  program('make', 'apt-get install make', ['make']),
  program('autoreconf', 'apt-get install autoconf', ['autoconf']),
  program('libtoolize', 'apt-get install libtool', ['libtool']),
]);

/** The bundles as they are deployed, each in a process of AWS's own runtime client, on the Runtime API of the embedded cloud. */
export const part: Part = {
  name: 'runtime-client',
  title: 'The runtime client of AWS',
  tools: [ric],
  run: async (report) => {
    const peer = report.peer('aws-lambda-ric', version);
    const assembly = mkdtempSync(join(tmpdir(), 'tidemark-ric-'));
    const surroundings = await startSurroundings(false);
    const raised: Alert[] = [];
    const lines: string[] = [];
    let readings = 0;
    let cloud: Cloud | undefined;
    const former = { ...process.env };
    try {
      await run(process.execPath, [join(root, 'examples/shop/app.ts')], {
        cwd: root,
        env: { CDK_OUTDIR: assembly, TIDEMARK_ARCHITECTURE: process.arch === 'arm64' ? 'arm64' : 'x86_64' },
      });
      cloud = await boot({
        assembly,
        clock: systemClock,
        random: systemRandom,
        compress,
        provisioned: 1,
        concurrency: 4,
        visibilitySeconds: 30,
        runtimeClient: join(ric.path, 'node_modules/aws-lambda-ric/index.mjs'),
        secrets: surroundings.secrets,
        env: {
          TIDEMARK_WINDOW_SECONDS: String(windowSeconds),
          TIDEMARK_WINDOW_SLACK_SECONDS: String(slackSeconds),
          TIDEMARK_ALLOW_LOOPBACK: 'true',
          SHOP_KUBERNETES_API: surroundings.kubernetesUrl,
        },
        log: (line) => {
          lines.push(line);
          readings += Number(/"series":(\d+)/.exec(line)?.[1] ?? 0);
        },
        onEvent: (_, event) => {
          if (event['detail-type'] === 'Alert') raised.push(event['detail'] as Alert);
        },
      });
      const { endpoint, outputs, functions, stats, invoke } = cloud;
      Object.assign(process.env, {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      });
      const played = await playScenario({
        where: {
          usersUrl: String(outputs['Shop']?.['UsersUrl']),
          shopTable: String(outputs['Shop']?.['ShopTable']),
          bucket: String(outputs['TidemarkState']?.['BucketName']),
        },
        withFaults: false,
        seconds: 15,
        surroundings,
        raised,
        watermarks: () => ({ readings, breaches: 0 }),
        shown: progress({
          write: (text) => void process.stdout.write(`    ${text}`),
          isTerminal: false,
          clock: systemClock,
        }),
        began: systemClock(),
      });
      const { traces, findings, watermarks } = played.run;
      await peer.holds(
        'every trace that crosses functions under it is whole, and nothing is found in a shop at peace',
        () =>
          same(
            { some: traces.expected > 20, broken: traces.broken, findings },
            { some: true, broken: [], findings: [] },
            'traces',
          ),
      );
      await peer.holds('ticks are evaluated under it', () => same(watermarks.readings > 0, true, 'readings above 0'));
      const sent = alert({
        status: 'firing',
        labels: { alertname: 'RuntimeClient', severity: 'critical' },
        annotations: { summary: 'Größe 漢字 🙂' },
        startsAt: new Date(systemClock()).toISOString(),
      });
      await peer.holds('an alert on the bus is delivered under it', async () => {
        const Detail = JSON.stringify(sent);
        const bus = new EventBridgeClient({});
        await bus.send(
          new PutEventsCommand({
            Entries: [{ EventBusName: 'tidemark', Source: 'tidemark.test', DetailType: 'Alert', Detail }],
          }),
        );
        bus.destroy();
        await until('the alert is at every destination', 30, () =>
          Object.values(surroundings.seen()).every((seen) => seen.includes(identityOf(sent))),
        );
      });
      await peer.holds(
        'an event that a function refuses comes back as its error, and the process goes on',
        async () => {
          const outcome = await invoke('tidemark-score-traces', '{"what":"is this"}');
          same(outcome.ok, false, 'the outcome');
          same((await invoke('tidemark-collect-spans', '{"Records":[]}')).ok, true, 'the next outcome');
        },
      );
      await peer.holds('every function of tidemark and the shop has run', () => {
        const idle = functions.filter((name) => present(stats()[name], name).invocations === 0);
        same(idle, [], 'functions without an invocation');
      });
    } catch (thrown) {
      throw new Error(`${(thrown as Error).message}\nthe functions said:\n${lines.slice(-15).join('\n')}`, {
        cause: thrown,
      });
    } finally {
      await cloud?.stop();
      await surroundings.stop();
      rmSync(assembly, { recursive: true, force: true });
      for (const name of ['AWS_ENDPOINT_URL', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
        if (former[name] === undefined) delete process.env[name];
        else process.env[name] = former[name];
      }
    }
  },
};
