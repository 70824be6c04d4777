import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLetter } from '../../lib/alert/give-up.ts';
import { hashed, rankOf } from '../../lib/alert/identity.ts';
import { readLedger } from '../../lib/alert/ledger.ts';
import { writeSilence } from '../../lib/alert/silence.ts';
import { type Alert, alert } from '../../lib/model/alert.ts';
import type { AlertsConfig } from '../../lib/model/config/alerts.ts';
import { Failure } from '../../lib/model/failure.ts';
import { answered, type Fault, webhookRobot, wecomRobot } from '../support/robots/index.ts';
import { simulate, type WorldOptions } from '../support/simulator/world.ts';

/** The whole path on a virtual clock; every test names its second from the start. */
const start = Date.parse('2026-01-01T00:00:00Z');

const anAlert = (fields: Partial<Alert> & { readonly name?: string; readonly second?: number } = {}): Alert => {
  const { name = 'High', second = 0, ...rest } = fields;
  const startsAt = new Date(start + second * 1000).toISOString();
  return alert({
    status: 'firing',
    labels: { alertname: name, severity: 'warning' },
    annotations: { summary: name },
    startsAt,
    ...rest,
  });
};

const resolved = (given: Alert, second: number): Alert => ({
  ...given,
  status: 'resolved',
  endsAt: new Date(start + second * 1000).toISOString(),
});

const world = (
  config: Partial<AlertsConfig> = {},
  options: Partial<WorldOptions> & { readonly fault?: Fault; readonly hookFault?: Fault } = {},
) => {
  const robots = {
    robot: wecomRobot(options.fault === undefined ? {} : { fault: options.fault }),
    hook: webhookRobot(options.hookFault === undefined ? {} : { fault: options.hookFault }),
  };
  const made = simulate({
    seed: 1,
    strict: true,
    start,
    latencyMs: 20,
    robots,
    config: {
      receivers: {
        robot: { channel: 'wecom', url: 'secretsmanager:robot' },
        hook: { channel: 'webhook', url: 'secretsmanager:hook' },
      },
      default: ['hook'],
      ...config,
    },
    ...options,
  });
  /** What people saw: `<second> <status> <name>`, in order. */
  const shown = (receiver?: string) =>
    made.seen
      .filter((each) => receiver === undefined || each.receiver === receiver)
      .map(({ at, alert: each }) => `${Math.floor((at - start) / 1000)} ${each.status} ${each.labels['alertname']}`);
  /** The same, in the order of names within a moment; queues delay by whole seconds, so that two more are granted. */
  const assertShown = (expected: readonly string[]) => {
    const entries = (lines: readonly string[]) =>
      lines.map((line) => ({ second: Number.parseInt(line, 10), what: line.replace(/^\d+ /, '') }));
    const actual = entries(shown());
    const wanted = entries(expected);
    assert.deepEqual(actual.map(({ what }) => what).sort(), wanted.map(({ what }) => what).sort());
    for (const { second, what } of wanted) {
      const at = actual.findIndex((each) => each.what === what && each.second >= second && each.second <= second + 3);
      assert.ok(at >= 0, `${second} ${what} is not among ${shown().join(', ')}`);
      actual.splice(at, 1);
    }
  };
  const raise = (each: Alert, second: number) => made.raise(each, start + second * 1000);
  const run = (seconds: number) => made.time.run(start + seconds * 1000);
  const ledger = async (each: Alert) => (await readLedger(made.table, each.fingerprint)).map(({ step }) => step);
  return { ...made, robots, shown, assertShown, raise, run, ledger };
};

test('the first alert of a group waits for company, and what joins later waits for the interval', async () => {
  const { raise, run, assertShown } = world();
  raise(anAlert({ name: 'A' }), 0);
  raise(anAlert({ name: 'B', second: 20 }), 20);
  raise(anAlert({ name: 'C', second: 40 }), 40);
  await run(1000);
  assertShown(['30 firing A', '30 firing B', '330 firing C']);
});

