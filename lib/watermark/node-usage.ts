import type { ClusterSnapshot } from '../model/kubernetes-objects.ts';
import type { Measured, MeasuredSeries } from './gauge.ts';
import { amountOf, timeOf } from './pod-usage.ts';

/** How full each node is of one resource: its usage over its allocatable. */
export const nodeUsage = (snapshot: ClusterSnapshot, resource: 'memory' | 'cpu'): Measured => {
  const metrics = new Map((snapshot.nodeMetrics ?? []).map((each) => [each.metadata.name, each]));
  let unknown = 0;
  const series: MeasuredSeries[] = [];
  for (const { metadata, status } of snapshot.nodes ?? []) {
    const sample = metrics.get(metadata.name);
    const used = amountOf(sample?.usage?.[resource]);
    const of = amountOf(status?.allocatable?.[resource]);
    const labels = { cluster: snapshot.cluster, node: metadata.name };
    if (sample === undefined || used === undefined || of === undefined || of === 0) {
      unknown += 1;
      series.push({ labels, at: snapshot.at, value: undefined });
      continue;
    }
    const describe = () => ({ basis: 'node allocatable', used: String(used), capacity: String(of) });
    series.push({ labels, at: timeOf(sample, snapshot.at), value: used / of, describe });
  }
  return { series, skipped: unknown === 0 ? {} : { 'no metrics yet': unknown } };
};
