/**
 * The critical path as Jaeger UI works it out (its published algorithm, TraceStatistics/CriticalPath): maps of spans with lists of
 * child ids, a recursive walk, a linear search for the last finishing child at every step. A port of its semantics for comparison.
 */
export interface JaegerSpan {
  readonly spanID: string;
  readonly kind: string;
  readonly parent: string | undefined;
  startTime: number;
  duration: number;
  childSpanIds: string[];
}

interface JaegerSection {
  readonly spanID: string;
  readonly sectionStart: number;
  readonly sectionEnd: number;
}

export const jaegerPath = (trace: readonly JaegerSpan[], rootId: string): JaegerSection[] => {
  const map = new Map(trace.map((span) => [span.spanID, { ...span, childSpanIds: [...span.childSpanIds] }]));
  prune(map);
  sanitise(map, rootId);
  const path: JaegerSection[] = [];
  walk(map, map.get(rootId) as JaegerSpan, path, undefined);
  return path;
};

const prune = (map: Map<string, JaegerSpan>): void => {
  const removed = new Set<string>();
  const drop = (id: string): void => {
    removed.add(id);
    for (const child of map.get(id)?.childSpanIds ?? []) drop(child);
  };
  for (const span of map.values()) {
    const parent = span.parent === undefined ? undefined : map.get(span.parent);
    if (parent?.kind === 'producer' && span.kind === 'consumer') drop(span.spanID);
  }
  if (removed.size === 0) return;
  for (const id of removed) map.delete(id);
  for (const span of map.values()) span.childSpanIds = span.childSpanIds.filter((id) => !removed.has(id));
};

const sanitise = (map: Map<string, JaegerSpan>, rootId: string): void => {
  const order = [rootId];
  for (let at = 0; at < order.length; at += 1)
    for (const id of map.get(order[at] as string)?.childSpanIds ?? []) order.push(id);
  for (const id of order) {
    const span = map.get(id);
    if (span?.parent === undefined) continue;
    const parent = map.get(span.parent);
    const end = span.startTime + span.duration;
    const parentEnd = parent === undefined ? 0 : parent.startTime + parent.duration;
    if (
      parent === undefined ||
      span.startTime >= parentEnd ||
      (span.startTime < parent.startTime && end <= parent.startTime)
    ) {
      map.delete(id);
      if (parent !== undefined) parent.childSpanIds = parent.childSpanIds.filter((child) => child !== id);
      continue;
    }
    const start = Math.max(span.startTime, parent.startTime);
    span.duration = Math.min(end, parentEnd) - start;
    span.startTime = start;
  }
};

const walk = (
  map: Map<string, JaegerSpan>,
  span: JaegerSpan,
  path: JaegerSection[],
  before: number | undefined,
): JaegerSection[] => {
  const spanEnd = span.startTime + span.duration;
  let last: JaegerSpan | undefined;
  for (const id of span.childSpanIds) {
    const child = map.get(id);
    if (child === undefined) continue;
    const end = child.startTime + child.duration;
    if (before !== undefined && end >= before) continue;
    if (last === undefined || end > last.startTime + last.duration) last = child;
  }
  if (last !== undefined) {
    path.push({ spanID: span.spanID, sectionStart: last.startTime + last.duration, sectionEnd: before ?? spanEnd });
    return walk(map, last, path, undefined);
  }
  path.push({ spanID: span.spanID, sectionStart: span.startTime, sectionEnd: before ?? spanEnd });
  const parent = span.parent === undefined ? undefined : map.get(span.parent);
  return parent === undefined ? path : walk(map, parent, path, span.startTime);
};
