/** What tidemark tells of itself: names by OpenTelemetry's rules, and as CloudWatch users expect them. */
export const instruments = {
  'tidemark.records': {
    kind: 'counter',
    unit: '{record}',
    emf: { name: 'Records', unit: 'Count' },
    attributes: ['source', 'outcome', 'format'],
  },
  'tidemark.spans.exported': {
    kind: 'counter',
    unit: '{span}',
    emf: { name: 'SpansExported', unit: 'Count' },
    attributes: ['back_end'],
  },
  'tidemark.spans.dropped': {
    kind: 'counter',
    unit: '{span}',
    emf: { name: 'SpansDropped', unit: 'Count' },
    attributes: ['back_end', 'reason'],
  },
  'tidemark.export.duration': {
    kind: 'histogram',
    unit: 's',
    emf: { name: 'ExportDuration', unit: 'Seconds' },
    attributes: ['back_end', 'outcome'],
  },
  'tidemark.sampling.rate': {
    kind: 'gauge',
    unit: '1',
    emf: { name: 'SamplingRate', unit: 'None' },
    attributes: [],
  },
  'tidemark.breaker.open': {
    kind: 'gauge',
    unit: '1',
    emf: { name: 'BreakerOpen', unit: 'None' },
    attributes: ['breaker'],
  },
  'tidemark.alert.time_to_visible': {
    kind: 'histogram',
    unit: 's',
    emf: { name: 'TimeToVisible', unit: 'Seconds' },
    attributes: ['receiver', 'channel'],
    // From what is at once to what a destination was down for a day for; groups wait for half a minute, storms are over within three.
    bounds: [1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 21_600, 86_400],
  },
} as const satisfies Record<string, Instrument>;

export interface Instrument {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  /** Name and unit in CloudWatch. */
  readonly emf: { readonly name: string; readonly unit: 'Count' | 'Seconds' | 'None' };
  /** Names of its attributes; each is a dimension in CloudWatch. */
  readonly attributes: readonly string[];
  /** Upper bounds of a histogram's buckets. @default `bounds` */
  readonly bounds?: readonly number[];
}
export type InstrumentName = keyof typeof instruments;

/** Apart, since only OTLP tells them. */
export const descriptions: Readonly<Record<InstrumentName, string>> = {
  'tidemark.records':
    'Records of batches and calls, by where they came from, whether they were handled (`ok`, `failed`, `deferred`), and the format of the trace context that they carried (`none`: they carried none)',
  'tidemark.spans.exported': 'Spans that a back end has taken',
  'tidemark.spans.dropped':
    'Spans that were lost, by back end and reason (`queue-full`, `timeout`, `redaction-failed`, `no-route`, …)',
  'tidemark.export.duration':
    'How long exports took, retries included, and whether the back end took all (`ok`), some (`partial`) or none (`failed`)',
  'tidemark.sampling.rate': 'Share of new traces that is kept now',
  'tidemark.breaker.open':
    '1 while a breaker is open: that of the process (`process`), or that of a back end, by its name',
  'tidemark.alert.time_to_visible':
    'Time from the crossing of a threshold, the start of an alert, to the message about it being taken by a destination',
};

/** A span that a measurement was made in or of. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
}

export type MetricAttributes = Readonly<Record<string, string>>;

/** Everything that was measured with the same attributes since the last collection. */
export interface Point {
  readonly instrument: InstrumentName;
  readonly attributes: MetricAttributes;
  /** The sum of a counter or histogram, the last value of a gauge. */
  readonly value: number;
  /** Single values of a histogram, the first so many; empty otherwise. */
  readonly values: readonly number[];
  /** Of a histogram, by `bounds`: one more than these. */
  readonly buckets: readonly number[];
  /** How many were measured. */
  readonly count: number;
  /** The last one; of a histogram, that of the greatest value. */
  readonly exemplar: (Exemplar & { readonly value: number; readonly at: number }) | undefined;
}

