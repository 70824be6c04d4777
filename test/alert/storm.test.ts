import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alert, alert } from '../../lib/model/alert.ts';
import type { AlertsConfig } from '../../lib/model/config/alerts.ts';
import { identitiesInText } from '../../scripts/start/surroundings.ts';
import { wecomRobot } from '../support/robots/index.ts';
import { seeded } from '../support/simulator/time.ts';
import { simulate } from '../support/simulator/world.ts';

const start = Date.parse('2026-01-01T09:00:00Z');
const minute = 60_000;

const stormOf = (seed: number, groups: number): readonly Alert[] => {
  const random = seeded(seed);
  return Array.from({ length: 1000 }, (_, index) =>
    alert({
      status: 'firing',
      labels: {
        alertname: ['PodMemoryHigh', 'PodCrashLooping', 'QueueBacklog', '磁盘将满'][index % 4] as string,
        severity: index % 20 === 0 ? 'critical' : index % 3 === 0 ? 'info' : 'warning',
        cluster: 'prod-eu-1',
        namespace: `team-${index % groups}`,
        pod: `service-${index % groups}-7d9f8b6c5-${index.toString(36).padStart(5, 'x')}`,
      },
      annotations: {
        summary: `prod/service-${index} 内存使用率 is at ${80 + (index % 20)} %, above 80 %`,
        description: 'It has been there for five minutes. '.repeat(4),
        runbook_url: 'https://runbooks.example/memory',
      },
      startsAt: new Date(start + Math.floor(random() * minute)).toISOString(),
      trace: { traceId: `0af7651916cd43dd8448eb21${index.toString(16).padStart(8, '0')}`, spanId: 'b7ad6b7169203331' },
    }),
  );
};

const storm = async (seed: number, groups: number, config: Partial<AlertsConfig> = {}) => {
  const robot = wecomRobot();
  const world = simulate({
    seed,
    strict: true,
    start,
    robots: { robot },
    config: {
      receivers: { robot: { channel: 'wecom', url: 'secretsmanager:robot', mention: ['carol'] } },
      default: ['robot'],
      groupBy: ['namespace'],
      traceUrl: 'https://traces.example/{traceId}',
      ...config,
    },
  });
  const raised = stormOf(seed, groups);
  for (const each of raised) world.raise(each, Date.parse(each.startsAt));
  await world.time.run(start + 10 * minute);
  return { robot, world, raised };
};

/** When each alert could first be read, from the texts that the robot took, and how often. */
const readAt = (robot: ReturnType<typeof wecomRobot>): Map<string, number[]> => {
  const seen = new Map<string, number[]>();
  for (const { at, body } of robot.received) {
    const { content } = body['markdown'] as { content: string };
    for (const identity of identitiesInText(content)) {
      const fingerprint = identity.slice(0, 16);
      seen.set(fingerprint, [...(seen.get(fingerprint) ?? []), at]);
    }
  }
  return seen;
};

for (const [name, groups, config] of [
  ['in one group', 1, {}],
  ['in two hundred groups', 200, { groupIntervalSeconds: 60 }],
  ['each for itself', 1000, { groupBy: ['...'] }],
] as const) {
  test(`a storm of 1,000 alerts in a minute ${name}: 20 messages a minute, critical ones within 60 s, all within 3 minutes`, async (t) => {
    const { robot, world, raised } = await storm(groups, groups, config);
    const times = robot.received.map(({ at }) => at);
    assert.equal(robot.requests(), robot.received.length, 'the robot refused nothing');
    for (const at of times) {
      const within = times.filter((other) => other > at - minute && other <= at).length;
      assert.ok(within <= 20, `${within} messages in the minute before ${at - start} ms`);
    }
    const seen = readAt(robot);
    assert.deepEqual(
      raised.filter(({ fingerprint }) => seen.get(fingerprint)?.length !== 1).map(({ labels }) => labels),
      [],
      'every alert is told, and told once',
    );
    const after = (each: Alert) =>
      (seen.get(each.fingerprint)?.[0] ?? Number.POSITIVE_INFINITY) - Date.parse(each.startsAt);
    const critical = raised.filter(({ labels }) => labels['severity'] === 'critical');
    const slowest = Math.max(...critical.map(after));
    assert.ok(slowest <= 60_000, `a critical alert was visible after ${slowest} ms`);
    const whole = Math.max(...times) - start;
    t.diagnostic(`${times.length} messages, critical within ${slowest} ms, all ${whole} ms after the storm began`);
    assert.ok(whole <= 180_000, `all of them ${whole} ms after the storm began`);
    assert.deepEqual(world.dead, []);
  });
}
