import type { Container, ContainerStatus, Pod, ResourceList, Resources } from '../../lib/model/kubernetes-objects.ts';
import type { Recorded } from '../../lib/watermark/replay.ts';

/** mulberry32: the same numbers for the same seed. */
export const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
type Random = () => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const whole = (random: Random, below: number): number => Math.floor(random() * below);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Texts that are quantities, nearly are, or are not; every suffix with every form of number. */
export const aQuantityText = (random: Random): string => {
  const digits = (most: number) => times(whole(random, most + 1), () => String(whole(random, 10))).join('');
  const number = pick(random, [
    () => digits(4),
    () => digits(22),
    () => `${digits(3)}.${digits(4)}`,
    () => `${digits(20)}.${digits(20)}`,
    () => `${digits(2)}.`,
    () => `.${digits(12)}`,
    () => `000${digits(3)}.${digits(2)}000`,
    () => pick(random, ['0', '1', '9223372036854775807', '9223372036854775808', '18446744073709551616', '8', '16']),
  ])();
  const sign = pick(random, ['', '', '', '-', '+']);
  const suffix = pick(random, suffixes);
  const text = `${sign}${number}${suffix.replace('#', pick(random, exponents))}`;
  return random() < 0.9 ? text : pick(random, spoilt)(text, whole(random, text.length + 1));
};

const suffixes = [
  ...[
    '',
    '',
    'n',
    'u',
    'm',
    'k',
    'M',
    'G',
    'T',
    'P',
    'E',
    'Ki',
    'Mi',
    'Gi',
    'Ti',
    'Pi',
    'Ei',
    'e#',
    'E#',
    'e+#',
    'E-#',
  ],
  ...[
    'K',
    'mi',
    'ki',
    'B',
    'MB',
    'MiB',
    'i',
    'e',
    'E+',
    'Ee3',
    'nn',
    'e1.5',
    'µ',
    '+',
    'k3',
    'Ki2',
    'gi',
    'Zi',
    'Y',
    'p',
  ],
];
/** Of exponents apimachinery keeps 32 bits; the largest that are left take it minutes and gigabytes each. */
const exponents = [
  ...['0', '1', '3', '7', '9', '18', '-3', '-9', '-12', '003', '19', '30'],
  ...['4294967299', '-4294967297', '99999999999999999999'],
];
const spoilt: readonly ((text: string, at: number) => string)[] = [
  (text) => ` ${text}`,
  (text) => `${text} `,
  (text, at) => `${text.slice(0, at)} ${text.slice(at)}`,
  (text, at) => `${text.slice(0, at)},${text.slice(at)}`,
  (text, at) => `${text.slice(0, at)}_${text.slice(at)}`,
  (text) => `--${text}`,
  (text) => `${text}${text}`,
  (text) => text.replace('.', '..'),
  (text) => `0x${text}`,
  (text) => `${text}\n`,
];

const amounts: Readonly<Record<string, readonly string[]>> = {
  cpu: ['0', '100m', '250m', '1', '1.5', '750u', '2', '0.1', '12e-1', '.5', '123456789n'],
  memory: ['0', '64Mi', '128Mi', '0.5Gi', '1Gi', '200M', '1500m', '1e8', '128974848', '1.5Gi'],
  'hugepages-2Mi': ['2Mi', '4Mi', '0'],
  'ephemeral-storage': ['1Gi', '500M'],
  'nvidia.com/gpu': ['1', '2'],
};

const aList = (random: Random): ResourceList =>
  Object.fromEntries(
    Object.entries(amounts)
      .filter(([name]) => random() < (name === 'cpu' || name === 'memory' ? 0.6 : 0.12))
      .map(([name, choices]) => [name, pick(random, choices)]),
  );

const someResources = (random: Random): Resources => ({
  ...(random() < 0.8 ? { requests: aList(random) } : {}),
  ...(random() < 0.7 ? { limits: aList(random) } : {}),
});

