import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../lib/model/alert.ts';
import type { WatermarkRule, WatermarksConfig } from '../../lib/model/config/watermarks.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { ClusterSnapshot, HorizontalPodAutoscaler, Pod } from '../../lib/model/kubernetes-objects.ts';
import type { Table } from '../../lib/model/ports.ts';
import type { Evaluating, Sources } from '../../lib/watermark/evaluating.ts';
import { recall } from '../../lib/watermark/recall.ts';
import { runReading, runTick } from '../../lib/watermark/tick.ts';
import { memoryTable } from '../support/memory.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const queueArn = 'arn:aws:sqs:eu-central-1:000000000000:orders';

const aPod = (name: string, fields: Partial<Pod['metadata']> = {}, limit: string | undefined = '200Mi'): Pod => ({
  metadata: { name, namespace: 'shop', ...fields },
  spec: {
    nodeName: 'node-1',
    containers: [{ name: 'app', ...(limit === undefined ? {} : { resources: { limits: { memory: limit } } }) }],
  },
  status: { phase: 'Running' },
});

/** A cluster, a queue and a clock that a test turns by hand. */
const aWorld = (rule: Partial<WatermarkRule> & Pick<WatermarkRule, 'gauge'>, more: Partial<WatermarksConfig> = {}) => {
  const world = {
    now: start,
    pods: [aPod('a')] as Pod[],
    /** MiB by pod; a pod without an entry has no metrics. */
    usage: { a: 100 } as Record<string, number>,
    backlog: 0,
    down: undefined as string | undefined,
    alerts: [] as Alert[],
    lines: [] as string[],
    inQueue: undefined as { traceId: string; spanId: string } | undefined,
    autoscalers: [] as HorizontalPodAutoscaler[],
    /** What the Prometheus query answers. */
    vector: [] as { labels: Record<string, string>; value: number }[],
  };
  const table = counting(memoryTable(() => world.now));
  const sources: Sources = {
    cluster: async (cluster): Promise<ClusterSnapshot> => {
      if (world.down !== undefined) throw new Failure('unavailable', world.down);
      return {
        cluster,
        at: world.now,
        pods: world.pods,
        podMetrics: Object.entries(world.usage).map(([name, mib]) => ({
          metadata: { name, namespace: 'shop' },
          timestamp: new Date(world.now).toISOString(),
          containers: [{ name: 'app', usage: { memory: `${mib * 1024}Ki`, cpu: '1n' } }],
        })),
        autoscalers: world.autoscalers,
      };
    },
    queue: async ({ arn, capacity }) => {
      if (world.down !== undefined) throw new Failure('unavailable', world.down);
      return {
        name: 'orders',
        arn,
        at: world.now,
        visible: world.backlog,
        inFlight: 0,
        delayed: 0,
        ...(capacity === undefined ? {} : { capacity }),
      };
    },
    cloudwatch: async () => [],
    prometheus: async () => world.vector.map((each) => ({ ...each, at: world.now })),
    traceInQueue: async () => world.inQueue,
  };
  const config: WatermarksConfig = {
    rules: { Full: { forSeconds: 60, keepFiringForSeconds: 0, ...rule } },
    clusters: { prod: { endpoint: 'https://127.0.0.1' } },
    ...more,
  };
  const given: Evaluating = {
    config,
    sources,
    table,
    bus: { put: async (events) => void world.alerts.push(...events.map(({ detail }) => detail as Alert)) },
    clock: () => world.now,
    log: (level, message) => void world.lines.push(`${level} ${message}`),
    recall: recall(),
    trace,
  };
  let ticks = 0;
  const tick = async (seconds = 30) => {
    world.now += seconds * 1000;
    ticks += 1;
    return runTick({ tick: new Date(start + ticks * 60_000).toISOString(), offsetSeconds: 0 }, given);
  };
  const told = () => world.alerts.map(({ status, labels }) => `${labels['alertname']} ${status}`);
  return { world, table, given, tick, told };
};