test('an alert that is older than the wait is told at once', async () => {
  const { raise, run, assertShown } = world();
  raise(anAlert({ second: -60 }), 0);
  await run(10);
  assertShown(['0 firing High']);
});

test('a critical alert waits five seconds, alone or in a group, unless it is to wait like any other', async () => {
  const critical = (name: string, second: number) =>
    anAlert({ name, second, labels: { alertname: name, severity: 'critical' } });
  const hasty = world();
  hasty.raise(critical('A', 0), 0);
  hasty.raise(critical('B', 20), 20);
  await hasty.run(100);
  hasty.assertShown(['5 firing A', '25 firing B']);
  const patient = world({ criticalWaitSeconds: 'grouped' });
  patient.raise(critical('A', 0), 0);
  patient.raise(critical('B', 40), 40);
  await patient.run(1000);
  patient.assertShown(['30 firing A', '330 firing B']);
});

test('what still fires is told again after the repeat interval, and what has resolved is not', async () => {
  const { raise, run, assertShown } = world({ repeatIntervalSeconds: 3600 });
  const [a, b] = [anAlert({ name: 'A' }), anAlert({ name: 'B' })];
  raise(a, 0);
  raise(b, 0);
  raise(resolved(b, 600), 600);
  await run(7300);
  assertShown(['30 firing A', '30 firing B', '630 resolved B', '3630 firing A', '7230 firing A']);
});

test('the same state that is sent again and again is told once', async () => {
  const { raise, run, assertShown, stats } = world();
  for (let minute = 0; minute < 60; minute += 1) raise(anAlert(), minute * 60);
  await run(3700);
  assertShown(['30 firing High']);
  assert.ok(stats().sent < 80, `${stats().sent} messages`);
});

test('an end is told when its firing was, and not when it was over before it was to be told', async () => {
  const { raise, run, assertShown, ledger } = world();
  const [long, short] = [anAlert({ name: 'Long' }), anAlert({ name: 'Short', second: 5 })];
  raise(long, 0);
  raise(short, 5);
  raise(resolved(short, 15), 15);
  raise(resolved(long, 100), 100);
  await run(1000);
  assertShown(['30 firing Long', '330 resolved Long']);
  assert.ok((await ledger(short)).includes('suppressed'));
});

test('an end whose firing never came is told all the same when it lasted', async () => {
  const { raise, run, assertShown } = world();
  raise(resolved(anAlert(), 600), 600);
  await run(1000);
  assertShown(['600 resolved High']);
});

test('a receiver that wants no ends gets none', async () => {
  const receivers = { hook: { channel: 'webhook', url: 'secretsmanager:hook', sendResolved: false } } as const;
  const { raise, run, assertShown } = world({ receivers });
  raise(anAlert(), 0);
  raise(resolved(anAlert(), 100), 100);
  await run(1000);
  assertShown(['30 firing High']);
});

test('a firing that comes after its end is not shown, and the next episode is', async () => {
  const { raise, run, assertShown, ledger } = world();
  raise(resolved(anAlert(), 100), 100);
  raise(anAlert(), 101);
  raise(anAlert({ second: 2000 }), 2000);
  await run(3000);
  assertShown(['100 resolved High', '2030 firing High']);
  assert.ok((await ledger(anAlert())).includes('overtaken'));
});

test('while its source fires an alert is held back, and told at the next interval once it does not', async () => {
  const { raise, run, assertShown, ledger } = world({
    inhibit: [{ source: ['alertname="Down"'], target: ['alertname="Slow"'], equal: ['cluster'] }],
    groupBy: ['alertname', 'cluster'],
  });
  const down = anAlert({ name: 'Down', labels: { alertname: 'Down', severity: 'warning', cluster: 'c1' } });
  const slow = (cluster: string) =>
    anAlert({ name: 'Slow', labels: { alertname: 'Slow', severity: 'warning', cluster } });
  raise(down, 0);
  raise(slow('c1'), 1);
  raise(slow('c2'), 1);
  raise(resolved(down, 400), 400);
  await run(2000);
  assertShown(['30 firing Down', '31 firing Slow', '430 resolved Down', '631 firing Slow']);
  assert.ok((await ledger(slow('c1'))).includes('muted'));
});

