import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { nodeCrypto } from '../lib/adapters/crypto.ts';
import { guardedHttp } from '../lib/adapters/http.ts';
import { deliver } from '../lib/alert/deliver.ts';
import { type Delivering, routing } from '../lib/alert/delivering.ts';
import { sendChunk } from '../lib/alert/send.ts';
import { alert } from '../lib/model/alert.ts';
import type { AlertsConfig } from '../lib/model/config/alerts.ts';
import type { HttpRequest, Table } from '../lib/model/ports.ts';
import { simulatedTable } from '../test/support/simulator/table.ts';
import type { Bench } from './index.ts';
import { quantile, type Result, report, withRatios } from './measure.ts';

const rounds = 60;
const perRound = 20;
const groupSize = 50;

/** `npm run bench -- delivery [--json]` */
export const bench: Bench = {
  question:
    'what does delivery cost an alert beside its destination: all of the handler’s work, against a plain POST of the same body?',
  run: async ({ json }) => {
    const destination = await startDestination();
    try {
      const alone = path(destination.url, ['...']);
      const grouped = path(destination.url, ['service']);
      // The body that tidemark sends is the one that is posted plainly.
      await alone.handle(1);
      const [sample] = alone.sent;
      if (sample === undefined) throw new Error('nothing was sent');
      const times: Record<'alone' | 'grouped' | 'guarded' | 'plain', number[]> = {
        alone: [],
        grouped: [],
        guarded: [],
        plain: [],
      };
      const http = guardedHttp({ allowLoopback: true });
      for (let round = -10; round < rounds; round += 1) {
        for (let turn = 0; turn < perRound; turn += 1) {
          const found = {
            alone: await alone.handle(1),
            plain: await timed(() => plainPost(sample)),
            guarded: await timed(() => http(sample)),
          };
          if (round >= 0)
            for (const [name, time] of Object.entries(found)) times[name as keyof typeof found].push(time);
        }
        const time = await grouped.handle(groupSize);
        if (round >= 0) times.grouped.push(time / groupSize);
      }
      const results = withRatios(
        [
          result('tidemark', times.alone),
          result('tidemark/grouped', times.grouped),
          result('tidemark/guarded-post', times.guarded),
          result('plain-post', times.plain),
        ],
        ['plain-post'],
      );
      const p99 = Object.fromEntries(
        Object.entries(times).map(([name, list]) => [name, round(quantile(list, 0.99) / 1000)]),
      );
      report(
        'delivery',
        results,
        json,
        [
          'tidemark: everything between the message with an alert and its ledger entry, for one alert alone, without the time that the request takes',
          `tidemark/grouped: the same for each of ${groupSize} alerts that share messages`,
          'tidemark/guarded-post: one request with its address vetted, as tidemark makes it; plain-post: node:https, a new connection, the same body',
          `99th percentiles in ms: ${JSON.stringify(p99)}`,
          `an alert alone takes ${alone.counts.table / alone.counts.alerts} calls of the table and ${alone.counts.messages / alone.counts.alerts} messages of the queue, here in memory`,
        ],
        { p99Millis: p99 },
      );
    } finally {
      destination.stop();
    }
  },
};

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Times are in microseconds. */
const result = (name: string, times: readonly number[]): Result => ({
  case: name,
  median: quantile(times, 0.5),
  p10: quantile(times, 0.1),
  unit: 'us',
});

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) * 1000;
};

/** A destination with a certificate, as all of them have, that takes everything at once. */
const startDestination = async () => {
  const file = (name: string) => readFileSync(join(import.meta.dirname, '../test/support/tls', name), 'utf8');
  setDefaultCACertificates([...getCACertificates('default'), file('ca.pem')]);
  const server = createServer({ key: file('server.key'), cert: file('server.pem') }, (incoming, response) => {
    incoming.resume().on('end', () => void response.end('ok'));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const plainPost = ({ url, headers, body }: HttpRequest): Promise<number> =>
  new Promise((settle, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body ?? '') }, agent: false },
      (answer) => {
        answer.resume().on('end', () => settle(answer.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** The whole path on a table and a queue in memory, whose waits are skipped, to a real socket. */
const path = (url: string, groupBy: readonly string[]) => {
  const config: AlertsConfig = {
    receivers: { hook: { channel: 'webhook', url } },
    default: ['hook'],
    groupBy,
    groupWaitSeconds: 0,
    groupIntervalSeconds: 1,
    criticalWaitSeconds: 0,
  };
  let now = Date.parse('2026-01-01T00:00:00Z');
  // Several requests may be under way at once: what counts is the time in which any is.
  let [number, inHttp, underWay, since] = [0, 0, 0, 0];
  const counts = { table: 0, messages: 0, alerts: 0 };
  const waiting: { readonly body: string; readonly at: number }[] = [];
  const sent: HttpRequest[] = [];
  const http = guardedHttp({ allowLoopback: true });
  const delivering: Delivering = {
    config,
    routing: routing(config),
    table: counted(
      simulatedTable(() => now),
      () => void (counts.table += 1),
    ),
    again: {
      send: async (messages) => {
        counts.messages += messages.length;
        for (const { body, delaySeconds = 0 } of messages) waiting.push({ body, at: now + delaySeconds * 1000 });
      },
    },
    deadLetters: { send: async (messages) => Promise.reject(new Error(`a dead letter: ${messages[0]?.body}`)) },
    send: (chunk, configured, saying) =>
      sendChunk(chunk, configured, saying, {
        http: async (each) => {
          sent.splice(0, sent.length, each);
          if (underWay === 0) since = performance.now();
          underWay += 1;
          const response = await http(each);
          underWay -= 1;
          if (underWay === 0) inHttp += performance.now() - since;
          return response;
        },
        secrets: () => Promise.reject(new Error('there are no secrets')),
        clock: () => now,
        crypto: nodeCrypto,
      }),
    clock: () => now,
    random: Math.random,
    log: () => undefined,
  };
  return {
    sent,
    counts,
    /** Microseconds that so many alerts take from their message to the last ledger entry, without those of their requests. */
    handle: async (count: number): Promise<number> => {
      inHttp = 0;
      counts.alerts += count;
      const bodies = Array.from({ length: count }, () => JSON.stringify(anAlert((number += 1), now)));
      const began = performance.now();
      for (const body of bodies) await deliver(body, delivering);
      // Until what is left is the reminder that an alert still fires, hours away.
      for (let next = due(waiting, now); next !== undefined; next = due(waiting, now)) {
        now = Math.max(now, next.at);
        await deliver(next.body, delivering);
      }
      return (performance.now() - began - inHttp) * 1000;
    },
  };
};

const due = (waiting: { readonly body: string; readonly at: number }[], now: number) => {
  const at = waiting.findIndex((each) => each.at <= now + 60_000);
  return at < 0 ? undefined : waiting.splice(at, 1)[0];
};

const anAlert = (number: number, now: number) =>
  alert({
    status: 'firing',
    labels: {
      alertname: 'HighLatency',
      severity: 'warning',
      service: `service-${Math.floor(number / groupSize)}`,
      pod: `web-${number}`,
    },
    annotations: { summary: 'p99 latency is above two seconds', runbook_url: 'https://run.example/latency' },
    startsAt: new Date(now).toISOString(),
  });

const counted = (table: Table, count: () => void): Table => {
  const each =
    <Args extends unknown[], Answer>(work: (...args: Args) => Answer) =>
    (...args: Args): Answer => {
      count();
      return work(...args);
    };
  return { get: each(table.get), query: each(table.query), put: each(table.put), delete: each(table.delete) };
};
