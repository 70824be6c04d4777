import type { Format } from '../format.ts';
import { isId } from '../hex.ts';
import { first } from '../lookup.ts';

const upperKey = '_dd.p.tid=';

/** Datadog's own headers: 64-bit decimal ids, the upper half of the trace id in `x-datadog-tags`. */
export const datadog: Format = {
  name: 'datadog',
  family: 'custom',
  fields: ['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-sampling-priority', 'x-datadog-tags'],
  marks: ['x-datadog-trace-id'],
  read: (values, text, find) => {
    const trace = find(values, text, 'x-datadog-trace-id');
    const parent = find(values, text, 'x-datadog-parent-id');
    const lower = trace === undefined ? undefined : hexOf(first(trace));
    if (lower === undefined) return 'trace';
    const traceId = upperOf(find(values, text, 'x-datadog-tags')) + lower;
    const priority = Number(first(find(values, text, 'x-datadog-sampling-priority') ?? 'none'));
    const sampled = Number.isInteger(priority) ? priority > 0 : undefined;
    const spanId = parent === undefined ? undefined : hexOf(first(parent));
    if (spanId === undefined) return sampled === undefined ? { traceId } : { traceId, sampled };
    const flags = sampled === true ? 1 : 0;
    if (sampled === undefined) return { traceId, spanId, flags, traceState: undefined, deferred: true };
    return { traceId, spanId, flags, traceState: undefined };
  },
  write: (context, set) => {
    const lower = BigInt(`0x${context.traceId.slice(16)}`).toString();
    if (set('x-datadog-trace-id', lower) === false) return;
    if (set('x-datadog-parent-id', BigInt(`0x${context.spanId}`).toString()) === false) return;
    if (context.deferred !== true) set('x-datadog-sampling-priority', (context.flags & 1) === 1 ? '1' : '0');
    const upper = context.traceId.slice(0, 16);
    if (upper !== '0000000000000000') set('x-datadog-tags', upperKey + upper);
  },
};

const max = 0xffffffffffffffffn;

const hexOf = (decimal: string): string | undefined => {
  if (decimal.length === 0 || decimal.length > 20) return undefined;
  for (let at = 0; at < decimal.length; at++) {
    const code = decimal.charCodeAt(at);
    if (code < 48 || code > 57) return undefined;
  }
  const value = BigInt(decimal);
  return value === 0n || value > max ? undefined : value.toString(16).padStart(16, '0');
};

/** The upper 64 bits, or zeros. */
const upperOf = (tags: string | undefined): string => {
  const start = tags?.indexOf(upperKey) ?? -1;
  const upper = start < 0 ? '' : (tags?.slice(start + upperKey.length, start + upperKey.length + 16) ?? '');
  return upper.length === 16 && isId(upper, 0, 16) ? upper : '0000000000000000';
};
