import { severities } from '../../lib/model/alert.ts';
import { type GaugeName, gaugeNames, maxRatio, queueGauges, ratioGauges } from '../../lib/model/config/watermarks.ts';
import { nearest } from './nearest.ts';
import { numberIn, type Problem, unknownKeys } from './problem.ts';
import { type Fields, flags, isRecord, oneOf, required, textMap, texts } from './values.ts';
import { checkNeeds } from './watermark-needs.ts';

const ruleKeys = [
  'gauge',
  'high',
  'low',
  'forSeconds',
  'keepFiringForSeconds',
  'samples',
  'noData',
  'noDataForSeconds',
  'flapDamping',
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
  'forecast',
];

/** Everything wrong with one rule, what its gauge needs of the rest of the section included. */
export const checkRule = (path: string, rule: unknown, name: string, section: Fields): readonly Problem[] => {
  const problems = unknownKeys(path, rule, ruleKeys);
  if (!isRecord(rule)) return problems;
  const { gauge, labels, selector, samples, forecast } = rule;
  return [
    ...problems,
    ...checkName(path, name),
    ...checkGauge(`${path}.gauge`, gauge),
    ...checkMarks(path, rule),
    ...['forSeconds', 'keepFiringForSeconds', 'noDataForSeconds', 'horizonSeconds'].flatMap((key) =>
      numberIn(`${path}.${key}`, rule[key], 0, 7 * 86_400),
    ),
    ...oneOf(`${path}.noData`, rule['noData'], ['keep', 'ok', 'alert']),
    ...oneOf(`${path}.severity`, rule['severity'], severities),
    ...oneOf(`${path}.against`, rule['against'], ['auto', 'limit', 'request']),
    ...oneOf(`${path}.per`, rule['per'], ['pod', 'container']),
    ...texts(path, rule, ['runbookUrl', 'reading', 'server', 'query']),
    ...textMap(`${path}.labels`, labels),
    ...textMap(`${path}.selector`, selector),
    ...flags(path, rule, ['flapDamping']),
    ...(samples === undefined ? [] : checkSamples(`${path}.samples`, samples)),
    ...(forecast === undefined ? [] : checkForecast(`${path}.forecast`, forecast, rule['low'])),
    ...(gaugeNames.includes(gauge as GaugeName) ? checkUse(path, rule, gauge as GaugeName) : []),
    ...checkNeeds(path, rule, section),
  ];
};

const checkName = (path: string, name: string): readonly Problem[] => {
  if (/^[a-zA-Z_][a-zA-Z0-9_-]{0,99}$/.test(name)) return [];
  const allowed = 'a name of letters, digits, _ and - is expected, since it becomes the alertname';
  return [{ path, actual: name, allowed }];
};

const checkGauge = (path: string, gauge: unknown): readonly Problem[] => {
  if (gaugeNames.includes(gauge as GaugeName)) return [];
  const meant = nearest(gauge, gaugeNames);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return [{ path, actual: gauge, allowed: `one of ${gaugeNames.join(', ')} is expected${hint}` }];
};

const checkMarks = (path: string, { gauge, high, low }: Fields): readonly Problem[] => {
  const isRatio = ratioGauges.includes(gauge as GaugeName);
  const problems = [
    ...checkMark(`${path}.high`, gauge, high, isRatio),
    ...checkMark(`${path}.low`, gauge, low, isRatio),
  ];
  if (typeof low !== 'number' || problems.length > 0) return problems;
  const notAbove = (mark: string) => [
    { path: `${path}.low`, actual: low, allowed: `a mark that is not above high (${mark}) is expected` },
  ];
  if (typeof high === 'number') return low > high ? notAbove(String(high)) : [];
  if (isRatio) return low > 0.9 ? notAbove('0.9 by default') : [];
  return [{ path: `${path}.high`, actual: high, allowed: 'a high mark is expected beside the low one' }];
};

