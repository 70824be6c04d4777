import type { Finding } from '../../model/finding.ts';
import { type Span, serviceOf, spanKinds } from '../../model/span.ts';
import { type Detector, exemplars } from '../detector.ts';
import { callHops } from '../hops.ts';
import { isStratum, shareOf, tally } from '../sampling.ts';

/** Fewer broken hops than this are no pattern. */
const minMissing = 3;

/**
 * Broken chains: more than 30 % of the calls of one hop have no other side, though the other side is there and traced.
 * A message hop is broken where a sender's span has no consumer and, in the same window, consumers start traces of their own
 * with neither parent nor link: context was dropped in between. A backlog is not a broken chain: it leaves no such consumers.
 * A call is broken where calls of its kind are answered elsewhere in the window and its server span is missing.
 */
export const brokenChain: Detector = {
  name: 'broken-chain',
  detect: ({ window, traces }, { missingShare = 0.3 }) => {
    const answered = new Set<string>();
    const senders: Span[] = [];
    const unclaimed: Span[] = [];
    for (const { nodes } of traces) {
      for (const { span, parent } of nodes) {
        const up = nodes[parent]?.span;
        if (up !== undefined && (span.kind === spanKinds.server || span.kind === spanKinds.consumer))
          answered.add(idOf(up));
        for (const link of span.links)
          if (span.kind === spanKinds.consumer) answered.add(`${link.traceId}/${link.spanId}`);
        if (span.kind === spanKinds.producer && !isStratum(span)) senders.push(span);
        if (span.kind === spanKinds.consumer && isUnclaimed(span, up)) unclaimed.push(span);
      }
    }
    const calls = callHops(traces);
    const messages = hops(senders, ({ attributes }) =>
      String(attributes['messaging.destination.name'] ?? 'unknown'),
    ).map((hop) => {
      const silent = hop.spans.filter((span) => !answered.has(idOf(span)));
      // Each lost context leaves one consumer without a past; more silent senders than that are merely waiting.
      return { ...hop, missing: silent.slice(0, unclaimed.length) };
    });
    return [...calls, ...messages].flatMap((hop): Finding[] => {
      const { from, to, spans, missing } = hop;
      if (missing.length < minMissing || ('isSampledApart' in hop && hop.isSampledApart)) return [];
      const lost = new Set(missing);
      const { share, lower } = shareOf(tally(missing), tally(spans.filter((span) => !lost.has(span))));
      if (lower <= missingShare) return [];
      const consumers = [...new Set(unclaimed.map(serviceOf))].sort();
      const where =
        consumers.length === 0 || !messages.some((hop) => hop.missing === missing)
          ? ''
          : `; consumers that start traces of their own: ${consumers.join(', ')}`;
      return [
        {
          kind: 'broken-chain',
          service: from,
          value: share,
          threshold: missingShare,
          window,
          ...exemplars(missing),
          summary: `${from} → ${to}: ${missing.length} of ${spans.length} calls have no other side (${(share * 100).toFixed(0)} %, allowed ${missingShare * 100} %)${where}`,
        },
      ];
    });
  },
};

/** A consumer with no past: its parent, if any, is only the invocation that it runs in. */
const isUnclaimed = (span: Span, up: Span | undefined): boolean =>
  span.links.length === 0 &&
  (span.parentSpanId === undefined || (up !== undefined && serviceOf(up) === serviceOf(span)));

const hops = (spans: readonly Span[], destination: (span: Span) => string) => {
  const found = new Map<string, { from: string; to: string; spans: Span[] }>();
  for (const span of spans) {
    const from = serviceOf(span);
    const to = destination(span);
    const hop = found.get(`${from}→${to}`);
    if (hop === undefined) found.set(`${from}→${to}`, { from, to, spans: [span] });
    else hop.spans.push(span);
  }
  return [...found.values()].sort((a, b) => (`${a.from}→${a.to}` < `${b.from}→${b.to}` ? -1 : 1));
};

const idOf = (span: Span): string => `${span.traceId}/${span.spanId}`;
