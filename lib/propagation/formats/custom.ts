import type { CustomFormat } from '../../model/config/propagation.ts';
import type { Start, TraceContext } from '../../model/trace-context.ts';
import { contextOf, type Find, type Format, startOf, type Text } from '../format.ts';
import { isId } from '../hex.ts';

/** A format of your own, by a map of field names or by a pair of functions. */
export const customFormat = (config: CustomFormat): Format => {
  const { decode, encode, fields } = config;
  const names = [...Object.values(fields ?? {}), ...(config.names ?? [])].filter(Boolean) as string[];
  return {
    name: 'custom',
    family: 'custom',
    fields: names,
    marks: names,
    read: (values, text, find) => {
      try {
        const found =
          decode === undefined ? readFields(config, values, text, find) : decode(textsOf(names, values, text, find));
        return found === undefined ? 'form' : checked(found);
      } catch {
        return 'threw';
      }
    },
    write: (context, set) => {
      const texts = encode === undefined ? writeFields(config, context) : encode(context);
      for (const name in texts) set(name, texts[name] as string);
    },
  };
};

/** Fields of your own, as configured; by default `my_trace_id`, which holds a whole traceparent in base64. */
export const custom: Format = customFormat({ fields: { traceId: 'my_trace_id' }, encoding: 'base64' });

interface Parts {
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  readonly sampled?: boolean | undefined;
}

/** Ids are held to what W3C asks of them, after padding. */
const checked = ({ traceId, spanId, sampled }: Parts): TraceContext | Start | string => {
  const trace = idOf(traceId, 32);
  if (trace === undefined) return traceId === undefined && sampled !== undefined ? { sampled } : 'trace';
  if (spanId === undefined) return startOf(trace, sampled);
  const span = idOf(spanId, 16);
  return span === undefined ? 'span' : contextOf(trace, span, sampled);
};

const idOf = (id: string | undefined, length: number): string | undefined => {
  if (typeof id !== 'string' || id === '' || id.length > length) return undefined;
  const padded = id.toLowerCase().padStart(length, '0');
  return isId(padded, 0, length) ? padded : undefined;
};

const textsOf = (names: readonly string[], values: object, text: Text, find: Find): Record<string, string> => {
  const texts: Record<string, string> = {};
  for (const name of names) {
    const value = find(values, text, name);
    if (value !== undefined) texts[name] = value;
  }
  return texts;
};

const readFields = ({ fields, encoding }: CustomFormat, values: object, text: Text, find: Find): Parts | undefined => {
  if (fields === undefined) return undefined;
  const value = (name: string | undefined) => (name === undefined ? undefined : find(values, text, name));
  const trace = value(fields.traceId);
  const sampled = sampledOf(value(fields.sampled));
  if (trace === undefined) return sampled === undefined ? undefined : { sampled };
  const whole = wholeOf(trace);
  const span = value(fields.spanId);
  return {
    traceId: whole?.traceId ?? hexOf(trace, encoding, 16),
    spanId: span === undefined ? whole?.spanId : (hexOf(span, encoding, 8) ?? span),
    sampled: sampled ?? whole?.sampled,
  };
};

const writeFields = ({ fields, encoding }: CustomFormat, context: TraceContext): Record<string, string> => {
  if (fields === undefined) return {};
  const { traceId, spanId, deferred, flags } = context;
  if (fields.spanId === undefined) {
    const whole = `00-${traceId}-${spanId}${deferred ? '' : `-0${flags & 1}`}`;
    return { [fields.traceId]: encoding === 'base64' ? Buffer.from(whole).toString('base64') : whole };
  }
  const texts = { [fields.traceId]: encoded(traceId, encoding), [fields.spanId]: encoded(spanId, encoding) };
  if (fields.sampled !== undefined && !deferred) texts[fields.sampled] = `${flags & 1}`;
  return texts;
};

const encoded = (hex: string, encoding: CustomFormat['encoding']): string => {
  if (encoding === 'base64') return Buffer.from(hex, 'hex').toString('base64');
  return encoding === 'decimal' ? BigInt(`0x${hex}`).toString() : hex;
};

/** An id by itself: hex, decimal, or base64 of the raw bytes or of the hex text. */
const hexOf = (text: string, encoding: CustomFormat['encoding'], bytes: 8 | 16): string | undefined => {
  if (encoding === 'decimal') return /^\d{1,39}$/.test(text) ? BigInt(text).toString(16) : undefined;
  if (encoding !== 'base64') return text.trim();
  const raw = Buffer.from(text, 'base64');
  return raw.length === bytes || raw.length === 8 ? raw.toString('hex') : raw.toString('latin1').trim();
};

/** Trace id, span id and flags in one text, with `-`, `:` or another separator between them, a version before them or not. */
const wholeOf = (text: string): Parts | undefined => {
  // Some brokers' readers have already decoded what was base64.
  const match = whole.exec(text) ?? whole.exec(Buffer.from(text, 'base64').toString('latin1'));
  return match === null ? undefined : { traceId: match[1], spanId: match[2], sampled: sampledOf(match[3]) };
};

const whole = /^\s*(?:\w\w[-:])?((?:\w{16}){1,2})[-:/;,.|](\w{16})(?:[-:/;,.|](\w+))?\s*$/;

const sampledOf = (text = ''): boolean | undefined =>
  /^(?:0?[0-3]|true|false|d)$/.test(text) ? /[13td]/.test(text) : undefined;