/** Counts writes that happened, by partition. */
const counting = (table: Table): Table & { readonly writes: string[] } => {
  const writes: string[] = [];
  const noted = async (pk: string, written: Promise<boolean>) => {
    if (await written) writes.push(pk);
    return written;
  };
  return {
    ...table,
    writes,
    put: (item, condition) => noted(item.pk, table.put(item, condition)),
    delete: (pk, sk, condition) => noted(pk, table.delete(pk, sk, condition)),
  };
};

test('a pod above its high mark fires after its for, and resolves at its low mark, once each', async () => {
  const { world, table, tick, told } = aWorld({ gauge: 'pod-memory' });
  await tick();
  world.usage['a'] = 185;
  await tick();
  assert.deepEqual(told(), [], 'pending says nothing');
  await tick();
  assert.deepEqual(told(), [], '30 s of 60');
  await tick();
  assert.deepEqual(told(), ['Full firing']);
  const [fired] = world.alerts;
  assert.deepEqual(fired?.labels, {
    alertname: 'Full',
    severity: 'critical',
    cluster: 'prod',
    namespace: 'shop',
    pod: 'a',
  });
  assert.deepEqual(fired?.trace, trace);
  assert.equal(fired?.annotations['value'], '0.925');
  assert.equal(fired?.annotations['basis'], 'limit');
  assert.equal(fired?.startsAt, '2026-11-23T12:02:00.000Z');
  world.usage['a'] = 170;
  await tick();
  assert.deepEqual(told(), ['Full firing'], 'between the marks nothing changes');
  const before = table.writes.filter((pk) => pk.startsWith('watermark#')).length;
  await tick();
  assert.equal(table.writes.filter((pk) => pk.startsWith('watermark#')).length, before, 'no transition, no write');
  world.usage['a'] = 160;
  await tick();
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  const resolved = world.alerts[1];
  assert.equal(resolved?.fingerprint, fired?.fingerprint);
  assert.equal(resolved?.startsAt, fired?.startsAt);
  assert.equal(resolved?.endsAt, '2026-11-23T12:03:30.000Z');
});

test('a tick delivered twice is evaluated once, and one that failed can come again', async () => {
  const { world, given, tick } = aWorld({ gauge: 'pod-memory' });
  await tick();
  const again = await runTick({ tick: new Date(start + 60_000).toISOString(), offsetSeconds: 0 }, given);
  assert.equal(again.evaluated, false);
  const late = { tick: '2026-11-23T11:59:00Z', offsetSeconds: 30 };
  world.usage['a'] = 199;
  const failing = {
    ...given,
    table: {
      ...given.table,
      query: async (pk: string) => (pk === 'tick' ? [] : Promise.reject(new Failure('unavailable', 'table'))),
    },
  };
  await assert.rejects(runTick(late, failing), /unavailable/);
  assert.equal((await runTick(late, given)).evaluated, true, 'the claim was given back');
  assert.equal((await runTick(late, given)).evaluated, false);
});

test('a pod that disappears while firing resolves as gone, with the severity it fired with', async () => {
  const { world, tick } = aWorld({ gauge: 'pod-memory', forSeconds: 0, keepFiringForSeconds: 600 });
  const requestOnly: Pod = {
    ...aPod('a'),
    spec: { containers: [{ name: 'app', resources: { requests: { memory: '100Mi' } } }] },
  };
  world.pods = [requestOnly];
  await tick();
  assert.equal(world.alerts[0]?.labels['severity'], 'warning', 'a request is no limit');
  assert.equal(world.alerts[0]?.annotations['basis'], 'request');
  world.pods = [];
  world.usage = {};
  await tick();
  assert.equal(world.alerts[1]?.status, 'resolved');
  assert.equal(world.alerts[1]?.annotations['reason'], 'pod gone');
  assert.equal(world.alerts[1]?.fingerprint, world.alerts[0]?.fingerprint);
});

test('a metrics API that is down makes one blind alert and resolves nothing', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  world.usage['a'] = 190;
  await tick();
  world.down = 'metrics-server is down';
  world.usage = {};
  for (let i = 0; i < 20; i += 1) await tick();
  assert.deepEqual(told(), ['Full firing', 'WatermarkBlind firing']);
  assert.match(world.alerts[1]?.annotations['reason'] ?? '', /metrics-server is down/);
  world.down = undefined;
  world.usage = { a: 100 };
  await tick();
  assert.deepEqual(told().slice(2), ['WatermarkBlind resolved', 'Full resolved']);
});