export interface Collected {
  /** Milliseconds since the epoch, of the last collection and of this one. */
  readonly from: number;
  readonly to: number;
  readonly points: readonly Point[];
}

export interface Metrics {
  /** Adds to a counter, sets a gauge, or records in a histogram. Costs one look-up: it is asked for every record. */
  readonly measure: (
    instrument: InstrumentName,
    value: number,
    attributes?: MetricAttributes,
    exemplar?: Exemplar,
  ) => void;
  /** What came since the last time; gauges stay. Points that would be empty are missing. */
  readonly collect: () => Collected;
}

export interface MetricsOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** The span that is active, for measurements that bring none of their own. @default no exemplars */
  readonly exemplar?: () => Exemplar | undefined;
}

/** Seconds, as OpenTelemetry's conventions have them for durations of requests. */
export const bounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
export const boundsOf = (instrument: InstrumentName): readonly number[] =>
  (instruments[instrument] as Instrument).bounds ?? bounds;
/** Values of a histogram that are kept one by one between two collections. */
export const maxValues = 1000;
/** Sets of attributes that are kept; more share one whose attributes say `otel.metric.overflow`, as the specification has it. */
const maxPoints = 2000;

/** Counters, gauges and histograms of this process, in memory until they are collected: telling the increase since the last time
 * (delta) is what fits functions that come and go. */
export const metrics = ({ clock, exemplar: active }: MetricsOptions): Metrics => {
  let points = new Map<string, Mutable>();
  let from = clock();

  const pointOf = (instrument: InstrumentName, attributes: MetricAttributes): Mutable => {
    let key: string = instrument;
    for (const name of instruments[instrument].attributes) key += `\0${attributes[name] ?? ''}`;
    let point = points.get(key);
    if (point !== undefined) return point;
    if (points.size >= maxPoints) {
      key = `${instrument}\0overflow`;
      point = points.get(key);
      if (point !== undefined) return point;
    }
    point = emptyPoint(instrument, points.size >= maxPoints ? overflow : attributes);
    points.set(key, point);
    return point;
  };

  return {
    measure(instrument, value, attributes = none, exemplar = active?.()) {
      if (!Number.isFinite(value)) return;
      const point = pointOf(instrument, attributes);
      const { kind } = instruments[instrument];
      point.count += 1;
      point.value = kind === 'gauge' ? value : point.value + value;
      if (kind === 'histogram') {
        const bucket = bucketOf(value, boundsOf(instrument));
        point.buckets[bucket] = (point.buckets[bucket] ?? 0) + 1;
        if (point.values.length < maxValues) point.values.push(value);
      }
      if (exemplar !== undefined && !(kind === 'histogram' && value < (point.exemplar?.value ?? value)))
        point.exemplar = { traceId: exemplar.traceId, spanId: exemplar.spanId, value, at: clock() };
    },
    collect() {
      const to = clock();
      const collected = { from, to, points: [...points.values()] };
      from = to;
      const gauges = [...points].filter(([, { instrument }]) => instruments[instrument].kind === 'gauge');
      points = new Map(gauges.map(([key, point]) => [key, { ...point, exemplar: undefined }]));
      return collected;
    },
  };
};

type Mutable = { -readonly [field in keyof Point]: Point[field] } & { values: number[]; buckets: number[] };

const none: MetricAttributes = {};
const overflow: MetricAttributes = { 'otel.metric.overflow': 'true' };

const emptyPoint = (instrument: InstrumentName, attributes: MetricAttributes): Mutable => ({
  instrument,
  attributes,
  value: 0,
  values: [],
  buckets: instruments[instrument].kind === 'histogram' ? new Array(boundsOf(instrument).length + 1).fill(0) : [],
  count: 0,
  exemplar: undefined,
});

/** Upper bounds are inclusive. */
const bucketOf = (value: number, upper: readonly number[]): number => {
  const at = upper.findIndex((bound) => value <= bound);
  return at < 0 ? upper.length : at;
};
