import type { Collected, MetricAttributes, Point } from './metrics.ts';
import { instruments } from './metrics.ts';

export interface EmfOptions {
  /** @default tidemark */
  readonly namespace?: string;
  /** Dimensions of all of them, such as the name of the function. */
  readonly dimensions: MetricAttributes;
}

/**
 * CloudWatch's embedded metric format: the fields of one log line for each set of dimensions, from which CloudWatch makes metrics. The
 * last exemplar of a line is in `trace_id` and `span_id`, under which Logs Insights and X-Ray find its trace. Metrics of one line are at
 * most as many as there are instruments, far below the 100 of the format.
 */
export const emfFields = ({ to, points }: Collected, options: EmfOptions): Record<string, unknown>[] => {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    if (point.count === 0) continue;
    const key = JSON.stringify(Object.entries(point.attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [point]);
    else group.push(point);
  }
  return [...groups.values()].flatMap((group) => inLines(group).map((line) => lineOf(line, to, options)));
};

/** Values of one metric in one line, at most. */
const maxValues = 100;

/** What has more values than a line may hold goes on in lines of its own. */
const inLines = (group: readonly Point[]): Point[][] => {
  const first = group.map((point) => ({ ...point, values: point.values.slice(0, maxValues) }));
  const rest = group.filter(({ values }) => values.length > maxValues);
  return rest.length === 0
    ? [first]
    : [first, ...inLines(rest.map((point) => ({ ...point, values: point.values.slice(maxValues) })))];
};

const lineOf = (group: readonly Point[], to: number, { namespace = 'tidemark', dimensions }: EmfOptions) => {
  const labels = { ...dimensions, ...(group[0] as Point).attributes };
  const exemplar = group.findLast((point) => point.exemplar !== undefined)?.exemplar;
  return {
    _aws: {
      Timestamp: to,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [Object.keys(labels)],
          Metrics: group.map(({ instrument }) => {
            const { name, unit } = instruments[instrument].emf;
            return { Name: name, Unit: unit };
          }),
        },
      ],
    },
    ...labels,
    ...Object.fromEntries(group.map((point) => [instruments[point.instrument].emf.name, toldOf(point)])),
    ...(exemplar === undefined ? {} : { trace_id: exemplar.traceId, span_id: exemplar.spanId }),
  };
};

const toldOf = ({ instrument, value, values }: Point): number | readonly number[] =>
  instruments[instrument].kind === 'histogram' ? values : value;