test('a source that is blind and then no longer configured is told to be so no more', async () => {
  const { world, given, tick, told } = aWorld({ gauge: 'pod-memory' });
  world.down = 'gone';
  for (let i = 0; i < 4; i += 1) await tick();
  const config = { rules: {}, clusters: {} };
  await runTick({ tick: '2026-11-23T13:00:00Z', offsetSeconds: 0 }, { ...given, config });
  await runTick({ tick: '2026-11-23T13:00:00Z', offsetSeconds: 30 }, { ...given, config });
  assert.deepEqual(told(), ['WatermarkBlind firing', 'WatermarkBlind resolved']);
  assert.equal(world.alerts[1]?.fingerprint, world.alerts[0]?.fingerprint);
  assert.equal(world.alerts[1]?.annotations['reason'], 'it is no longer configured');
});

test('a pod without metrics keeps its state', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  world.usage['a'] = 190;
  await tick();
  world.usage = {};
  await tick();
  await tick();
  assert.deepEqual(told(), ['Full firing']);
});

test('an hour of a square wave makes at most two notices', async () => {
  const defaults = { forSeconds: 60, keepFiringForSeconds: 300 };
  for (const [high, low, period, rule] of [
    [182, 178, 60, { forSeconds: 0, keepFiringForSeconds: 0 }],
    [190, 100, 120, defaults],
    [190, 100, 480, defaults],
  ] as const) {
    const { world, tick } = aWorld({ gauge: 'pod-memory', ...rule });
    for (let second = 0; second < 3600; second += 30) {
      world.usage['a'] = second % period < period / 2 ? high : low;
      await tick();
    }
    assert.ok(world.alerts.length <= 2, `${high}/${low} MiB every ${period} s: ${world.alerts.length} notices`);
    assert.ok(world.alerts.length >= 1 || period === 120, 'the wave is seen at all');
  }
});

test('no square wave of up to half an hour makes more than two notices in an hour, marks and times by default', async () => {
  for (let period = 60; period <= 1800; period += 60) {
    const { world, tick } = aWorld({ gauge: 'pod-memory' }, { rules: { Full: { gauge: 'pod-memory' } } });
    for (let second = 0; second < 3600; second += 30) {
      world.usage['a'] = second % period < period / 2 ? 198 : 10;
      await tick();
    }
    assert.ok(world.alerts.length <= 2, `every ${period} s: ${world.alerts.length} notices`);
    assert.ok(world.alerts.length >= 1 || period <= 120, `every ${period} s: never seen`);
  }
});

test('where nobody says otherwise an alert resolves after five minutes, or as long as it was high', async () => {
  const minutes = async (highFor: number, rule: Partial<WatermarkRule>) => {
    const { world, tick } = aWorld({ gauge: 'pod-memory' }, { rules: { Full: { gauge: 'pod-memory', ...rule } } });
    for (let minute = 0; minute < 120 && world.alerts.length < 2; minute += 1) {
      world.usage['a'] = minute < highFor ? 198 : 10;
      await tick(60);
    }
    return (Date.parse(world.alerts[1]?.endsAt ?? '') - start) / 60_000 - highFor - 1;
  };
  assert.equal(await minutes(3, {}), 5);
  assert.equal(await minutes(10, {}), 10);
  assert.equal(await minutes(60, {}), 15);
  assert.equal(await minutes(60, { flapDamping: false }), 5);
  assert.equal(await minutes(60, { keepFiringForSeconds: 120 }), 2);
});

test('a growing queue fires its drain rule though CloudWatch arithmetic would call it negative', async () => {
  const queues = [{ arn: queueArn, capacity: 1000 }];
  const { world, table, tick, told } = aWorld({ gauge: 'queue-drain', forSeconds: 0 }, { queues });
  for (let i = 0; i < 4; i += 1) {
    world.backlog += 100;
    await tick();
  }
  assert.deepEqual(told(), ['Full firing']);
  assert.equal(world.alerts[0]?.annotations['value'], '+Inf');
  const pressure = await table.get('pressure', 'orders');
  assert.deepEqual(
    [pressure?.['level'], pressure?.['fill'], pressure?.['backlog'], pressure?.['capacity']],
    ['medium', 0.4, 400, 1000],
  );
  world.backlog = 0;
  await tick();
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
});

