import { nodeCrypto } from '../../../lib/adapters/crypto.ts';
import type { Chunk } from '../../../lib/alert/channel.ts';
import { channels } from '../../../lib/alert/channels/index.ts';
import { deliver } from '../../../lib/alert/deliver.ts';
import { type Delivering, routing } from '../../../lib/alert/delivering.ts';
import { rankOf } from '../../../lib/alert/identity.ts';
import { sendChunk } from '../../../lib/alert/send.ts';
import type { Alert } from '../../../lib/model/alert.ts';
import type { AlertsConfig } from '../../../lib/model/config/alerts.ts';
import { Failure } from '../../../lib/model/failure.ts';
import type { HttpRequest, HttpResponse, Item, Queue, Table } from '../../../lib/model/ports.ts';
import { answered, type Robot } from '../robots/index.ts';
import { simulatedQueue } from './queue.ts';
import { simulatedTable } from './table.ts';
import { seeded, virtualTime } from './time.ts';

/** Shares of what may go wrong; 0 unless told. */
export interface Faults {
  /** Requests answered 5xx, one in twenty of them with a Retry-After. */
  readonly serverErrors?: number;
  /** Error codes inside a 200 where the destination speaks so, else 429. */
  readonly errorCodes?: number;
  /** The destination takes the request and no answer comes. */
  readonly timeoutsAfterAccept?: number;
  /** The connection breaks before the destination has the request. */
  readonly resets?: number;
  /** Invocations that die, at each of their steps in turn. */
  readonly crashes?: number;
  readonly duplicates?: number;
  readonly reorderMs?: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly config: AlertsConfig;
  /** By receiver. Receivers may share one. */
  readonly robots: Readonly<Record<string, Robot>>;
  readonly faults?: Faults;
  /** What a request to a receiver fails with before it leaves. */
  readonly refuse?: (receiver: string, now: number) => Failure | undefined;
  readonly start?: number;
  readonly strict?: boolean;
  readonly visibilityMs?: number;
  readonly concurrency?: number;
  /** Until a destination answers, at most. */
  readonly latencyMs?: number;
}

/** A state of an alert that people saw at a destination. */
export interface Seen {
  readonly at: number;
  readonly receiver: string;
  readonly alert: Alert;
  readonly rank: number;
  readonly deliveryId: string;
  readonly late: boolean;
}

export interface Counts {
  timeoutsAfterAccept: number;
  crashes: number;
  serverErrors: number;
  errorCodes: number;
  resets: number;
  attempts: number;
  early: number;
}