test('a silence holds an alert back until it ends; the end of one that was told before is told', async () => {
  const { raise, run, assertShown, table } = world();
  const [told, new_] = [anAlert({ name: 'Told' }), anAlert({ name: 'New', second: 100 })];
  raise(told, 0);
  raise(new_, 100);
  raise(resolved(told, 200), 200);
  await run(60);
  await writeSilence(table, {
    id: 's1',
    matchers: 'severity="warning"',
    startsAt: new Date(start + 60_000).toISOString(),
    endsAt: new Date(start + 1000_000).toISOString(),
    createdBy: 'carol',
    comment: 'works',
  });
  await run(3000);
  assertShown(['30 firing Told', '330 resolved Told', '1230 firing New']);
});

test('in a mute time nothing of a route is told, and all of it after', async () => {
  const { raise, run, assertShown } = world({
    times: { early: [{ times: [{ start: '00:00', end: '00:20' }] }] },
    routes: [{ match: { severity: 'warning' }, muteTimes: ['early'] }],
  });
  raise(anAlert(), 0);
  await run(3000);
  assertShown(['1230 firing High']);
});

test('an errcode inside a 200 is no success: no attempt comes sooner than allowed', async () => {
  const fault: Fault = (count) => (count === 1 ? answered(200, { errcode: 45009, errmsg: 'freq' }) : undefined);
  const { raise, run, shown, robots, counts } = world({ default: ['robot'], groupWaitSeconds: 0 }, { fault });
  raise(anAlert(), 0);
  await run(59);
  assert.equal(robots.robot.requests(), 1);
  await run(70);
  assert.deepEqual(shown().length, 1);
  assert.equal(counts.early, 0);
});

test('DingTalk’s second throttled answer in a row shuts the robot for its ban', async () => {
  const { afterEvent, allowanceOf, freshState } = await import('../../lib/alert/destination.ts');
  const rate = { messages: 20, seconds: 60, banSeconds: 600 };
  const throttled = (at: number) => ({ kind: 'throttled', minDelaySeconds: 60, at }) as const;
  const once = afterEvent(freshState, throttled(0), rate);
  assert.equal(allowanceOf(once, rate, 0).shutUntil, 60_000);
  const twice = afterEvent(once, throttled(60_000), rate);
  assert.equal(allowanceOf(twice, rate, 60_000).shutUntil, 660_000);
  const between = afterEvent(afterEvent(once, { kind: 'ok' }, rate), throttled(60_000), rate);
  assert.equal(allowanceOf(between, rate, 60_000).shutUntil, 120_000);
});

test('a Retry-After longer than any wait of ours parks the message, and is kept to the second', async () => {
  const hookFault: Fault = (count) => (count === 1 ? answered(503, '', { 'retry-after': '7200' }) : undefined);
  const { raise, run, shown, robots } = world({ groupWaitSeconds: 0 }, { hookFault });
  raise(anAlert(), 0);
  await run(7199);
  assert.equal(robots.hook.requests(), 1);
  await run(7300);
  assert.equal(shown().length, 1);
});

test('what is refused for good goes to the dead letters with the reason, or to the fallback', async () => {
  const refuse = (receiver: string) =>
    receiver === 'robot' ? new Failure('refused', 'resolves to an address that is not public') : undefined;
  const alone = world({ default: ['robot'], groupWaitSeconds: 0 }, { refuse });
  alone.raise(anAlert(), 0);
  await alone.run(600);
  const letter = readLetter(JSON.parse(alone.dead[0] ?? ''));
  assert.equal(alone.dead.length, 1, 'told once, not at every flush');
  assert.match(letter?.reason ?? '', /not public/);
  assert.equal(letter?.receiver, 'robot');
  assert.deepEqual(await alone.ledger(anAlert()), ['received', 'queued', 'attempt', 'dead-letter']);
  const receivers = {
    robot: { channel: 'wecom', url: 'secretsmanager:robot', fallback: 'hook' },
    hook: { channel: 'webhook', url: 'secretsmanager:hook' },
  } as const;
  const backed = world({ receivers, default: ['robot'], groupWaitSeconds: 0 }, { refuse });
  backed.raise(anAlert(), 0);
  backed.raise(resolved(anAlert(), 60), 60);
  await backed.run(600);
  assert.deepEqual(
    backed.shown('hook').map((line) => line.replace(/^\d+ /, '')),
    ['firing High', 'resolved High'],
  );
  assert.equal(backed.dead.length, 0);
});

