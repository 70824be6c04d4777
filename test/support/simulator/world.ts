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
  /** By reference; any other reference is the robot's address. */
  readonly secrets?: Readonly<Record<string, string>>;
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
  /** When its message was tried first. */
  readonly firstTriedAt: number;
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
  /** `receiver fingerprint rank` of what a destination has taken, whether it showed it or knew that it had. */
  const taken = new Set<string>();
  const firstTried = new Map<string, number>();
  const dead: string[] = [];
  const queued: string[] = [];
  const visible: {
    readonly seconds: number;
    readonly receiver: string;
    readonly channel: string;
    readonly traceId?: string;
  }[] = [];
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
  /** What destinations have asked for. */
  const wishes = new Map<Robot, Wishes>();
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
    const { receiver, alerts, lateMinutes, lateOf } = chunk.notification;
    if (chunk.kind === 'message' && channels[channelName(config, receiver)].verdict(answer, time.now()).kind === 'ok') {
      for (const alert of alerts) {
        const rank = rankOf(alert);
        taken.add(`${receiver} ${alert.fingerprint} ${rank}`);
        if (robot.received.length === before) continue;
        const late = lateMinutes !== undefined && (lateOf?.includes(alert.fingerprint) ?? true);
        const firstTriedAt = firstTried.get(deliveryId) ?? time.now();
        seen.push({ at: time.now(), receiver, alert, rank, deliveryId, late, firstTriedAt });
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

  /** Takes down what a destination asks for in an answer, and which process has heard it. */
  const hear = (robot: Robot, response: HttpResponse, process: object): void => {
    const said = wishes.get(robot) ?? { list: [], throttled: 0 };
    wishes.set(robot, said);
    const seconds = windowOf(robot.name, response);
    if (seconds === undefined) {
      if (response.status < 300) said.throttled = 0;
      return;
    }
    said.throttled += 1;
    const banned = robot.name === 'dingtalk' && said.throttled >= 2 ? 600 : 0;
    const until = time.now() + Math.max(seconds, banned) * 1000;
    said.list = [...said.list.filter((wish) => wish.until > time.now()), { until, process, isWritten: false }];
  };

  /** One invocation: every call to the outside is a step, takes a moment, and may be the last that the process makes. */
  const invoke = (
    messages: readonly { readonly body: string; readonly sentAt: number }[],
  ): Promise<ReadonlySet<number>> =>
    new Promise((settle, reject) => {
      // One after the other: before each step takes effect, and after it.
      const crash_ = random() < (faults.crashes ?? 0) ? crashStep++ : Number.NaN;
      const crashAt = Math.floor(crash_ / 2) % 120;
      const isBefore = crash_ % 2 === 0;
      let step = 0;
      let alive = true;
      const process = {};
      const never = new Promise<never>(() => undefined);
      const crash = (): Promise<never> => {
        if (alive) {
          alive = false;
          counts.crashes += 1;
          // What a process dies with before it could write it down, nobody knows.
          for (const said of wishes.values()) {
            const known = said.list.filter((wish) => wish.process !== process || wish.isWritten);
            // Nor how often in a row the destination has asked for less.
            said.throttled = Math.max(0, said.throttled - (said.list.length - known.length));
            said.list = known;
          }
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
        return result;
      };
      const delay = () => 1 + random() * 6;
      const table: Table = {
        get: (pk, sk) => outside(() => store.get(pk, sk), delay()),
        query: (pk, how) => outside(() => store.query(pk, how), delay()),
        put: async (item: Item, condition) => {
          const written = await outside(() => store.put(item, condition), delay());
          if (written && item.pk.startsWith('destination#'))
            for (const { list } of wishes.values())
              for (const wish of list) if (wish.process === process) wish.isWritten = true;
          return written;
        },
        delete: (pk, sk, condition) => outside(() => store.delete(pk, sk, condition), delay()),
      };
      const again: Queue = {
        send: (messages) => {
          if (strict) queued.push(...messages.map(({ body }) => body));
          return outside(() => queue.queue.send(messages), delay());
        },
      };
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
        onVisible: (seconds, of, trace) => {
          if (strict) visible.push({ seconds, ...of, ...(trace === undefined ? {} : { traceId: trace.traceId }) });
        },
        send: (chunk, configured, saying) => {
          const robot = robots[chunk.notification.receiver] as Robot;
          return sendChunk(chunk, configured, saying, {
            http: async (request) => {
              const now = time.now();
              if (wishes.get(robot)?.list.some(({ until }) => until > now) === true) counts.early += 1;
              if (!firstTried.has(saying.deliveryId)) firstTried.set(saying.deliveryId, now);
              return outside(async () => {
                const response = await http(request, chunk, robot, saying.deliveryId);
                // A process that died while it waited has heard nothing.
                if (alive) hear(robot, response, process);
                return response;
              }, 0);
            },
            secrets: async (reference) => options.secrets?.[reference] ?? robot.url,
            clock: time.now,
            crypto: nodeCrypto,
          });
        },
      };
      const failed = new Set<number>();
      void Promise.all(
        messages.map(({ body, sentAt }, at) =>
          deliver(body, delivering, sentAt).catch((thrown) => {
            failed.add(at);
            failures.push(Failure.from(thrown).message);
          }),
        ),
      ).then(() => {
        if (alive) settle(failed);
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
    taken: taken as ReadonlySet<string>,
    dead,
    /** Bodies that functions have sent to their queue; with `strict` alone. */
    queued,
    counts,
    failures,
    log,
    /** Times from an alert's start to its being seen, as they are measured; with `strict` alone. */
    visible,
    stats: queue.stats,
    /** Puts an alert into the alerts queue at a time. */
    raise: (alert: Alert, at: number): void =>
      time.at(at, () => void queue.queue.send([{ body: JSON.stringify(alert) }])),
    send: (body: string): void => void queue.queue.send([{ body }]),
  };
};

/** What a destination has asked for, with the process that has heard it; written down, everybody knows it. */
interface Wishes {
  list: { readonly until: number; readonly process: object; isWritten: boolean }[];
  /** Answers in a row that asked for less. */
  throttled: number;
}

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

const channelName = (config: AlertsConfig, receiver: string) =>
  config.receivers[receiver]?.channel as keyof typeof channels;

/** The channel of a receiver. */
export const channelOf = (config: AlertsConfig, receiver: string) => channels[channelName(config, receiver)];
