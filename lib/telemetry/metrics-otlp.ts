import type { Attributes, AttributeValue } from '../model/span.ts';
import type { Collected, MetricAttributes, Point } from './metrics.ts';
import { boundsOf, descriptions, type InstrumentName, instruments } from './metrics.ts';

/** AggregationTemporality of OTLP: what was added since the last time. */
const delta = 1;

/** An ExportMetricsServiceRequest of OTLP as its JSON has it; undefined when there is nothing to tell. */
export const metricsRequest = ({ from, to, points }: Collected, resource: Attributes): MetricsRequest | undefined => {
  const groups = new Map<InstrumentName, Point[]>();
  for (const point of points) {
    if (point.count === 0) continue;
    const group = groups.get(point.instrument);
    if (group === undefined) groups.set(point.instrument, [point]);
    else group.push(point);
  }
  if (groups.size === 0) return undefined;
  const times = { startTimeUnixNano: nanos(from), timeUnixNano: nanos(to) };
  return {
    resourceMetrics: [
      {
        resource: { attributes: Object.entries(resource).map(([key, value]) => ({ key, value: anyValue(value) })) },
        scopeMetrics: [
          {
            scope: { name: 'tidemark' },
            metrics: [...groups].map(([name, group]) => {
              const { unit, kind } = instruments[name];
              const description = descriptions[name];
              const dataPoints = group.map((point) => ({ ...times, ...dataPointOf(point) }));
              if (kind === 'gauge') return { name, description, unit, gauge: { dataPoints } };
              if (kind === 'counter') {
                const sum = { dataPoints, aggregationTemporality: delta, isMonotonic: true };
                return { name, description, unit, sum };
              }
              return { name, description, unit, histogram: { dataPoints, aggregationTemporality: delta } };
            }),
          },
        ],
      },
    ],
  };
};

export interface MetricsRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly Metric[];
    }[];
  }[];
}
export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] };
  readonly sum?: {
    readonly dataPoints: readonly DataPoint[];
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
  };
  readonly histogram?: { readonly dataPoints: readonly DataPoint[]; readonly aggregationTemporality: number };
}
/** 64-bit numbers are decimal text, as in all of protobuf's JSON; ids are hexadecimal. */
export interface DataPoint {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly exemplars?: readonly {
    readonly timeUnixNano: string;
    readonly asDouble: number;
    readonly traceId: string;
    readonly spanId: string;
  }[];
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}
export interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly boolValue?: boolean;
    readonly intValue?: string;
    readonly doubleValue?: number;
  };
}

const dataPointOf = ({ instrument, attributes, value, buckets, count, exemplar }: Point) => {
  const shared = {
    attributes: textAttributes(attributes),
    ...(exemplar === undefined
      ? {}
      : {
          exemplars: [
            {
              timeUnixNano: nanos(exemplar.at),
              asDouble: exemplar.value,
              traceId: exemplar.traceId,
              spanId: exemplar.spanId,
            },
          ],
        }),
  };
  const { kind } = instruments[instrument];
  if (kind === 'counter') return { ...shared, asInt: String(value) };
  if (kind === 'gauge') return { ...shared, asDouble: value };
  return {
    ...shared,
    count: String(count),
    sum: value,
    bucketCounts: buckets.map(String),
    explicitBounds: boundsOf(instrument),
  };
};

/** What describes a resource is text, now and then a number; anything else is told as text. */
const anyValue = (value: AttributeValue) => {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
};

const textAttributes = (attributes: MetricAttributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } }));

const nanos = (millis: number): string => `${BigInt(Math.round(millis)) * 1_000_000n}`;