test('a dead letter that is sent again is delivered, unless a later state of its alert was shown meanwhile', async () => {
  let broken = true;
  const refuse = () => (broken ? new Failure('refused', 'not now') : undefined);
  const { raise, run, shown, send, dead } = world({ groupWaitSeconds: 0 }, { refuse });
  const [a, b] = [anAlert({ name: 'A' }), anAlert({ name: 'B', second: 1 })];
  raise(a, 0);
  raise(b, 1);
  await run(400);
  broken = false;
  raise(resolved(b, 500), 500);
  await run(900);
  for (const body of dead) send(body);
  await run(1200);
  assert.deepEqual(
    shown().map((line) => line.replace(/^\d+ /, '')),
    ['resolved B', 'firing A'],
  );
});

test('a receiver that the configuration does not know any more gives its alerts to the dead letters', async () => {
  const { raise, run, dead } = world({ default: ['gone'], groupWaitSeconds: 0 });
  raise(anAlert(), 0);
  await run(60);
  assert.match(dead[0] ?? '', /no receiver is named gone/);
});

test('a receiver whose channel was left out of the bundle gives its alerts to its fallback, or to the dead letters with the reason', async (t) => {
  const { channels } = await import('../../lib/alert/channels/index.ts');
  const { wecom } = channels;
  Object.assign(channels, { wecom: undefined });
  t.after(() => Object.assign(channels, { wecom }));
  const receivers = {
    alone: { channel: 'wecom', url: 'secretsmanager:robot' },
    backed: { channel: 'wecom', url: 'secretsmanager:robot', fallback: 'hook' },
    hook: { channel: 'webhook', url: 'secretsmanager:hook' },
  } as const;
  const { raise, run, dead, shown, failures } = world({ receivers, default: ['alone', 'backed'], groupWaitSeconds: 0 });
  raise(anAlert(), 0);
  await run(600);
  assert.equal(dead.length, 1);
  assert.match(readLetter(JSON.parse(dead[0] ?? ''))?.reason ?? '', /built without the channel 'wecom' of alone/);
  assert.equal(shown('hook').length, 1);
  assert.deepEqual(failures, []);
});

test('a destination that fails is left for its fallback within 30 seconds, and tried once a minute at most until it is back', async () => {
  const receivers = {
    hook: { channel: 'webhook', url: 'secretsmanager:hook', fallback: 'robot' },
    robot: { channel: 'wecom', url: 'secretsmanager:robot' },
  } as const;
  const hookFault: Fault = (_, now) => (now < start + 600_000 ? answered(500, 'down') : undefined);
  const attempts: number[] = [];
  const { raise, run, shown, seen } = world(
    {
      receivers,
      groupWaitSeconds: 0,
      groupIntervalSeconds: 1,
      routes: [{ match: { alertname: 'DestinationUnavailable' }, receivers: ['robot'] }],
    },
    {
      hookFault: (count, now) => {
        attempts.push(now);
        return hookFault(count, now);
      },
    },
  );
  for (let second = 0; second < 1200; second += 10) raise(anAlert({ name: `A${second}`, second }), second);
  await run(2000);
  const firstAt = seen.find(({ alert: each }) => each.labels['alertname'] === 'A0')?.at ?? Number.POSITIVE_INFINITY;
  assert.ok(firstAt - start <= 30_000, `${firstAt - start} ms`);
  const open = attempts.filter((at) => at > start + 60_000 && at < start + 600_000);
  assert.ok(
    open.every((at, index) => index === 0 || at - (open[index - 1] ?? 0) >= 60_000),
    open.join(' '),
  );
  assert.ok(open.length >= 3, 'it is probed');
  assert.ok(shown('hook').length > 40, 'it is used again once it is back');
  const names = new Set(seen.map(({ alert: each }) => each.labels['alertname']));
  assert.equal(names.size, 121, 'all alerts, and the one about the destination');
  const breaker = seen.filter(({ alert: each }) => each.labels['alertname'] === 'DestinationUnavailable');
  assert.deepEqual(
    breaker.map(({ alert: each }) => each.status),
    ['firing', 'resolved'],
  );
});

