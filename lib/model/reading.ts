/**
 * A measured value of one series at one moment: what a gauge answers, and what a service pushes.
 *
 * On the wire (body of a message in the readings queue, or `detail` of an EventBridge event with detail-type `Reading`):
 * ```json
 * { "gauge": "disk", "series": { "host": "a" }, "value": 41, "capacity": 50, "at": "2026-11-23T18:00:00Z" }
 * ```
 * With `capacity` the rule sees `value / capacity`, without it `value` itself.
 */
export interface Reading {
  /** What was measured; a rule with `gauge: 'pushed'` names it in `reading`. At most 128 characters. */
  readonly gauge: string;
  /** The labels that make this series one of its own. At most 30, with names as Prometheus spells them. */
  readonly series: Readonly<Record<string, string>>;
  readonly value: number;
  /** Greater than zero. */
  readonly capacity?: number;
  /** Milliseconds since the epoch; RFC 3339 on the wire. */
  readonly at: number;
}

const maxLabels = 30;
const maxText = 1024;
const maxBody = 256 * 1024;

/** Reads a pushed reading: the bare JSON, or the EventBridge event around it. Never throws. */
export const readReading = (body: string): { readonly reading: Reading } | { readonly refused: string } => {
  if (body.length > maxBody) return { refused: `is ${body.length} characters long, at most ${maxBody} are read` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (thrown) {
    return { refused: `is not JSON: ${(thrown as Error).message}` };
  }
  if (!isRecord(parsed)) return { refused: 'is not a JSON object' };
  const wrapped = isRecord(parsed['detail']) && typeof parsed['detail-type'] === 'string';
  if (wrapped && parsed['detail-type'] !== 'Reading') {
    return { refused: `detail-type is '${String(parsed['detail-type']).slice(0, 64)}', only 'Reading' is read here` };
  }
  return readFields(wrapped ? (parsed['detail'] as Record<string, unknown>) : parsed, wrapped ? 'detail.' : '');
};

const readFields = (fields: Record<string, unknown>, prefix: string): { reading: Reading } | { refused: string } => {
  const { gauge, series = {}, value, capacity, at } = fields;
  const bad = (name: string, why: string) => ({ refused: `${prefix}${name} ${why}` });
  if (typeof gauge !== 'string' || gauge === '' || gauge.length > 128)
    return bad('gauge', 'is not a text of 1 to 128 characters');
  if (!isRecord(series)) return bad('series', 'is not an object of label names and texts');
  const labels = Object.entries(series);
  if (labels.length > maxLabels) return bad('series', `has ${labels.length} labels, at most ${maxLabels} are allowed`);
  for (const [name, text] of labels) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name))
      return bad('series', `has a label name that is not allowed: '${name.slice(0, 64)}'`);
    if (typeof text !== 'string' || text.length > maxText)
      return bad(`series.${name}`, `is not a text of at most ${maxText} characters`);
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return bad('value', 'is not a finite number');
  if (capacity !== undefined && !(typeof capacity === 'number' && Number.isFinite(capacity) && capacity > 0)) {
    return bad('capacity', 'is not a number greater than zero');
  }
  const time = typeof at === 'string' ? readTime(at) : undefined;
  if (time === undefined) return bad('at', 'is not an RFC 3339 time such as 2026-11-23T18:00:00Z');
  return {
    reading: {
      gauge,
      series: series as Record<string, string>,
      value,
      at: time,
      ...(capacity === undefined ? {} : { capacity }),
    },
  };
};

/** Milliseconds since the epoch of an RFC 3339 text with a zone, else undefined. */
export const readTime = (text: string): number | undefined => {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
