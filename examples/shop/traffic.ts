/** Customers: places orders at a steady rate over HTTP, and remembers what was answered. */
import { request } from 'node:http';
import type { Order } from './services/shop.ts';
import { signedHeaders } from './services/sign.ts';

export interface Placed {
  readonly order: Order;
  readonly traceId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Traffic {
  readonly placed: readonly Placed[];
  /** Orders that users refused or that got no answer, with the reason. */
  readonly refused: readonly string[];
  /** Stops placing orders; resolves when every answer is in. */
  readonly stop: () => Promise<void>;
}

const articles = ['lamp', 'chair', 'table', 'shelf'];

export const startTraffic = (options: {
  readonly usersUrl: string;
  readonly ordersPerSecond: number;
  /** Seconds over which the rate rises from one order a second: functions start their processes as customers come. @default 0 */
  readonly rampSeconds?: number;
  readonly clock: () => number;
  readonly random: () => number;
}): Traffic => {
  const { usersUrl, ordersPerSecond, rampSeconds = 0, clock, random } = options;
  const began = clock();
  const placed: Placed[] = [];
  const refused: string[] = [];
  const running = new Set<Promise<void>>();
  let count = 0;
  const place = async (): Promise<void> => {
    count += 1;
    const order = {
      id: `order-${String(count).padStart(5, '0')}`,
      user: `user-${Math.floor(random() * 50)}`,
      sku: articles[Math.floor(random() * articles.length)] ?? 'lamp',
      quantity: 1 + Math.floor(random() * 3),
    };
    const at = clock();
    try {
      const answer = await post(new URL('/orders', usersUrl), JSON.stringify(order));
      if (answer.status === 202)
        placed.push({ order, traceId: (JSON.parse(answer.body) as { traceId: string }).traceId, at });
      else refused.push(`${order.id}: users answered ${answer.status} ${answer.body.slice(0, 200)}`);
    } catch (thrown) {
      refused.push(`${order.id}: ${(thrown as Error).message}`);
    }
  };
  let timer: NodeJS.Timeout;
  const next = () => {
    const share = rampSeconds === 0 ? 1 : Math.min(1, (clock() - began) / 1000 / rampSeconds);
    timer = setTimeout(next, 1000 / (1 + (ordersPerSecond - 1) * share));
    const work = place().finally(() => running.delete(work));
    running.add(work);
  };
  next();
  return {
    placed,
    refused,
    stop: async () => {
      clearTimeout(timer);
      await Promise.all(running);
    },
  };
};

const post = async (url: URL, body: string): Promise<{ status: number; body: string }> => {
  const headers = await signedHeaders(url, body, { 'content-type': 'application/json' });
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) }, timeout: 30_000 },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        answer.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer within 30 s')));
    call.on('error', reject);
    call.end(body);
  });
};
