import { contextOf, type Format, startOf } from '../format.ts';
import { isId } from '../hex.ts';
import { first } from '../lookup.ts';

const zeros = '0'.repeat(16);

/** Datadog's own headers: 64-bit decimal ids, the upper half of the trace id in `x-datadog-tags`. */
export const datadog: Format = {
  name: 'datadog',
  family: 'custom',
  fields: ['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-sampling-priority', 'x-datadog-tags'],
  marks: ['x-datadog-trace-id'],
  read: (values, text, find) => {
    const lower = hexOf(find(values, text, 'x-datadog-trace-id'));
    if (lower === undefined) return 'trace';
    const traceId = upperOf(find(values, text, 'x-datadog-tags')) + lower;
    const priority = Number(first(find(values, text, 'x-datadog-sampling-priority') ?? 'none'));
    const sampled = Number.isInteger(priority) ? priority > 0 : undefined;
    const spanId = hexOf(find(values, text, 'x-datadog-parent-id'));
    return spanId === undefined ? startOf(traceId, sampled) : contextOf(traceId, spanId, sampled);
  },
  write: (context, set) => {
    if (set('x-datadog-trace-id', decimalOf(context.traceId.slice(16))) === false) return;
    if (set('x-datadog-parent-id', decimalOf(context.spanId)) === false) return;
    if (!context.deferred) set('x-datadog-sampling-priority', `${context.flags & 1}`);
    const upper = context.traceId.slice(0, 16);
    if (upper !== zeros) set('x-datadog-tags', `_dd.p.tid=${upper}`);
  },
};

const decimalOf = (hex: string): string => BigInt(`0x${hex}`).toString();

/** A decimal number of 64 bits in 16 digits of hex; undefined when it is none, or zero. */
const hexOf = (header = ''): string | undefined => {
  const decimal = first(header);
  const value = /^\d{1,20}$/.test(decimal) ? BigInt(decimal) : 0n;
  return value > 0n && value < over ? value.toString(16).padStart(16, '0') : undefined;
};

const over = 2n ** 64n;

/** The upper 64 bits, or zeros. */
const upperOf = (tags = ''): string => {
  const at = tags.indexOf('_dd.p.tid=') + 10;
  return at > 9 && isId(tags, at, at + 16) ? tags.slice(at, at + 16) : zeros;
};