test('a clock that goes back does not freeze a series', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 60 });
  world.usage['a'] = 190;
  await tick();
  world.now -= 3600_000;
  await tick();
  await tick(60);
  assert.deepEqual(told(), ['Full firing']);
  world.now -= 3600_000;
  world.usage['a'] = 100;
  await tick();
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  assert.equal(world.alerts[1]?.annotations['reason'], 'is not above low, after the clock was set back');
});

test('a pushed reading is evaluated like any other, late and repeated ones change nothing', async () => {
  const { world, given, told } = aWorld({ gauge: 'pushed', forSeconds: 0 });
  const reading = (value: number, at: number) => ({
    gauge: 'pushed',
    series: { sku: 'tea' },
    value,
    capacity: 100,
    at,
  });
  await runReading(reading(95, start), given);
  await runReading(reading(10, start - 60_000), given);
  await runReading(reading(10, start), given);
  assert.deepEqual(told(), ['Full firing']);
  world.now += 60_000;
  await runReading(reading(10, start + 60_000), given);
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  await assert.rejects(runReading(reading(1, start + 3600_000), given), /in the future/);
});

test('two evaluations of the same moment cannot both move a series', async () => {
  const { given, table, world } = aWorld({ gauge: 'pushed', forSeconds: 60 });
  const reading = { gauge: 'pushed', series: { sku: 'tea' }, value: 2, at: start };
  await Promise.all([runReading(reading, given), runReading(reading, given)]);
  assert.equal(table.writes.filter((pk) => pk === 'watermark#Full').length, 1);
  assert.deepEqual(world.lines, ['warn another evaluation has moved this series on']);
});

test('an annotation opts a pod out, or gives it marks of its own', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  const annotate = (text: string) => [aPod('a', { annotations: { 'watermark.tidemark.dev/pod-memory': text } })];
  world.usage['a'] = 190;
  world.pods = annotate('high=0.97, low=0.9');
  await tick();
  assert.deepEqual(told(), []);
  world.usage['a'] = 196;
  await tick();
  assert.deepEqual(told(), ['Full firing']);
  world.pods = annotate('off');
  await tick();
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  assert.equal(world.alerts[1]?.annotations['reason'], 'opted out by annotation');
});

test('series beyond the cap are left out, and one alert says so', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory' }, { maxSeries: 2 });
  world.pods = ['a', 'b', 'c'].map((name) => aPod(name));
  world.usage = { a: 1, b: 1, c: 1 };
  assert.equal((await tick()).series, 2);
  await tick();
  assert.deepEqual(told(), ['WatermarkSeriesCapped firing']);
});

test('the cap alert is told once, kept while nobody can count, and resolved when all are watched again', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory' }, { maxSeries: 2 });
  const pods = (...names: string[]) => names.map((name) => aPod(name));
  world.pods = pods('a', 'b', 'c');
  world.usage = { a: 1, b: 1, c: 1 };
  await tick();
  const since = world.alerts[0]?.startsAt;
  await tick(26 * 3600);
  assert.deepEqual(told(), ['WatermarkSeriesCapped firing']);
  world.pods = pods('a', 'b');
  world.down = 'no answer';
  await tick();
  assert.deepEqual(told(), ['WatermarkSeriesCapped firing']);
  world.down = undefined;
  await tick();
  await tick();
  assert.deepEqual(told(), ['WatermarkSeriesCapped firing', 'WatermarkSeriesCapped resolved']);
  assert.equal(world.alerts[1]?.startsAt, since);
  assert.equal(world.alerts[1]?.fingerprint, world.alerts[0]?.fingerprint);
});

/** The next deployment: another process over the same state. */
const deployed = (given: Evaluating, config: WatermarksConfig): Evaluating => ({
  ...given,
  config,
  table: { ...given.table },
  recall: recall(),
});

