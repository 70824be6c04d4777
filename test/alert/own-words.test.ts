import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLetter } from '../../lib/alert/give-up.ts';
import { type Alert, alert } from '../../lib/model/alert.ts';
import type { ReceiverConfig } from '../../lib/model/config/alerts.ts';
import { identitiesInText } from '../../scripts/start/surroundings.ts';
import { dingtalkRobot, feishuRobot, slackRobot, teamsRobot, wecomRobot } from '../support/robots/index.ts';
import { simulate } from '../support/simulator/world.ts';

const start = Date.parse('2026-01-01T09:05:00Z');

const alertsOf = (count: number): Alert[] =>
  Array.from({ length: count }, (_, index) =>
    alert({
      status: 'firing',
      labels: { alertname: 'High', severity: index % 3 === 0 ? 'critical' : 'warning', pod: `pod-${index}` },
      annotations: { summary: `内存 ${index} %` },
      startsAt: new Date(start).toISOString(),
    }),
  );

/** A template as people write it, which does not expect one of the alerts. */
const template = ({ labels }: Alert): string => {
  if (labels['pod'] === 'pod-2') throw new Error('pod-2 has no owner');
  return `pod ${labels['pod']}`;
};

const told = async (robot: ReceiverConfig, more: Readonly<Record<string, ReceiverConfig>> = {}) => {
  const robots = { robot: wecomRobot(), other: wecomRobot({ key: 'other' }) };
  const world = simulate({
    seed: 3,
    strict: true,
    start,
    robots,
    config: { receivers: { robot, ...more }, default: ['robot'], groupWaitSeconds: 1, criticalWaitSeconds: 'grouped' },
  });
  for (const each of alertsOf(6)) world.raise(each, start);
  await world.time.run(start + 600_000);
  const pods = (receiver: string) =>
    world.seen.filter((each) => each.receiver === receiver).map(({ alert: each }) => each.labels['pod']);
  return { world, pods, texts: robots.robot.received.map(({ body }) => JSON.stringify(body)) };
};

test('an alert at which the template throws goes to the fallback, and the others are told in the user’s words', async () => {
  const robot = { channel: 'wecom', url: 'secretsmanager:robot', template, fallback: 'other' } as const;
  const { pods, texts, world } = await told(robot, { other: { channel: 'wecom', url: 'secretsmanager:other' } });
  assert.deepEqual(pods('robot').sort(), ['pod-0', 'pod-1', 'pod-3', 'pod-4', 'pod-5']);
  assert.deepEqual(pods('other'), ['pod-2']);
  assert.ok(texts.join().includes('pod pod-5'));
  assert.deepEqual(world.dead, []);
});

test('without a fallback it is among the dead letters, with the reason', async () => {
  const { pods, world } = await told({ channel: 'wecom', url: 'secretsmanager:robot', template });
  assert.equal(pods('robot').length, 5);
  assert.equal(world.dead.length, 1);
  const letter = readLetter(JSON.parse(world.dead[0] ?? ''));
  assert.deepEqual(
    letter?.entries.map(({ alert: each }) => each.labels['pod']),
    ['pod-2'],
  );
  assert.match(letter?.reason ?? '', /the template throws: .*pod-2 has no owner/);
});

test('fifty alerts in fifty groups reach each kind of robot whole, within its limits and off its busy minutes', async () => {
  const robots = {
    wecom: wecomRobot(),
    dingtalk: dingtalkRobot(),
    feishu: feishuRobot(),
    slack: slackRobot(),
    teams: teamsRobot(),
  };
  const names = Object.keys(robots) as (keyof typeof robots)[];
  const busy = Date.parse('2026-01-01T09:29:50Z');
  const world = simulate({
    seed: 5,
    strict: true,
    start: busy,
    robots,
    config: {
      receivers: Object.fromEntries(names.map((channel) => [channel, { channel, url: `secretsmanager:${channel}` }])),
      default: names,
      groupBy: ['...'],
      groupWaitSeconds: 1,
    },
  });
  const raised = alertsOf(50).map((each, index) => ({ ...each, startsAt: new Date(busy + index * 500).toISOString() }));
  for (const each of raised) world.raise(each, Date.parse(each.startsAt));
  await world.time.run(busy + 600_000);
  for (const name of names) {
    const fingerprints = robots[name].received.flatMap(({ body }) =>
      identitiesInText(JSON.stringify(body)).map((identity) => identity.slice(0, 16)),
    );
    assert.deepEqual(fingerprints.sort(), raised.map(({ fingerprint }) => fingerprint).sort(), name);
    if (name !== 'feishu')
      assert.equal(robots[name].requests(), robots[name].received.length, `${name} refused nothing`);
  }
  const waited = world.seen.filter(
    ({ receiver, alert: each }) => receiver === 'feishu' && each.labels['severity'] !== 'critical',
  );
  const minuteOf = (at: number) => new Date(at).getUTCMinutes();
  assert.ok(
    waited.length > 20 && waited.every(({ at }) => minuteOf(at) !== 30),
    'what can wait is not told at half past',
  );
});