test('a template that throws gives its alerts to the dead letters with the reason', async (t) => {
  const { channels } = await import('../../lib/alert/channels/index.ts');
  t.mock.method(channels.webhook, 'plan', () => {
    throw new Error('no such field: summry');
  });
  const { raise, run, dead } = world({ groupWaitSeconds: 0 });
  raise(anAlert(), 0);
  await run(60);
  assert.match(dead[0] ?? '', /no such field: summry/);
});

test('what is told much later than it was to be is marked as late', async () => {
  const hookFault: Fault = (_, now) =>
    now < start + 1000_000 ? answered(503, '', { 'retry-after': '1000' }) : undefined;
  const { raise, run, seen } = world({ groupWaitSeconds: 0 }, { hookFault });
  raise(anAlert({ name: 'A' }), 0);
  raise(anAlert({ name: 'B', second: 10 }), 10);
  await run(2000);
  assert.deepEqual(
    seen.map(({ late }) => late),
    [true, true],
    'the one that was planned in time and refused, and the one that waited',
  );
});

test('whether a message is late is told as it is when it goes out, not when it was written', async () => {
  for (const seconds of [10, 320, 700]) {
    const fault: Fault = (_, now) => (now < start + seconds * 1000 ? answered(500, 'down') : undefined);
    const { raise, run, robots } = world({ default: ['robot'], groupWaitSeconds: 0 }, { fault });
    raise(anAlert(), 0);
    await run(2000);
    const message = robots.robot.received.find(({ body }) => JSON.stringify(body).includes('High'));
    const minutes = / · late \((\d+) min\)/.exec(JSON.stringify(message?.body))?.[1];
    const waited = ((message?.at ?? 0) - start) / 60_000;
    assert.ok(message !== undefined);
    assert.equal(minutes, waited < 5 ? undefined : String(Math.floor(waited)), `${waited} min`);
  }
});

test('a process that dies over a message it has written does not make the next one send it unmarked', async () => {
  const { table, raise, run, seen } = world({ groupWaitSeconds: 0 });
  // As a process leaves it that has stored its message and no more.
  const each = anAlert();
  const ref = {
    fingerprint: each.fingerprint,
    rank: rankOf(each),
    group: 'g',
    groupKey: '{}:{}',
    groupLabels: {},
    since: start,
  };
  const younger = anAlert({ name: 'B', second: 200 });
  await table.put({
    pk: 'lane#hook',
    sk: 'chunk#0011223344556677',
    id: '0011223344556677',
    chunk: {
      kind: 'message',
      notification: { receiver: 'hook', groupKey: '{}:{}', groupLabels: {}, alerts: [each, younger] },
      part: 1,
      parts: 1,
    },
    refs: [ref, { ...ref, fingerprint: younger.fingerprint, rank: rankOf(younger), since: start + 200_000 }],
    state: 'forming',
    attempts: 0,
    firstAt: start,
    notBefore: 0,
  });
  raise(anAlert({ name: 'C', second: 400 }), 400);
  await run(1000);
  assert.deepEqual(
    new Map(seen.map(({ alert: { labels }, late }) => [labels['alertname'], late])),
    new Map([
      ['High', true],
      ['B', false],
      ['C', false],
    ]),
  );
});

