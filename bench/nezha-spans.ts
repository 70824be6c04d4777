import { type Span, spanKinds } from '../lib/model/span.ts';
import { nezhaTraces } from './nezha.ts';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/**
 * A window as spans. The data tells no kinds; a span below one of another service served its call, and the one above made it.
 * Only exact duplicates are left out, so that shapes, clocks and mixes of operations are those that were recorded.
 */
export const nezhaSpans = (folder: string, id: string, maxTraces = Number.POSITIVE_INFINITY): Span[][] => {
  const resources = new Map<string, Span['resource']>();
  return nezhaTraces(folder, id)
    .slice(0, maxTraces)
    .map(({ tree }, number) => {
      const { services, operations, parents, starts, ends } = tree;
      const kinds = new Array<number>(services.length).fill(spanKinds.internal);
      for (let at = 0; at < services.length; at += 1) {
        const parent = parents[at] as number;
        if (parent >= 0 && services[parent] === services[at]) continue;
        kinds[at] = spanKinds.server;
      }
      for (let at = 0; at < services.length; at += 1) {
        const parent = parents[at] as number;
        if (parent >= 0 && services[parent] !== services[at] && kinds[parent] === spanKinds.internal)
          kinds[parent] = spanKinds.client;
      }
      return services.map((service, at): Span => {
        let resource = resources.get(service);
        if (resource === undefined) {
          resource = { 'service.name': service };
          resources.set(service, resource);
        }
        const parent = parents[at] as number;
        return {
          traceId: hex(number + 1, 32),
          spanId: hex(number * 1000 + at + 1, 16),
          ...(parent < 0 ? {} : { parentSpanId: hex(number * 1000 + parent + 1, 16) }),
          name: operations[at] as string,
          kind: kinds[at] as number,
          startNanos: BigInt(Math.round((starts[at] as number) * 1e6)) * 1000n,
          endNanos: BigInt(Math.round((ends[at] as number) * 1e6)) * 1000n,
          status: 0,
          resource,
          attributes: {},
          links: [],
          events: [],
        };
      });
    });
};