test('what a rule left firing is resolved by the first tick that knows the rule no more', async () => {
  const { world, table, given, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0, labels: { team: 'shop' } });
  world.usage['a'] = 190;
  await tick();
  assert.deepEqual(told(), ['Full firing']);
  const { rules: _, ...others } = given.config;
  const next = deployed(given, { ...others, rules: { Other: { gauge: 'pod-memory' } } });
  world.now += 30_000;
  await runTick({ tick: new Date(world.now).toISOString(), offsetSeconds: 30 }, next);
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  const [fired, resolved] = world.alerts;
  assert.equal(resolved?.fingerprint, fired?.fingerprint);
  assert.equal(resolved?.startsAt, fired?.startsAt);
  assert.equal(resolved?.annotations['reason'], 'rule removed');
  assert.deepEqual(await table.query('watermark#Full'), []);
  world.now += 30_000;
  await runTick({ tick: new Date(world.now).toISOString(), offsetSeconds: 30 }, deployed(next, next.config));
  assert.equal(told().length, 2, 'once');
});

test('an alert is resolved under the labels that it fired with, whatever its rule says by then', async () => {
  const { world, given, tick } = aWorld({ gauge: 'pod-memory', forSeconds: 0, labels: { team: 'shop' } });
  world.usage['a'] = 190;
  await tick();
  world.usage['a'] = 1;
  world.now += 30_000;
  const Full: WatermarkRule = {
    gauge: 'pod-memory',
    keepFiringForSeconds: 0,
    labels: { team: 'platform' },
    severity: 'info',
  };
  const next = deployed(given, { ...given.config, rules: { Full } });
  await runTick({ tick: new Date(world.now).toISOString(), offsetSeconds: 30 }, next);
  const [fired, resolved] = world.alerts;
  assert.equal(resolved?.status, 'resolved');
  assert.deepEqual(resolved?.labels, fired?.labels);
});

test('a queue or pod that a rule no longer asks for has ended, and its alert says why', async () => {
  const { world, given, tick } = aWorld(
    { gauge: 'queue-backlog', forSeconds: 0 },
    { queues: [{ arn: queueArn, capacity: 100 }] },
  );
  world.backlog = 99;
  await tick();
  world.now += 30_000;
  const next = deployed(given, { ...given.config, queues: [] });
  await runTick({ tick: new Date(world.now).toISOString(), offsetSeconds: 30 }, next);
  assert.deepEqual(
    world.alerts.map(({ status, annotations }) => `${status} ${annotations['reason']}`),
    ['firing is above high', 'resolved the queue is no longer watched'],
  );

  const pods = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  pods.world.usage['a'] = 190;
  await pods.tick();
  pods.world.now += 30_000;
  const narrowed = { gauge: 'pod-memory', selector: { namespace: 'other' } } as const;
  const other = deployed(pods.given, { ...pods.given.config, rules: { Full: narrowed } });
  await runTick({ tick: new Date(pods.world.now).toISOString(), offsetSeconds: 30 }, other);
  assert.equal(pods.world.alerts[1]?.status, 'resolved');
  assert.equal(pods.world.alerts[1]?.annotations['reason'], 'the rule no longer selects it');
});

test('a series that fires is not dropped for others when the cap is hit', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0 }, { maxSeries: 2 });
  const pods = (...names: string[]) => names.map((name) => aPod(name));
  world.pods = pods('y', 'z');
  world.usage = { y: 1, z: 190 };
  await tick();
  world.pods = pods('a', 'b', 'c', 'y', 'z');
  world.usage = { a: 1, b: 1, c: 1, y: 1, z: 190 };
  assert.equal((await tick()).series, 2);
  assert.deepEqual(told(), ['Full firing', 'WatermarkSeriesCapped firing']);
  world.usage['z'] = 1;
  await tick();
  assert.deepEqual(told().slice(2), ['Full resolved'], 'it is still watched');
});

