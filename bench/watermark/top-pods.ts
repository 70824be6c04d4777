/** The same lists and join by @kubernetes/client-node: topPods, which is its answer to "how full are the pods". Stores nothing. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { residentPeak } from '../resident.ts';

const require = createRequire(join(import.meta.dirname, '../peers/package.json'));
const { CoreV1Api, KubeConfig, Metrics, topPods } = require('@kubernetes/client-node') as {
  CoreV1Api: unknown;
  KubeConfig: new () => { loadFromOptions: (options: unknown) => void; makeApiClient: (api: unknown) => unknown };
  Metrics: new (config: unknown) => unknown;
  topPods: (core: unknown, metrics: unknown) => Promise<unknown[]>;
};

const config = new KubeConfig();
config.loadFromOptions({
  clusters: [
    {
      name: 'prod',
      server: process.env['BENCH_API'],
      caFile: join(import.meta.dirname, '../../test/support/tls/ca.pem'),
    },
  ],
  users: [{ name: 'bench' }],
  contexts: [{ name: 'prod', cluster: 'prod', user: 'bench' }],
  currentContext: 'prod',
});
const core = config.makeApiClient(CoreV1Api);
const ticks = [];
for (let n = 0; n < Number(process.argv[2] ?? 5); n += 1) {
  const began = performance.now();
  const pods = await topPods(core, new Metrics(config));
  ticks.push({ seconds: (performance.now() - began) / 1000, series: pods.length });
}
process.stdout.write(`${JSON.stringify({ ticks, residentMiB: residentPeak() })}\n`);
process.exit(0);
