import { encodeEnvelope } from '../../message/envelope.ts';
import { brokerText } from '../../message/text.ts';
import { extractFrom } from '../../propagation/extract.ts';
import { activeFields } from '../active-fields.ts';
import { propagationOf, type TracingOptions } from '../tracing.ts';

type Headers = Readonly<Record<string, unknown>>;

/**
 * Kafka headers with the active context added: `producer.send({ topic, messages: [{ value, headers: injectKafka(headers) }] })`.
 * A copy; headers that carry a context already are given back as they are.
 */
export const injectKafka = <T extends Headers>(headers?: T, options: TracingOptions = {}): T & Record<string, string> =>
  injected(headers, options);

/** RabbitMQ headers with the active context added: `channel.publish(exchange, key, content, { headers: injectRabbitmq(headers) })`. */
export const injectRabbitmq = <T extends Headers>(
  headers?: T,
  options: TracingOptions = {},
): T & Record<string, string> => injected(headers, options);

/** An NSQ message, which has no headers, in tidemark's envelope with the active context: `writer.publish(topic, injectNsq(body))`. */
export const injectNsq = (payload: Uint8Array | string, options: TracingOptions = {}): Uint8Array =>
  encodeEnvelope({
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    metadata: activeFields(options),
  });

const injected = <T extends Headers>(headers: T | undefined, options: TracingOptions): T & Record<string, string> => {
  const present = (headers ?? {}) as T;
  try {
    if (extractFrom(present, propagationOf(options), place).context !== undefined) return present as never;
    const lower = new Set(Object.keys(present).map((name) => name.toLowerCase()));
    const fresh = Object.entries(activeFields(options)).filter(([name]) => !lower.has(name.toLowerCase()));
    return { ...present, ...Object.fromEntries(fresh) };
  } catch {
    return present as never;
  }
};

const place = { path: 'headers', values: (entry: unknown) => entry as object, text: brokerText };