test('two series with the same labels: the rule is refused, nothing moves, and one alert says so', async () => {
  const { world, tick, told } = aWorld(
    { gauge: 'prometheus', query: 'fill', forSeconds: 0 },
    { prometheus: { main: { url: 'https://127.0.0.1' } } },
  );
  world.vector = [{ labels: { __name__: 'a', host: 'x' }, value: 1 }];
  await tick();
  world.vector = [
    { labels: { __name__: 'a', host: 'x' }, value: 1 },
    { labels: { __name__: 'b', host: 'x' }, value: 1 },
  ];
  for (let i = 0; i < 10; i += 1) await tick();
  assert.deepEqual(told(), ['Full firing', 'WatermarkBlind firing']);
  assert.match(world.alerts[1]?.annotations['summary'] ?? '', /^rules\/Full cannot be evaluated/);
  assert.match(world.alerts[1]?.annotations['reason'] ?? '', /same labels {"host":"x"}/);
  // As in Prometheus, what is not above the mark is not seen at all.
  world.vector = world.vector.map((each) => ({ ...each, value: 0 }));
  await tick();
  assert.deepEqual(told().slice(2), ['WatermarkBlind resolved', 'Full resolved']);
});

test('a queue that grows fires its drain rule where nobody knows its capacity', async () => {
  const { world, table, tick, told } = aWorld({ gauge: 'queue-drain', forSeconds: 0 }, { queues: [{ arn: queueArn }] });
  for (let i = 0; i < 3; i += 1) {
    world.backlog += 10;
    await tick();
  }
  assert.deepEqual(told(), ['Full firing']);
  assert.equal(await table.get('pressure', 'orders'), undefined, 'without a capacity there is no pressure');
  assert.equal((await table.get('backlog', 'orders'))?.['backlog'], 30);
});

test('pressure goes on after the clock was set back, without points of the future', async () => {
  const { world, table, tick } = aWorld({ gauge: 'queue-backlog' }, { queues: [{ arn: queueArn, capacity: 100 }] });
  const levels: unknown[] = [];
  for (const [backlog, seconds] of [
    [29, 30],
    [30, 30],
    [70, -3600],
    [71, 30],
  ] as const) {
    world.backlog = backlog;
    await tick(seconds);
    levels.push((await table.get('pressure', 'orders'))?.['level']);
  }
  assert.deepEqual(levels, ['normal', 'medium', 'medium', 'high']);
  const history = (await table.get('pressure', 'orders'))?.['history'] as { backlog: number }[];
  assert.deepEqual(
    history.map(({ backlog }) => backlog),
    [70, 71],
  );
});

test('a workload with an autoscaler is left to it until that one is at its end', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 0, keepFiringForSeconds: 60 });
  const ownerReferences = [{ kind: 'StatefulSet', name: 'web', controller: true }];
  world.pods = [aPod('a', { ownerReferences })];
  world.usage['a'] = 195;
  const scaledTo = (currentReplicas: number) => {
    const metrics = [{ type: 'Resource', resource: { name: 'memory' } }];
    const spec = { scaleTargetRef: { kind: 'StatefulSet', name: 'web' }, maxReplicas: 3, metrics };
    world.autoscalers = [{ metadata: { name: 'web', namespace: 'shop' }, spec, status: { currentReplicas } }];
  };
  scaledTo(2);
  await tick();
  assert.deepEqual(told(), []);
  scaledTo(3);
  await tick();
  assert.deepEqual(told(), ['Full firing']);
  assert.match(world.alerts[0]?.annotations['autoscaler'] ?? '', /web \(3 of at most 3 replicas\) is at its maximum/);
  scaledTo(2);
  await tick();
  await tick(60);
  assert.deepEqual(told(), ['Full firing', 'Full resolved']);
  assert.equal(world.alerts[1]?.annotations['reason'], 'is left to its autoscaler for 60 s');
});

