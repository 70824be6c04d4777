import type { Recorded } from './replay.ts';

/** One series of a recording. `series` is absent where the recording holds one series without labels. */
export interface Recording {
  readonly series?: Readonly<Record<string, string>>;
  readonly readings: readonly Recorded[];
}

export type Refusal = { readonly refused: string; readonly where: string };

/** Reads `[{ at, value }]`. Never throws. */
export const readReadings = (list: unknown): readonly Recording[] | Refusal => {
  if (!Array.isArray(list)) return refuse('readings', 'is not a list of { at, value }');
  const readings: Recorded[] = [];
  for (const [index, entry] of list.entries()) {
    const where = `readings[${index}]`;
    if (!isRecord(entry)) return refuse(where, `is ${show(entry)}, { at, value } is needed`);
    const { at, value } = entry;
    if (typeof at !== 'number' || !Number.isFinite(at)) {
      return refuse(`${where}.at`, `is ${show(at)}, a number of seconds is needed`);
    }
    if (value === null || value === 'error') readings.push({ at, value });
    else {
      const number = typeof value === 'string' ? sampleValue(value) : value;
      if (typeof number !== 'number') {
        return refuse(`${where}.value`, `is ${show(value)}, a number, null or "error" is needed`);
      }
      readings.push({ at, value: number });
    }
  }
  return [{ readings }];
};

/**
 * Reads the answer of Prometheus to a range query. A point that one series lacks and another has, or that the step of the range says
 * should be there, is no data. Series that differ in their name alone are one, as an alert has no name: where two of them are above
 * `low` at once, Prometheus refuses the whole evaluation. Never throws.
 */
export const readMatrix = (answer: Readonly<Record<string, unknown>>, low: number): readonly Recording[] | Refusal => {
  if (answer['status'] !== 'success') {
    return refuse(
      'status',
      `is ${show(answer['status'])}: the query failed${answer['error'] ? ` (${show(answer['error'])})` : ''}`,
    );
  }
  const data = answer['data'];
  if (!isRecord(data) || !Array.isArray(data['result'])) return refuse('data', 'is not the answer of a range query');
  if (data['resultType'] !== 'matrix') {
    return refuse(
      'data.resultType',
      `is ${show(data['resultType'])}, a matrix is needed: ask /api/v1/query_range, with start, end and step`,
    );
  }
  const read = readSeries(data['result']);
  if (!Array.isArray(read)) return read as Refusal;
  const times = everyTime(read.flatMap(({ points }) => [...points.keys()]));
  const merged = merge(read, low);
  return merged.series.map(({ labels, points }) => ({
    series: labels,
    readings: times.map((at) => ({
      at,
      value: merged.refused.has(at) ? ('error' as const) : (points.get(at) ?? null),
    })),
  }));
};

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: Map<number, number>;
}

const readSeries = (result: readonly unknown[]): readonly Series[] | Refusal => {
  const series: Series[] = [];
  for (const [index, entry] of result.entries()) {
    const where = `data.result[${index}]`;
    const values: unknown = isRecord(entry) ? entry['values'] : undefined;
    if (!isRecord(entry) || !isRecord(entry['metric']) || !Array.isArray(values)) {
      const isHistogram = isRecord(entry) && entry['histograms'] !== undefined;
      return refuse(
        where,
        isHistogram ? 'is a native histogram, which has no single value' : 'is not { metric, values }',
      );
    }
    const labels = entry['metric'] as Record<string, string>;
    const points = new Map<number, number>();
    for (const [at, point] of values.entries()) {
      const [time, text] = Array.isArray(point) ? (point as unknown[]) : [];
      const value = typeof text === 'string' ? sampleValue(text) : undefined;
      if (typeof time !== 'number' || !Number.isFinite(time) || value === undefined) {
        return refuse(`${where}.values[${at}]`, 'is not [time, "value"]');
      }
      points.set(time, value);
    }
    const twin = series.findIndex((other) => keyOf(other.labels) === keyOf(labels));
    if (twin >= 0) return refuse(where, `has the same labels as data.result[${twin}]; no answer of Prometheus has`);
    series.push({ labels, points });
  }
  return series;
};

/** Makes one of those that differ in their name alone; `refused` are the times at which more than one of them counts. */
const merge = (all: readonly Series[], low: number): { series: readonly Series[]; refused: ReadonlySet<number> } => {
  const refused = new Set<number>();
  const byLabels = new Map<string, Series>();
  for (const { labels, points } of all) {
    const { __name__: _, ...own } = labels;
    const twin = byLabels.get(keyOf(own));
    if (twin === undefined) {
      byLabels.set(keyOf(own), { labels, points: new Map(points) });
      continue;
    }
    for (const [at, value] of points) {
      const other = twin.points.get(at);
      if (other !== undefined && other > low && value > low) refused.add(at);
      if (other === undefined || !(other > low)) twin.points.set(at, value);
    }
    byLabels.set(keyOf(own), { labels: own, points: twin.points });
  }
  return { series: [...byLabels.values()], refused };
};

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** All times in order, with those that the step of the range query left without any sample. */
const everyTime = (seen: readonly number[]): readonly number[] => {
  const times = [...new Set(seen)].sort((a, b) => a - b);
  let step = Number.POSITIVE_INFINITY;
  for (const [index, time] of times.entries()) if (index > 0) step = Math.min(step, time - (times[index - 1] ?? 0));
  return times.flatMap((time, index) => {
    const next = times[index + 1];
    const missing = next === undefined ? 0 : Math.min(maxFill, Math.round((next - time) / step) - 1);
    // Prometheus' times have milliseconds.
    return [time, ...Array.from({ length: missing }, (_, n) => Math.round((time + (n + 1) * step) * 1000) / 1000)];
  });
};

const maxFill = 100_000;

/** A sample value as Prometheus writes it, or as strconv.ParseFloat reads it. */
const sampleValue = (text: string): number | undefined => {
  const special = /^([+-]?)(nan|inf|infinity)$/i.exec(text);
  if (special !== null) {
    if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
};

export const refuse = (where: string, refused: string): Refusal => ({ refused, where });

export const show = (value: unknown): string =>
  value === undefined ? 'missing' : (JSON.stringify(value)?.slice(0, 60) ?? 'unreadable');

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
