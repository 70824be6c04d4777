import type { Clock, Log, LogLevel } from '../model/ports.ts';

const order: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

/**
 * One JSON object a line on stdout. Values that cannot be serialised are replaced by their text, so that a log line never
 * fails the work that it describes.
 */
export const jsonLog = (options: {
  readonly clock: Clock;
  readonly level?: LogLevel;
  /** Fields of every line, such as the function's name; asked anew each time, so that trace ids can be among them. */
  readonly context?: () => Readonly<Record<string, unknown>>;
  readonly write?: (line: string) => void;
}): Log => {
  const { clock, level: least = 'info', context, write = (line) => void process.stdout.write(line) } = options;
  return (level, message, fields) => {
    if (order[level] < order[least]) return;
    write(`${lineOf({ timestamp: new Date(clock()).toISOString(), level, message, ...context?.(), ...fields })}\n`);
  };
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