test('how long a firing took to be seen is measured once for each receiver, with its trace; an end and a repeat are not', async () => {
  const trace = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
  const { raise, run, visible } = world({ default: ['robot', 'hook'], repeatIntervalSeconds: 600 });
  const each = anAlert({ trace });
  raise(each, 5);
  raise(resolved(each, 1000), 1000);
  await run(2000);
  assert.deepEqual(visible.map(({ receiver, channel, traceId }) => [receiver, channel, traceId]).sort(), [
    ['hook', 'webhook', trace.traceId],
    ['robot', 'wecom', trace.traceId],
  ]);
  for (const { seconds } of visible) assert.ok(seconds >= 35 && seconds < 40, `${seconds} s`);
});

test('an alert that would not fit an item of the table loses annotations and keeps its labels', async () => {
  const { raise, run, seen } = world({ groupWaitSeconds: 0 });
  raise(anAlert({ annotations: { summary: 's', description: '错'.repeat(200_000) } }), 0);
  await run(60);
  assert.equal(seen.length, 1);
  assert.equal(seen[0]?.alert.annotations['summary'], 's');
});

test('the short hash is FNV-1a 64', () => {
  const reference = (text: string) => {
    let hash = 0xcbf29ce484222325n;
    for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
    return hash.toString(16).padStart(16, '0');
  };
  for (const text of ['', 'a', 'foobar', '警报 👩‍🚒', '\u0000'.repeat(100)])
    assert.equal(hashed(text), reference(text), text);
});

test('an alert whose source does not say when it began is one alert, however often it is told', async () => {
  const { raise, run, assertShown, seen } = world();
  const told = (name: string, second: number): Alert =>
    ({ ...anAlert({ name, second }), arrived: true, startIsUnknown: true }) as Alert;
  raise(told('A', 0), 0);
  raise(told('A', 60), 60);
  raise(told('A', 400), 400);
  // An end that was sent before, and comes after.
  raise({ ...told('A', -10), status: 'resolved', endsAt: anAlert({ second: -10 }).startsAt }, 410);
  raise({ ...told('A', 500), status: 'resolved', endsAt: anAlert({ second: 500 }).startsAt }, 500);
  raise(told('A', 450), 505);
  // The end of what nobody here has heard of.
  raise({ ...told('B', 600), status: 'resolved', endsAt: anAlert({ second: 600 }).startsAt }, 600);
  await run(3000);
  assertShown(['30 firing A', '530 resolved A']);
  assert.equal(seen.at(-1)?.alert.startsAt, anAlert().startsAt, 'its end knows its beginning');
});

/** What Prometheus posts of one alert: until it ends, it is over four minutes later unless it is posted again. */
const postedAt = (second: number, fields: object = { endsAt: iso(second + 240) }) =>
  JSON.stringify([{ labels: { alertname: 'Up', severity: 'warning' }, annotations: {}, startsAt: iso(0), ...fields }]);
const iso = (second: number) => new Date(start + second * 1000).toISOString();

test('an alert whose Prometheus is not heard of any more is over, and begins again when it is heard of with it', async () => {
  const { send, time, run, seen } = world();
  const post = (second: number, fields?: object) =>
    time.at(start + second * 1000, () => send(postedAt(second, fields)));
  for (let second = 0; second <= 1200; second += 60) post(second);
  // Cut off for half an hour, it comes back with the same alert, whose end it then tells.
  for (let second = 3000; second <= 3600; second += 60) post(second);
  post(3660, { endsAt: iso(3660) });
  post(3720, { endsAt: iso(3660) });
  await run(9000);
  // The last post held until 1440; 1530 is the group's turn.
  const [told, ended] = seen;
  assert.equal(seen.length, 4, JSON.stringify(seen.map(({ at, alert: { status } }) => [(at - start) / 1000, status])));
  assert.deepEqual(
    [told, seen[2]].map((each) => [each?.alert.status, Math.floor(((each?.at ?? 0) - start) / 60_000)]),
    [
      ['firing', 0],
      ['firing', 50],
    ],
  );
  assert.equal(told?.alert.endsAt, undefined);
  assert.deepEqual([ended?.alert.status, ended?.alert.endsAt], ['resolved', iso(1440)]);
  const waited = ((ended?.at ?? 0) - start) / 1000 - 1440;
  assert.ok(waited >= 0 && waited <= 310, `${waited} s after it was over`);
  assert.deepEqual([seen[3]?.alert.status, seen[3]?.alert.endsAt], ['resolved', iso(3660)]);
});