const checkMark = (path: string, gauge: unknown, mark: unknown, isRatio: boolean): readonly Problem[] => {
  if (mark === undefined) return [];
  if (typeof mark !== 'number' || !Number.isFinite(mark) || mark < 0) {
    return [{ path, actual: mark, allowed: 'a number from 0 is expected' }];
  }
  if (!isRatio || mark <= maxRatio) return [];
  const allowed = `${String(gauge)} is a fraction, so ${mark} would never be reached; did you mean ${mark / 100}?`;
  return [{ path, actual: mark, allowed }];
};

const checkSamples = (path: string, samples: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, samples, ['atLeast', 'of'])];
  if (!isRecord(samples)) return problems;
  const { atLeast, of } = samples;
  problems.push(...required(path, samples, ['atLeast', 'of']));
  problems.push(...numberIn(`${path}.of`, of, 1, 100, 'whole'));
  problems.push(...numberIn(`${path}.atLeast`, atLeast, 1, typeof of === 'number' ? of : 100, 'whole'));
  return problems;
};

const checkForecast = (path: string, forecast: unknown, low: unknown): readonly Problem[] => {
  const problems = [...unknownKeys(path, forecast, ['withinSeconds', 'from'])];
  if (!isRecord(forecast)) return problems;
  const { from, withinSeconds } = forecast;
  problems.push(
    ...required(path, forecast, ['withinSeconds']),
    ...numberIn(`${path}.withinSeconds`, withinSeconds, 1, 30 * 86_400),
  );
  problems.push(...numberIn(`${path}.from`, from, 0, Number.MAX_VALUE));
  if (typeof from === 'number' && typeof low === 'number' && from < low) {
    problems.push({
      path: `${path}.from`,
      actual: from,
      allowed: `a level that is not below low (${low}) is expected, else it would clear at once`,
    });
  }
  return problems;
};

/** A key, or a label of the selector, that means nothing to the gauge: whoever wrote it expects something of it. */
const checkUse = (path: string, rule: Fields, gauge: GaugeName): readonly Problem[] => {
  const { noData, noDataForSeconds, selector } = rule;
  const unused = Object.entries(onlyFor)
    .filter(([key, gauges]) => rule[key] !== undefined && !gauges.includes(gauge))
    .map(([key, gauges]) => ({
      path: `${path}.${key}`,
      actual: rule[key],
      allowed: `has no meaning for ${gauge}, only for ${gauges.join(', ')}`,
    }));
  const waits =
    noDataForSeconds === undefined || noData === 'alert'
      ? []
      : [
          {
            path: `${path}.noDataForSeconds`,
            actual: noDataForSeconds,
            allowed: "has no meaning without noData: 'alert'",
          },
        ];
  const labels = labelsOf(gauge, rule['per']);
  const strange =
    labels === undefined || !isRecord(selector)
      ? []
      : unknownKeys(`${path}.selector`, selector, labels).map((problem) => ({
          ...problem,
          allowed: problem.allowed.replace('no such key', `${gauge} has no such label`),
        }));
  return [...unused, ...waits, ...strange];
};

const podGauges: readonly GaugeName[] = ['pod-memory', 'pod-cpu'];
const onlyFor: Readonly<Record<string, readonly GaugeName[]>> = {
  against: podGauges,
  per: podGauges,
  reading: ['pushed'],
  server: ['prometheus'],
  query: ['prometheus'],
  metric: ['cloudwatch'],
  horizonSeconds: ['queue-breach'],
};

/** Undefined where only the source knows. */
const labelsOf = (gauge: GaugeName, per: unknown): readonly string[] | undefined => {
  if (podGauges.includes(gauge)) return ['cluster', 'namespace', 'pod', ...(per === 'container' ? ['container'] : [])];
  if (gauge.startsWith('node-')) return ['cluster', 'node'];
  return queueGauges.includes(gauge) ? ['queue'] : undefined;
};
