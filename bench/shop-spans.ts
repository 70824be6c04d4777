import { type Span, spanKinds } from '../lib/model/span.ts';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * Traces of a shop: web asks orders, which asks stock for each of three lines, side by side in every second trace, and a payment service
 * that is not instrumented; a database behind every service, clocks of hosts off by up to 2 ms, and a queue to a packing consumer.
 */
export const shopSpans = (count: number, seed = 1): Span[][] => {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const skews: Readonly<Record<string, number>> = { web: 0, orders: 1.7, stock: -1.9, pack: 0.4 };
  return Array.from({ length: count }, (_, number) => {
    const spans: Span[] = [];
    const begin = number * 37;
    const add = (
      parent: number,
      service: string,
      name: string,
      kind: number,
      from: number,
      to: number,
      attributes: Span['attributes'] = {},
    ): number => {
      const nanos = (ms: number) =>
        1_767_225_600_000_000_000n + BigInt(Math.round((begin + ms + (skews[service] ?? 0)) * 1e6));
      spans.push({
        traceId: hex(number + 1, 32),
        spanId: hex(number * 64 + spans.length + 1, 16),
        ...(parent < 0 ? {} : { parentSpanId: spans[parent]?.spanId ?? '' }),
        name,
        kind,
        startNanos: nanos(from),
        endNanos: nanos(to),
        status: 0,
        resource: { 'service.name': service, 'host.name': `${service}-1` },
        attributes,
        links: [],
        events: [],
      });
      return spans.length - 1;
    };
    const { server, client, producer, consumer } = spanKinds;
    const step = () => 2 + 6 * random();
    let now = 0;
    const root = add(-1, 'web', 'POST /cart', server, 0, 200);
    const call = add(root, 'web', 'POST', client, (now += step()), 190, { 'server.address': 'orders' });
    const order = add(call, 'orders', 'POST /orders', server, (now += 1), 188);
    now += step();
    add(order, 'orders', 'INSERT orders', client, now, now + 3, { 'db.system.name': 'postgresql' });
    now += 4;
    const isSideBySide = number % 2 === 0;
    let latest = now;
    for (let line = 0; line < 3; line += 1) {
      const from = isSideBySide ? now + line * 0.3 : latest;
      const took = 8 + 10 * random();
      const ask = add(order, 'orders', 'GET', client, from, from + took, { 'server.address': 'stock' });
      const begun = from + 0.5 + random();
      const done = from + took - 0.5 - random();
      const answer = add(ask, 'stock', 'GET /stock/{id}', server, begun, done);
      add(answer, 'stock', 'SELECT stock', client, begun + random(), done - random(), {
        'db.system.name': 'postgresql',
      });
      latest = Math.max(latest, from + took + (isSideBySide ? 0 : 0.5));
    }
    add(order, 'orders', 'POST', client, latest, latest + 20, { 'server.address': 'pay.example.com' });
    const send = add(order, 'orders', 'send packing', producer, latest + 21, latest + 23, {
      'messaging.destination.name': 'packing',
    });
    const pack = add(send, 'pack', 'process packing', consumer, 300, 340, { 'messaging.destination.name': 'packing' });
    add(pack, 'pack', 'PutObject', client, 310, 320, { 'rpc.system': 'aws-api' });
    return spans;
  });
};
