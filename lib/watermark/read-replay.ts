import { type GaugeName, gaugeNames, maxRatio, ratioGauges, type WatermarkRule } from '../model/config/watermarks.ts';
import { effectiveRule, flapDamping } from './effective-rule.ts';
import type { Rule } from './evaluate.ts';
import { gauges } from './gauges/index.ts';
import { isRecord, type Recording, type Refusal, readMatrix, readReadings, refuse, show } from './read-recording.ts';
import type { Ahead } from './replay.ts';

export interface ReplayRule {
  readonly rule: Rule;
  readonly ahead?: Ahead;
}

export type ReadReplay = (ReplayRule & { readonly recordings: readonly Recording[] }) | Refusal;

/**
 * Reads `{ rule, readings }`, or `{ rule, ...answer }` where the answer is that of Prometheus to a range query
 * (`{ "status": "success", "data": { "resultType": "matrix", "result": […] } }`). `overrides` replace fields of the rule,
 * and stand in for it where the file has none. Never throws.
 */
export const readReplay = (input: unknown, overrides: Readonly<Record<string, unknown>> = {}): ReadReplay => {
  if (!isRecord(input)) return refuse('the file', 'is not an object with `rule` and `readings`');
  if (input['rule'] !== undefined && !isRecord(input['rule'])) {
    return refuse('rule', `is ${show(input['rule'])}, an object with \`high\` is needed`);
  }
  const rule = readRule({ ...(input['rule'] as object | undefined), ...overrides });
  if ('refused' in rule) return rule;
  const recordings = readRecordings(input, rule.rule.low);
  return 'refused' in recordings ? recordings : { ...rule, recordings };
};

const readRecordings = (input: Readonly<Record<string, unknown>>, low: number): readonly Recording[] | Refusal => {
  if (input['readings'] !== undefined) return readReadings(input['readings']);
  const answer = isRecord(input['prometheus']) ? input['prometheus'] : input;
  if (answer['data'] !== undefined || answer['status'] !== undefined) return readMatrix(answer, low);
  return refuse(
    'readings',
    'is missing: a list of { at, value }, or the answer of a Prometheus range query, is needed',
  );
};

/**
 * Reads a rule as `replay` takes it. Where it names a gauge, what it leaves out is as in tidemark.config.ts; else as in Prometheus:
 * `low` = `high`, no waiting, `noData` ok, no flap damping.
 */
export const readRule = (fields: Readonly<Record<string, unknown>>): ReplayRule | Refusal => {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name) && !unused.includes(name)) {
      return refuse(`rule.${name}`, `is unknown; known are ${known.join(', ')}`);
    }
  }
  const { gauge } = fields;
  if (gauge !== undefined && !gaugeNames.includes(gauge as GaugeName)) {
    return refuse('rule.gauge', `is ${show(gauge)}, one of ${gaugeNames.join(', ')} is needed`);
  }
  const refusal = markFault(fields) ?? timeFault(fields) ?? otherFault(fields);
  if (refusal !== undefined) return refusal;
  const given = fields as unknown as WatermarkRule;
  const member = gauge === undefined ? undefined : gauges[gauge as GaugeName];
  const rule = member === undefined ? plainRule(given) : effectiveRule(given, member);
  if (rule.low > rule.high) return refuse('rule.low', `is ${rule.low}, above rule.high ${rule.high}; it must not be`);
  if (given.forecast === undefined) return { rule };
  const { from = rule.low } = given.forecast;
  if (from < rule.low) return refuse('rule.forecast.from', `is ${from}, below low (${rule.low}); it must not be`);
  // A fraction is full at 1, anything else at its mark.
  const isRatio = member === undefined ? rule.high <= 1 : member.unit === 'ratio';
  return { rule, ahead: { forecast: given.forecast, full: isRatio ? Math.max(1, rule.high) : rule.high } };
};

/** As a Prometheus rule has it. */
const plainRule = ({ high = 0, low = high, samples, flapDamping: damps = false, ...rest }: WatermarkRule): Rule => ({
  high,
  low,
  forSeconds: rest.forSeconds ?? 0,
  keepFiringForSeconds: rest.keepFiringForSeconds ?? 0,
  noData: rest.noData ?? 'ok',
  noDataForSeconds: rest.noDataForSeconds ?? 0,
  ...(samples === undefined ? {} : { samples }),
  ...(damps ? { flap: flapDamping } : {}),
});

type Fields = Readonly<Record<string, unknown>>;

const markFault = ({ gauge, high, low }: Fields): Refusal | undefined => {
  if (high === undefined ? gauge === undefined : !isNumber(high)) {
    return refuse('rule.high', `is ${show(high)}, a number is needed (or --high N)`);
  }
  if (low !== undefined && !isNumber(low)) return refuse('rule.low', `is ${show(low)}, a number is needed`);
  if (isNumber(high) && high > maxRatio && ratioGauges.includes(gauge as GaugeName)) {
    return refuse('rule.high', `is ${high}, but ${String(gauge)} is a fraction; did you mean ${high / 100}?`);
  }
  return undefined;
};

const timeFault = (fields: Fields): Refusal | undefined => {
  for (const name of ['forSeconds', 'keepFiringForSeconds', 'noDataForSeconds']) {
    const value = fields[name];
    if (value !== undefined && !(isNumber(value) && value >= 0)) {
      return refuse(`rule.${name}`, `is ${show(value)}, a number of seconds from 0 is needed`);
    }
  }
  return undefined;
};

const otherFault = ({ noData = 'ok', samples, flapDamping: damps = false, forecast }: Fields): Refusal | undefined => {
  if (noData !== 'keep' && noData !== 'ok' && noData !== 'alert') {
    return refuse('rule.noData', `is ${show(noData)}, one of keep, ok, alert is needed`);
  }
  if (samples !== undefined && !isSamples(samples)) {
    return refuse('rule.samples', 'is not { atLeast, of } with whole numbers, 1 <= atLeast <= of <= 100');
  }
  if (typeof damps !== 'boolean') return refuse('rule.flapDamping', `is ${show(damps)}, true or false is needed`);
  if (forecast === undefined) return undefined;
  const { withinSeconds, from } = isRecord(forecast) ? forecast : {};
  return isNumber(withinSeconds) && withinSeconds > 0 && (from === undefined || isNumber(from))
    ? undefined
    : refuse('rule.forecast', 'is not { withinSeconds, from? } with a number of seconds above 0');
};

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const known = [
  'high',
  'low',
  'forSeconds',
  'keepFiringForSeconds',
  'noData',
  'noDataForSeconds',
  'samples',
  'flapDamping',
  'forecast',
  'gauge',
];

/** A rule may be copied from tidemark.config.ts as it is; these keys of it change nothing here. */
const unused = [
  'severity',
  'labels',
  'runbookUrl',
  'selector',
  'against',
  'per',
  'reading',
  'server',
  'query',
  'metric',
  'horizonSeconds',
];

const isSamples = (value: unknown): value is { atLeast: number; of: number } =>
  isRecord(value) &&
  Number.isInteger(value['atLeast']) &&
  Number.isInteger(value['of']) &&
  (value['atLeast'] as number) >= 1 &&
  (value['atLeast'] as number) <= (value['of'] as number) &&
  (value['of'] as number) <= 100;
