import type { Rule } from './evaluate.ts';
import type { Recorded } from './replay.ts';

/** One series of a recording. `series` is absent where the recording holds one series without labels. */
export interface Recording {
  readonly series?: Readonly<Record<string, string>>;
  readonly readings: readonly Recorded[];
}

export type ReadReplay =
  | { readonly rule: Rule; readonly recordings: readonly Recording[] }
  | { readonly refused: string; readonly where: string };

/**
 * Reads `{ rule, readings }`, or `{ rule, ...answer }` where the answer is that of Prometheus to a range query
 * (`{ "status": "success", "data": { "resultType": "matrix", "result": […] } }`). `overrides` replace fields of the rule,
 * and stand in for it where the file has none. Never throws.
 */
export const readReplay = (input: unknown, overrides: Readonly<Record<string, unknown>> = {}): ReadReplay => {
  if (!isRecord(input)) return refuse('the file', 'is not an object with `rule` and `readings`');
  if (input['rule'] !== undefined && !isRecord(input['rule'])) return refuse('rule', 'is not an object');
  const rule = readRule({ ...(input['rule'] as object | undefined), ...overrides });
  if ('refused' in rule) return rule;
  const matrix = isRecord(input['prometheus']) ? input['prometheus'] : input;
  const recordings =
    input['readings'] !== undefined
      ? readReadings(input['readings'])
      : matrix['data'] !== undefined || matrix['status'] !== undefined
        ? readMatrix(matrix)
        : refuse(
            'readings',
            'is missing: a list of { at, value }, or the answer of a Prometheus range query, is needed',
          );
  return 'refused' in recordings ? recordings : { rule, recordings: recordings };
};

/** Reads a rule as `replay` takes it. Defaults: `low` = `high`, no waiting, `noData` ok: what Prometheus does. */
export const readRule = (fields: Readonly<Record<string, unknown>>): Rule | { refused: string; where: string } => {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) return refuse(`rule.${name}`, `is unknown; known are ${known.join(', ')}`);
  }
  const number = (name: string, otherwise?: number): number | undefined => {
    const value = fields[name] ?? otherwise;
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  };
  const high = number('high');
  if (high === undefined) return refuse('rule.high', `is ${show(fields['high'])}, a number is needed`);
  const low = number('low', high);
  if (low === undefined) return refuse('rule.low', `is ${show(fields['low'])}, a number is needed`);
  if (low > high) return refuse('rule.low', `is ${low}, above rule.high ${high}; it must not be`);
  const times: Record<string, number> = {};
  for (const name of ['forSeconds', 'keepFiringForSeconds', 'noDataForSeconds']) {
    const value = number(name, 0);
    if (value === undefined || value < 0) {
      return refuse(`rule.${name}`, `is ${show(fields[name])}, a number of seconds from 0 is needed`);
    }
    times[name] = value;
  }
  const noData = fields['noData'] ?? 'ok';
  if (noData !== 'keep' && noData !== 'ok' && noData !== 'alert') {
    return refuse('rule.noData', `is ${show(noData)}, one of keep, ok, alert is needed`);
  }
  const samples = fields['samples'];
  if (samples !== undefined && !isSamples(samples)) {
    return refuse('rule.samples', 'is not { atLeast, of } with whole numbers, 1 <= atLeast <= of <= 100');
  }
  return {
    high,
    low,
    forSeconds: times['forSeconds'] ?? 0,
    keepFiringForSeconds: times['keepFiringForSeconds'] ?? 0,
    noDataForSeconds: times['noDataForSeconds'] ?? 0,
    noData,
    ...(samples === undefined ? {} : { samples }),
  };
};

const known = ['high', 'low', 'forSeconds', 'keepFiringForSeconds', 'noData', 'noDataForSeconds', 'samples'];

const isSamples = (value: unknown): value is { atLeast: number; of: number } =>
  isRecord(value) &&
  Number.isInteger(value['atLeast']) &&
  Number.isInteger(value['of']) &&
  (value['atLeast'] as number) >= 1 &&
  (value['atLeast'] as number) <= (value['of'] as number) &&
  (value['of'] as number) <= 100;

const readReadings = (list: unknown): readonly Recording[] | { refused: string; where: string } => {
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

/** A point that one series lacks and another has, or that the step of the range says should be there, is no data. */
const readMatrix = (answer: Record<string, unknown>): readonly Recording[] | { refused: string; where: string } => {
  if (answer['status'] !== 'success') {
    return refuse(
      'status',
      `is ${show(answer['status'])}: the query failed${answer['error'] ? ` (${show(answer['error'])})` : ''}`,
    );
  }
  const data = answer['data'];
  if (!isRecord(data) || data['resultType'] !== 'matrix' || !Array.isArray(data['result'])) {
    return refuse('data', 'is not the answer of a range query (resultType matrix)');
  }
  const series: { labels: Record<string, string>; points: Map<number, number> }[] = [];
  for (const [index, entry] of data['result'].entries()) {
    const where = `data.result[${index}]`;
    const values: unknown = isRecord(entry) ? entry['values'] : undefined;
    if (!isRecord(entry) || !isRecord(entry['metric']) || !Array.isArray(values)) {
      return refuse(where, 'is not { metric, values } with float values');
    }
    const points = new Map<number, number>();
    for (const [at, point] of values.entries()) {
      const [time, text] = Array.isArray(point) ? (point as unknown[]) : [];
      const value = typeof text === 'string' ? sampleValue(text) : undefined;
      if (typeof time !== 'number' || value === undefined)
        return refuse(`${where}.values[${at}]`, 'is not [time, "value"]');
      points.set(time, value);
    }
    series.push({ labels: entry['metric'] as Record<string, string>, points });
  }
  const times = everyTime(series.flatMap(({ points }) => [...points.keys()]));
  return series.map(({ labels, points }) => ({
    series: labels,
    readings: times.map((at) => ({ at, value: points.get(at) ?? null })),
  }));
};

/** All times in order, with those that the step of the range query left without any sample. */
const everyTime = (seen: readonly number[]): readonly number[] => {
  const times = [...new Set(seen)].sort((a, b) => a - b);
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const step = Math.min(...steps);
  return times.flatMap((time, index) => {
    const next = times[index + 1];
    const missing = next === undefined ? 0 : Math.min(maxFill, Math.round((next - time) / step) - 1);
    return [time, ...Array.from({ length: missing }, (_, n) => time + (n + 1) * step)];
  });
};

const maxFill = 100_000;

/** A sample value as Prometheus writes it. */
const sampleValue = (text: string): number | undefined => {
  if (text === 'NaN') return Number.NaN;
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? undefined : value;
};

const refuse = (where: string, refused: string): { refused: string; where: string } => ({ refused, where });

const show = (value: unknown): string =>
  value === undefined ? 'missing' : (JSON.stringify(value)?.slice(0, 60) ?? 'unreadable');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