test('an alert carries value, threshold, basis, trend, time to full, a size with its reasons, and a trace', async () => {
  const { world, tick } = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  for (let mib = 150; mib <= 182; mib += 2) {
    world.usage['a'] = mib;
    await tick();
  }
  const [fired] = world.alerts;
  const { summary, description, ...rest } = fired?.annotations ?? {};
  assert.equal(summary, 'shop/a: pod-memory is 91.0 %, above 90.0 %');
  assert.equal(description, 'pod-memory is above high. It resolves at or below 80.0 %.');
  assert.deepEqual(rest, {
    value: '0.91',
    threshold: '0.9',
    reason: 'is above high',
    trend: '120.0 % an hour',
    time_to_full: '330 s (330 s to 330 s)',
    basis: 'limit',
    used: '182Mi',
    capacity: '200Mi',
    container: 'app',
    right_size: 'limit of at least 210Mi: largest use and 15 %, from 17 of the 100 points that a good estimate needs',
  });
  assert.deepEqual(fired?.trace, trace);
});

test('an alert of a process that has just begun says that it knows no trend', async () => {
  const { world, tick } = aWorld({ gauge: 'pod-memory', forSeconds: 0 });
  world.usage['a'] = 190;
  await tick();
  assert.match(world.alerts[0]?.annotations['trend'] ?? '', /^not known yet: 1 of the 8 samples/);
  assert.equal(world.alerts[0]?.annotations['time_to_full'], undefined);
});

test('time without ticks does not count towards for', async () => {
  const { world, tick, told } = aWorld({ gauge: 'pod-memory', forSeconds: 60 });
  world.usage['a'] = 190;
  await tick();
  await tick(1800);
  assert.deepEqual(told(), [], 'the half hour without ticks is not evidence');
  await tick(60);
  assert.deepEqual(told(), ['Full firing']);
});

test('a rule that looks ahead fires early on level and trend together, and its alert tells the trend', async () => {
  const { world, tick, told } = aWorld({
    gauge: 'pod-memory',
    forSeconds: 0,
    low: 0.6,
    forecast: { withinSeconds: 3600, from: 0.7 },
  });
  // 1 % of the limit a tick: at 70 % it is full in 15 minutes.
  for (let mib = 100; mib <= 138; mib += 2) {
    world.usage['a'] = mib;
    await tick();
  }
  assert.deepEqual(told(), [], 'the trend alone says nothing');
  for (let mib = 140; mib <= 146; mib += 2) {
    world.usage['a'] = mib;
    await tick();
  }
  assert.deepEqual(told(), ['Full firing']);
  const { annotations } = world.alerts[0] as Alert;
  assert.match(annotations['reason'] ?? '', /will be full soon/);
  assert.match(annotations['trend'] ?? '', /^1\d\d\.\d % an hour$/);
  assert.match(annotations['time_to_full'] ?? '', /^\d+ s \(\d+ s to \d+ s\)$/);
  assert.match(annotations['right_size'] ?? '', /from \d\d of the 100 points/);
});

test('a level pod is never predicted to fill, and a step is no trend', async () => {
  const { world, tick, told } = aWorld({
    gauge: 'pod-memory',
    forSeconds: 0,
    low: 0.6,
    forecast: { withinSeconds: 3600, from: 0.7 },
  });
  for (let n = 0; n < 15; n += 1) {
    world.usage['a'] = 110 + (n % 2);
    await tick();
  }
  for (let n = 0; n < 15; n += 1) {
    world.usage['a'] = 150 + (n % 2);
    await tick();
  }
  assert.deepEqual(told(), []);
});

test('a dead letter fires with the trace that it carries; another queue is looked into only where that is allowed', async () => {
  const failed = { traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) };
  const queues = [{ arn: 'arn:aws:sqs:us-east-1:123456789012:orders', capacity: 10 }];
  const dead = aWorld({ gauge: 'queue-dead-letters', forSeconds: 0 }, { queues });
  dead.world.inQueue = failed;
  await dead.tick();
  dead.world.backlog = 1;
  await dead.tick();
  assert.deepEqual(dead.world.alerts[0]?.trace, failed);
  for (const [peek, expected] of [
    [undefined, trace],
    [true, failed],
  ] as const) {
    const full = aWorld(
      { gauge: 'queue-backlog', forSeconds: 0 },
      { queues: queues.map((queue) => (peek === undefined ? queue : { ...queue, peek })) },
    );
    full.world.inQueue = failed;
    full.world.backlog = 10;
    await full.tick();
    assert.deepEqual(full.world.alerts[0]?.trace, expected);
  }
});
