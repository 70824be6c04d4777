import type { Span } from '../../lib/model/span.ts';

let count = 0;

/** A span with sensible fields; times in milliseconds from a fixed origin. */
export const aSpan = (
  fields: Partial<Omit<Span, 'resource'>> & {
    readonly service?: string;
    readonly from?: number;
    readonly to?: number;
  } = {},
): Span => {
  count += 1;
  const { service = 'shop', from = 0, to = 10, ...rest } = fields;
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: count.toString(16).padStart(16, '0'),
    name: 'work',
    kind: 1,
    startNanos: origin + BigInt(Math.round(from * 1e6)),
    endNanos: origin + BigInt(Math.round(to * 1e6)),
    status: 0,
    resource: { 'service.name': service },
    attributes: {},
    links: [],
    events: [],
    ...rest,
  };
};

/** 2026-01-01T00:00:00Z. */
export const origin = 1_767_225_600_000_000_000n;