/** Pods with init containers, sidecars, pod-level resources, overhead, and resizes at every stage. */
export const aPodOfEveryKind = (random: Random, index: number): Pod => {
  const container = (name: string, restartPolicy?: string): Container => ({
    name,
    ...(random() < 0.9 ? { resources: someResources(random) } : {}),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const status = (name: string): ContainerStatus => ({
    name,
    ...(random() < 0.5 ? { resources: someResources(random) } : {}),
    ...(random() < 0.4 ? { allocatedResources: aList(random) } : {}),
  });
  const containers = times(1 + whole(random, 3), (n) => container(`c${n}`));
  const initContainers = times(whole(random, 5), (n) =>
    container(`i${n}`, pick(random, [undefined, 'Always', 'Always', 'Never', 'OnFailure'])),
  );
  const conditions = pick(random, [
    [],
    [],
    [{ type: 'PodResizePending', reason: 'Infeasible' }],
    [{ type: 'PodResizePending', reason: 'Deferred' }],
    [{ type: 'PodResizeInProgress' }],
  ]);
  const known = ({ name }: Container) => (random() < 0.8 ? [status(name)] : []);
  return {
    metadata: { name: `p${index}` },
    spec: {
      containers,
      initContainers,
      ...(random() < 0.35 ? { resources: someResources(random) } : {}),
      ...(random() < 0.35 ? { overhead: aList(random) } : {}),
    },
    status: {
      phase: 'Running',
      conditions,
      containerStatuses: containers.flatMap(known),
      initContainerStatuses: initContainers.flatMap(known),
      ...(random() < 0.3 ? { resources: someResources(random) } : {}),
      ...(random() < 0.3 ? { allocatedResources: aList(random) } : {}),
    },
  };
};

export interface RuleCase {
  readonly rule: { readonly high: number; readonly forSeconds: number; readonly keepFiringForSeconds?: number };
  readonly readings: readonly { readonly at: number; readonly value: Recorded['value'] | string }[];
}

/** A rule, and readings that come regularly or not, with runs above and below its mark, failures, gaps and values that are none. */
export const aRecording = (random: Random): RuleCase => {
  const high = pick(random, [0.9, 0.9, 0, -1.5, 100, 1e-9]);
  const step = pick(random, [1, 7.5, 15, 30, 60, 300]);
  const isRegular = random() < 0.5;
  const around = [high, high + 1e-9, high + 0.05, high + 5, high - 1e-9, high - 0.3];
  const forSeconds = pick(random, [0, 0, step, 2 * step, 2.5 * step, 16.1, 60, 0.001]);
  const keep = pick(random, [undefined, 0, step, 3 * step, 1.5 * step, 90, 2.3]);
  let at = pick(random, [0, 1000, 1_763_899_200.25, 33.333]);
  let isAbove = random() < 0.5;
  const readings = times(5 + whole(random, 40), () => {
    at = Math.round((at + (isRegular ? step : step * (0.05 + 2 * random()))) * 1000) / 1000;
    if (random() < 0.3) isAbove = !isAbove;
    const chance = random();
    const value =
      chance < 0.06
        ? ('error' as const)
        : chance < 0.12
          ? null
          : chance < 0.16
            ? pick(random, ['NaN', '+Inf', '-Inf'])
            : pick(
                random,
                around.filter((each) => each > high === isAbove),
              );
    return { at, value };
  });
  return { rule: { high, forSeconds, ...(keep === undefined ? {} : { keepFiringForSeconds: keep }) }, readings };
};

export interface VectorCase {
  readonly rule: RuleCase['rule'];
  readonly vectors: readonly {
    readonly at: number;
    readonly series:
      | 'error'
      | readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number | string }[];
  }[];
}

/** A rule over series that come, go and share their labels, with failures between and evaluations that come late. */
export const aVectorRecording = (random: Random): VectorCase => {
  const high = pick(random, [0.9, 0, 100]);
  const step = pick(random, [15, 30, 60]);
  const forSeconds = pick(random, [0, step, 2.5 * step]);
  const keepFiringForSeconds = pick(random, [0, step, 2 * step]);
  const twins = random() < 0.4;
  const all = times(1 + whole(random, 4), (n) => ({
    __name__: 'fill',
    host: `h${n}`,
    ...(n === 2 ? { zone: '' } : {}),
  }));
  const sets = twins ? [...all, { ...(all[0] as { host: string }), __name__: 'level' }] : all;
  const isAbove = sets.map(() => random() < 0.5);
  const isThere = sets.map(() => true);
  let at = 1_763_899_200;
  const vectors = times(5 + whole(random, 30), () => {
    at = Math.round((at + step * (random() < 0.8 ? 1 : 0.2 + 2 * random())) * 1000) / 1000;
    if (random() < 0.08) return { at, series: 'error' as const };
    const series = sets.flatMap((labels, n) => {
      if (random() < 0.25) isAbove[n] = !isAbove[n];
      if (random() < 0.15) isThere[n] = !isThere[n];
      if (isThere[n] !== true) return [];
      const value = random() < 0.05 ? pick(random, ['NaN', '+Inf', '-Inf']) : isAbove[n] ? high + 1 : high - random();
      return [{ labels, value }];
    });
    return { at, series: random() < 0.5 ? series : [...series].reverse() };
  });
  return { rule: { high, forSeconds, keepFiringForSeconds }, vectors };
};

export interface OutageCase {
  readonly forSeconds: number;
  readonly activeAt: number;
  readonly downAt: number;
  readonly now: number;
}

/** A pending alert before an outage and its end, near the limits of what Prometheus tolerates too. Whole seconds, as it stores them. */
export const anOutage = (random: Random): OutageCase => {
  const activeAt = 1_763_899_200;
  const forSeconds = pick(random, [0, 60, 599, 600, 601, 900, 1200, 3600, 7200]);
  const downAt =
    activeAt + pick(random, [0, 30, Math.floor(forSeconds / 2), Math.max(0, forSeconds - 600), whole(random, 8000)]);
  const now = downAt + pick(random, [1, 30, 301, 3599, 3600, 3601, 7200, 1 + whole(random, 4000)]);
  return { forSeconds, activeAt, downAt, now };
};

export interface PredictionCase {
  readonly points: readonly { readonly at: number; readonly value: number | string }[];
  readonly now: number;
  readonly rangeSeconds: number;
  readonly seconds: number;
}

/** Points of a series and what is asked of predict_linear about it, at the edges of its range too. */
export const aPrediction = (random: Random): PredictionCase => {
  const step = pick(random, [5, 15, 30, 60.5]);
  const slope = pick(random, [0, 1e-4, -0.02, 3, 1e9]) * (0.5 + random());
  const base = pick(random, [0, 0.5, 1e12, -7]);
  const noise = pick(random, [0, 0, 0.01, 1]);
  const start = pick(random, [0, 1_763_899_200]);
  const points = times(whole(random, 40), (n) => ({
    at: start + n * step,
    value: random() < 0.01 ? pick(random, ['+Inf', '-Inf', 'NaN']) : base + slope * n * step + noise * (random() - 0.5),
  }));
  const last = points.at(-1)?.at ?? start;
  const now = last + pick(random, [0, 0, step, 0.4 * step]);
  return {
    points,
    now,
    rangeSeconds: step * pick(random, [1, 2, 10, 20, 39]),
    seconds: pick(random, [0, 60, 3600, -30]),
  };
};