test('without an end it is over by the resolve timeout; what comes by a webhook has none', async () => {
  for (const [config, seconds] of [
    [{}, 300],
    [{ inbound: { resolveTimeoutSeconds: 60 } }, 60],
  ] as const) {
    const { send, run, seen } = world({ ...config, groupIntervalSeconds: 10 });
    send(postedAt(0, {}));
    await run(1000);
    assert.deepEqual(
      seen.map(({ alert: { status } }) => status),
      ['firing', 'resolved'],
    );
    const at = ((seen[1]?.at ?? 0) - start) / 1000;
    assert.ok(at >= seconds && at <= seconds + 20, `${at} s`);
  }
  const { send, run, seen } = world();
  const [plain] = JSON.parse(postedAt(0, {}));
  send(JSON.stringify({ version: '4', alerts: [{ ...plain, status: 'firing', endsAt: '0001-01-01T00:00:00Z' }] }));
  await run(10_000);
  assert.deepEqual(
    seen.map(({ alert: { status } }) => status),
    ['firing'],
  );
});

test('an old post that comes late brings nothing back', async () => {
  const { send, time, run, seen } = world({ groupIntervalSeconds: 10 });
  send(postedAt(0));
  time.at(start + 600_000, () => send(postedAt(0)));
  await run(2000);
  assert.deepEqual(
    seen.map(({ alert: { status } }) => status),
    ['firing', 'resolved'],
  );
});

test('what cannot be read goes to the dead letters at once, with the reason', async () => {
  const { send, run, dead, shown } = world({ groupWaitSeconds: 0 });
  send('no alert');
  send(JSON.stringify({ version: '4', alerts: [anAlert(), 'odd'] }));
  await run(60);
  assert.deepEqual(dead.length, 2);
  assert.equal(shown().length, 1, 'the other alert of the same body is told');
});

test('what joins while the first wait lasts is told at its end, though a critical alert was told before', async () => {
  const { raise, run, assertShown } = world();
  raise(anAlert({ name: 'A', labels: { alertname: 'A', severity: 'critical' } }), 0);
  raise(anAlert({ name: 'B', second: 10 }), 10);
  raise(anAlert({ name: 'C', second: 40 }), 40);
  await run(1000);
  assertShown(['5 firing A', '30 firing B', '330 firing C']);
});

test('a group in a storm is told every half minute, and at its interval again when it is over', async () => {
  const { raise, run, assertShown } = world();
  for (const name of ['A', 'B', 'C', 'D', 'E']) raise(anAlert({ name }), 0);
  raise(anAlert({ name: 'F', second: 45 }), 45);
  raise(anAlert({ name: 'G', second: 70 }), 70);
  await run(1000);
  assertShown([...['A', 'B', 'C', 'D', 'E'].map((name) => `30 firing ${name}`), '60 firing F', '360 firing G']);
});

test('an end ends what began again before it, in whatever order they come, and not the next episode', async () => {
  const [first, second] = [anAlert({ second: 0 }), anAlert({ second: 1 })];
  for (const order of [
    [first, second, resolved(first, 100)],
    [first, resolved(first, 100), second],
  ]) {
    const { raise, run, seen } = world();
    for (const [at, each] of order.entries()) raise(each, 100 + at);
    raise(anAlert({ second: 400 }), 400);
    await run(2000);
    assert.deepEqual(
      seen.map(({ alert: { status } }) => status),
      ['firing', 'resolved', 'firing'],
    );
  }
});
