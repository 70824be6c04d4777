import { trace } from '@opentelemetry/api';
import type { Clock, Log, LogLevel } from '../model/ports.ts';

const order: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

/**
 * One JSON object a line on stdout, with `trace_id` and `span_id` of the active span, as OpenTelemetry names them in logs of other
 * formats: from a line to its trace and back. Values that cannot be serialised are replaced by their text, so that a log line never
 * fails the work that it describes.
 */
export const jsonLog = (options: {
  readonly clock: Clock;
  readonly level?: LogLevel;
  /** Fields of every line, such as the function's name; asked anew each time. */
  readonly context?: () => Readonly<Record<string, unknown>>;
  readonly write?: (line: string) => void;
}): Log => {
  const { clock, level: least = 'info', context, write = (line) => void process.stdout.write(line) } = options;
  return (level, message, fields) => {
    if (order[level] < order[least]) return;
    const timestamp = new Date(clock()).toISOString();
    write(`${lineOf({ timestamp, level, message, ...context?.(), ...activeIds(), ...fields })}\n`);
  };
};

const activeIds = (): Readonly<Record<string, string>> | undefined => {
  const active = trace.getActiveSpan()?.spanContext();
  if (active === undefined || active.traceId === '00000000000000000000000000000000') return undefined;
  return { trace_id: active.traceId, span_id: active.spanId };
};

const lineOf = (fields: Readonly<Record<string, unknown>>): string => {
  try {
    return JSON.stringify(fields, (_, value) =>
      typeof value === 'bigint' ? value.toString() : value instanceof Error ? `${value.name}: ${value.message}` : value,
    );
  } catch (thrown) {
    return JSON.stringify({
      timestamp: fields['timestamp'],
      level: fields['level'],
      message: fields['message'],
      unserialisable: String(thrown),
    });
  }
};