/** The whole of delivery on a virtual clock: the deployed code between simulated AWS and robots, with faults that a seed determines. */
export const simulate = (options: WorldOptions) => {
  const { seed, config, robots, faults = {}, strict = false, latencyMs = 200 } = options;
  const random = seeded(seed);
  const time = virtualTime(options.start ?? Date.parse('2026-01-01T00:00:00Z'));
  const store = simulatedTable(time.now, { strict });
  const seen: Seen[] = [];
  const dead: string[] = [];
  const log: { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  const counts: Counts = {
    timeoutsAfterAccept: 0,
    crashes: 0,
    serverErrors: 0,
    errorCodes: 0,
    resets: 0,
    attempts: 0,
    early: 0,
  };
  /** By destination: no attempt before, as it has said; and how often it has throttled in a row. */
  const told = new Map<Robot, { notBefore: number; throttled: number }>();
  let crashStep = 0;

  const http = async (request: HttpRequest, chunk: Chunk, robot: Robot, deliveryId: string): Promise<HttpResponse> => {
    counts.attempts += 1;
    const refused = options.refuse?.(chunk.notification.receiver, time.now());
    if (refused !== undefined) throw refused;
    const there = random() * latencyMs;
    const back = random() * latencyMs;
    const dice = random();
    let edge = faults.resets ?? 0;
    if (dice < edge) {
      counts.resets += 1;
      await time.sleep(there);
      throw new Failure('unavailable', 'read ECONNRESET');
    }
    await time.sleep(there);
    edge += faults.serverErrors ?? 0;
    if (dice < edge) {
      counts.serverErrors += 1;
      const retryAfter = random() < 0.05 ? { 'retry-after': String(1 + Math.floor(random() * 120)) } : {};
      await time.sleep(back);
      return answered([500, 502, 503, 504][Math.floor(random() * 4)] ?? 500, 'sorry', retryAfter);
    }
    edge += faults.errorCodes ?? 0;
    if (dice < edge) {
      counts.errorCodes += 1;
      await time.sleep(back);
      return errorCode(robot.name, random);
    }
    const before = robot.received.length;
    const answer = robot.answer(request, time.now());
    if (robot.received.length > before && chunk.kind === 'message') {
      for (const alert of chunk.notification.alerts) {
        const late = chunk.notification.lateMinutes !== undefined;
        seen.push({
          at: time.now(),
          receiver: chunk.notification.receiver,
          alert,
          rank: rankOf(alert),
          deliveryId,
          late,
        });
      }
    }
    edge += faults.timeoutsAfterAccept ?? 0;
    if (dice < edge) {
      counts.timeoutsAfterAccept += 1;
      await time.sleep(10_000 - there);
      throw new Failure('timeout', 'no answer within 10000 ms');
    }
    await time.sleep(back);
    return answer;
  };

  /** What a destination asks for in an answer; undefined when it asks for nothing. */
  const hear = (robot: Robot, response: HttpResponse): (() => void) | undefined => {
    const said = told.get(robot) ?? { notBefore: 0, throttled: 0 };
    told.set(robot, said);
    const seconds = windowOf(robot.name, response);
    if (seconds === undefined) {
      if (response.status < 300) said.throttled = 0;
      return undefined;
    }
    const heardAt = time.now();
    return () => {
      said.throttled += 1;
      const banned = robot.name === 'dingtalk' && said.throttled >= 2 ? 600 : 0;
      said.notBefore = Math.max(said.notBefore, heardAt + Math.max(seconds, banned) * 1000);
    };
  };

  /** One invocation: every call to the outside is a step, takes a moment, and may be the last that the process makes. */
  const invoke = (bodies: readonly string[]): Promise<ReadonlySet<number>> =>
    new Promise((settle, reject) => {
      const crashAt = random() < (faults.crashes ?? 0) ? crashStep++ % 120 : Number.POSITIVE_INFINITY;
      // Even crashes happen before the step takes effect, odd ones after it.
      const isBefore = crashStep % 2 === 0;
      let step = 0;
      let alive = true;
      /** Heard by this process alone: what it dies with before it could write it down, nobody knows. */
      let heard: { readonly robot: Robot; readonly bind: () => void; readonly since: number }[] = [];
      const bindHeard = (least: number) => {
        for (const { bind, since } of heard) if (step - since >= least) bind();
        heard = heard.filter(({ since }) => step - since < least);
      };
      const never = new Promise<never>(() => undefined);
      const crash = (): Promise<never> => {
        if (alive) {
          alive = false;
          counts.crashes += 1;
          reject(new Error('the process was killed'));
        }
        return never;
      };
      const outside = async <T>(effect: () => Promise<T>, ms: number): Promise<T> => {
        if (!alive) return never;
        const own = step++;
        if (own === crashAt && isBefore) return crash();
        if (ms > 0) await time.sleep(ms);
        if (!alive) return never;
        let result: T;
        try {
          result = await effect();
        } catch (thrown) {
          if (!alive || own === crashAt) return crash();
          throw thrown;
        }
        if (!alive || own === crashAt) return crash();
        bindHeard(20);
        return result;
      };
      const delay = () => 1 + random() * 6;
      const table: Table = {
        get: (pk, sk) => outside(() => store.get(pk, sk), delay()),
        query: (pk, how) => outside(() => store.query(pk, how), delay()),
        put: async (item: Item, condition) => {
          const written = await outside(() => store.put(item, condition), delay());
          if (written && item.pk.startsWith('destination#')) bindHeard(0);
          return written;
        },
        delete: (pk, sk, condition) => outside(() => store.delete(pk, sk, condition), delay()),
      };
      const again: Queue = { send: (messages) => outside(() => queue.queue.send(messages), delay()) };
      const deadLetters: Queue = {
        send: (messages) => outside(async () => void dead.push(...messages.map(({ body }) => body)), delay()),
      };
      const delivering: Delivering = {
        config,
        routing: routes,
        table,
        again,
        deadLetters,
        clock: time.now,
        random,
        log: (level, message, fields = {}) => void (strict && log.push({ level, message, fields })),
        send: (chunk, configured, saying) => {
          const robot = robots[chunk.notification.receiver] as Robot;
          return sendChunk(chunk, configured, saying, {
            http: async (request) => {
              if ((told.get(robot)?.notBefore ?? 0) > time.now() || heard.some((each) => each.robot === robot))
                counts.early += 1;
              const response = await outside(() => http(request, chunk, robot, saying.deliveryId), 0);
              const bind = hear(robot, response);
              if (bind !== undefined) heard.push({ robot, bind, since: step });
              return response;
            },
            secrets: async () => robot.url,
            clock: time.now,
            crypto: nodeCrypto,
          });
        },
      };
      const failed = new Set<number>();
      void Promise.all(
        bodies.map((body, at) =>
          deliver(body, delivering).catch((thrown) => {
            failed.add(at);
            failures.push(Failure.from(thrown).message);
          }),
        ),
      ).then(() => {
        if (!alive) return;
        bindHeard(0);
        settle(failed);
      });
    });
  const failures: string[] = [];
  const routes = routing(config);
  const queue = simulatedQueue({
    time,
    random,
    visibilityMs: options.visibilityMs ?? 180_000,
    maxReceiveCount: 10,
    concurrency: options.concurrency ?? 10,
    batchSize: 10,
    faults: { duplicates: faults.duplicates ?? 0, reorderMs: faults.reorderMs ?? 0 },
    invoke,
    dead: (body) => void dead.push(body),
  });
  return {
    time,
    random,
    table: store,
    seen,
    dead,
    counts,
    failures,
    log,
    stats: queue.stats,
    /** Puts an alert into the alerts queue at a time. */
    raise: (alert: Alert, at: number): void =>
      time.at(at, () => void queue.queue.send([{ body: JSON.stringify(alert) }])),
    send: (body: string): void => void queue.queue.send([{ body }]),
  };
};

/** The rest that an answer asks for, by what vendors document; kept apart from what the channels themselves read in it. */
const windowOf = (name: string, { status, headers, body }: HttpResponse): number | undefined => {
  const after = headers['retry-after'];
  if (after !== undefined && /^\d+$/.test(after)) return Number(after);
  if (status !== 200) return undefined;
  const text = Buffer.from(body).toString();
  const code = Number(/"(?:errcode|code)":\s*(-?\d+)/.exec(text)?.[1] ?? 0);
  if (name === 'wecom' && code === 45009) return 60;
  if (name === 'dingtalk' && (code === 130101 || code === 410100)) return 60;
  if (name === 'feishu' && code === 11232) return 5;
  return undefined;
};

/** What a destination in trouble says. */
const errorCode = (name: string, random: () => number): HttpResponse => {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  switch (name) {
    case 'wecom':
      return answered(200, { errcode: one([45009, 45033, -1, 50001]), errmsg: 'acted out' });
    case 'dingtalk':
      return answered(200, { errcode: one([130101, -1, 88]), errmsg: 'acted out' });
    case 'feishu':
      return answered(200, { code: one([11232, 55555]), msg: 'acted out' });
    case 'slack':
      return answered(200, 'something else');
    default:
      return answered(
        429,
        { status: 'throttle exceeded' },
        random() < 0.05 ? { 'retry-after': String(1 + Math.floor(random() * 60)) } : {},
      );
  }
};

/** The channel of a receiver. */
export const channelOf = (config: AlertsConfig, receiver: string) =>
  channels[config.receivers[receiver]?.channel as keyof typeof channels];
