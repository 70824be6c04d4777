import { Failure } from '../lib/model/failure.ts';
import type { PodSeries } from '../lib/trace/pod-shift.ts';
import { readJson } from './read-json.ts';

/**
 * Series of a Prometheus range query (`/api/v1/query_range`, result type matrix). Readings from `from` to `until` (seconds since the epoch)
 * are the time in question, all others are usual. A series belongs to the service that its labels name, else to that of its pod.
 */
export const readPodMetrics = (path: string, from: number, until: number): PodSeries[] => {
  const answer = readJson(path) as { data?: { resultType?: unknown; result?: unknown } } | null;
  const result = answer?.data?.result;
  if (answer?.data?.resultType !== 'matrix' || !Array.isArray(result)) {
    throw new Failure('bad-input', 'is no answer of a Prometheus range query (data.resultType "matrix")', {
      where: path,
    });
  }
  return result.flatMap((each): PodSeries[] => {
    const { metric, values } = (each ?? {}) as { metric?: Record<string, unknown>; values?: unknown };
    const service = serviceOfLabels(metric ?? {});
    if (service === undefined || !Array.isArray(values)) return [];
    const readings = values
      .filter((value): value is [unknown, unknown] => Array.isArray(value))
      .map(([at, value]) => [Number(at), Number(value)] as const)
      .filter(([at, value]) => Number.isFinite(at) && Number.isFinite(value));
    const isNow = ([at]: readonly [number, number]) => at >= from && at <= until;
    return [
      {
        service,
        now: readings.filter(isNow).map(([, value]) => value),
        usual: readings.filter((reading) => !isNow(reading)).map(([, value]) => value),
      },
    ];
  });
};

const serviceOfLabels = (labels: Readonly<Record<string, unknown>>): string | undefined => {
  for (const name of ['service_name', 'service', 'app', 'app_kubernetes_io_name', 'deployment']) {
    const value = labels[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  const pod = labels['pod'] ?? labels['pod_name'];
  // Names of Deployments' pods end in the hash of a ReplicaSet and five characters, those of StatefulSets in a number.
  return typeof pod === 'string' ? pod.replace(/(-[0-9a-f]{6,10}-[0-9a-z]{5}|-\d+)$/, '') : undefined;
};
