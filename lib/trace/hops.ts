import { type Span, serviceOf, spanKinds, statusCodes } from '../model/span.ts';
import type { Trace } from './assemble.ts';
import { isStratum, randomnessOf, thresholdOf } from './sampling.ts';

/** Calls from one service to another, and those whose other side was not seen. */
export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly spans: readonly Span[];
  readonly missing: readonly Span[];
  /** Its sides were sampled each on its own, so that a missing one says nothing. */
  readonly isSampledApart: boolean;
}

/**
 * Client spans that expect a server side, by hop. One expects it when calls of its kind (same service, name and peer) were answered in
 * these traces, or when `peer.service` names a service that emits server spans. Databases, AWS services and uninstrumented peers answer
 * none and are therefore not in the denominator; nor are calls that failed, since a refused connection has no other
 * side, nor those whose other side was sampled away or that were kept for themselves alone.
 */
export const callHops = (traces: readonly Trace[]): Hop[] => {
  const answers = new Map<string, Map<string, number>>();
  const calls: { readonly span: Span; readonly key: string; readonly callee: string | undefined }[] = [];
  const sampling = new Map<string, Sampling>();
  const servers = new Set<string>();
  for (const { nodes } of traces) {
    for (const { span, children } of nodes) {
      if (span.kind === spanKinds.server) servers.add(serviceOf(span));
      if (span.kind !== spanKinds.client || span.status === statusCodes.error || isStore(span) || isStratum(span))
        continue;
      const caller = serviceOf(span);
      const server = children.find((at) => {
        const below = nodes[at]?.span;
        return below !== undefined && (below.kind === spanKinds.server || serviceOf(below) !== caller);
      });
      const below = nodes[server ?? -1]?.span;
      const callee = below === undefined ? undefined : serviceOf(below);
      const key = `${caller}|${span.name}|${peerOf(span) ?? ''}`;
      calls.push({ span, key, callee });
      if (callee === undefined) continue;
      if (below !== undefined) noteSampling(sampling, callee, below);
      const known = answers.get(key);
      if (known === undefined) answers.set(key, new Map([[callee, 1]]));
      else known.set(callee, (known.get(callee) ?? 0) + 1);
    }
  }
  const hops = new Map<string, { from: string; to: string; spans: Span[]; missing: Span[]; isSampledApart: boolean }>();
  for (const { span, key, callee } of calls) {
    const peer = span.attributes['peer.service'];
    const to = callee ?? usual(answers.get(key)) ?? (typeof peer === 'string' && servers.has(peer) ? peer : undefined);
    if (to === undefined) continue;
    const sampled = sampling.get(to);
    // Kept on this side and rightly not on the other, which keeps less.
    if (callee === undefined && sampled !== undefined && randomnessOf(span) < sampled.threshold) continue;
    const from = serviceOf(span);
    let hop = hops.get(`${from}→${to}`);
    if (hop === undefined) {
      hop = {
        from,
        to,
        spans: [],
        missing: [],
        isSampledApart: sampled !== undefined && (sampled.isApart || !sampled.isKept),
      };
      hops.set(`${from}→${to}`, hop);
    }
    hop.spans.push(span);
    if (callee === undefined) hop.missing.push(span);
  }
  return [...hops].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, hop]) => hop);
};

/** How the called side of a service is sampled. */
interface Sampling {
  /** The highest threshold of its kept spans. */
  threshold: string;
  /** One was kept that by it should not have been. */
  isApart: boolean;
  /** One was kept that is no error or slow root kept for itself: where only those are seen, nothing is known of the others. */
  isKept: boolean;
}

const noteSampling = (sampling: Map<string, Sampling>, service: string, span: Span): void => {
  let own = sampling.get(service);
  if (own === undefined) {
    own = { threshold: thresholdOf({ traceState: undefined }), isApart: false, isKept: false };
    sampling.set(service, own);
  }
  if (isStratum(span)) return;
  own.isKept = true;
  if (span.traceState === undefined) return;
  const threshold = thresholdOf(span);
  if (threshold > own.threshold) own.threshold = threshold;
  if (randomnessOf(span) < threshold) own.isApart = true;
};

/** The most frequent; of equals the first by name, so that the order of spans makes no difference. */
const usual = (answers: ReadonlyMap<string, number> | undefined): string | undefined =>
  [...(answers ?? [])].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];

const peerOf = ({ attributes }: Span): string | undefined => {
  for (const name of ['peer.service', 'server.address', 'net.peer.name', 'rpc.service']) {
    const value = attributes[name];
    if (typeof value === 'string') return value;
  }
  const url = attributes['url.full'] ?? attributes['http.url'];
  return typeof url === 'string' ? /^[a-z]+:\/\/([^/?#]+)/i.exec(url)?.[1] : undefined;
};

/** Calls of databases and of AWS services: what answers them emits no server span of its own. */
export const isStore = ({ attributes }: Span): boolean =>
  attributes['db.system'] !== undefined ||
  attributes['db.system.name'] !== undefined ||
  attributes['rpc.system'] === 'aws-api' ||
  attributes['rpc.system.name'] === 'aws-api';
