import { type Alert, alert } from '../model/alert.ts';
import type { Finding } from '../model/finding.ts';
import type { Bucket, Bus, Clock, Log, Queue, Table } from '../model/ports.ts';
import { assemble } from './assemble.ts';
import { partsKeyOf, readBaseline } from './baseline.ts';
import { type DetectorOptions, errorsPerWindow, leastSampled } from './detector.ts';
import { heatMapPng } from './heat-map-png.ts';
import { heatMapSvg } from './heat-map-svg.ts';
import { type Oversize, type PartLimits, readWindow } from './read-window.ts';
import { renderReport, shownOf } from './report.ts';
import { type Score, scoreTraces } from './score.ts';
import { reportPrefixOf, type WindowClosed } from './window.ts';

export interface WindowClosing {
  readonly bucket: Bucket;
  readonly table: Table;
  readonly bus: Bus;
  /** Where the parts of a window go that is too large to be scored at once. */
  readonly windows: Queue;
  /** What is scored at once. @default `partLimits` */
  readonly limits?: PartLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly thresholds: DetectorOptions;
  /** Earlier windows that say what is usual. @default 0, fixed limits only */
  readonly baselineWindows?: number;
  readonly windowSeconds: number;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
  /** Where a trace can be looked at, `{traceId}` in it; pages and pictures lead there. @default nowhere */
  readonly traceUrl?: string;
  /** Never rejects. @default nobody is told */
  readonly tellMetrics?: (window: WindowClosed, score: Score) => Promise<void>;
}

/** Windows that an alert stays firing after the last one that showed its fault. */
const quietWindows = 2;
const stateSeconds = 86_400;

/**
 * Scores one closed window: reads its objects, writes its report, raises an alert for each finding that is not firing yet,
 * and resolves those whose fault has not been seen for two windows. Repeating it rewrites the same report, and the state
 * in the table keeps it from raising anything twice. A window that is too large is divided instead, into parts that are scored each by
 * itself; undefined then.
 */
export const closeWindow = async (window: WindowClosed, closing: WindowClosing): Promise<Score | undefined> => {
  const { bucket, log, traceUrl, deflate } = closing;
  const read = await readWindow(window, closing);
  if ('parts' in read) return divide(window, read, closing);
  const traces = assemble(read.spans);
  const usual = await readBaseline(bucket, window, closing.windowSeconds, closing.baselineWindows ?? 0);
  const { part } = window;
  const scored = scoreTraces(window.windowStart, traces, {
    ...thresholdsOf(closing.thresholds, part),
    ...(usual === undefined ? {} : { usual }),
  });
  const named = `${window.windowStart}${part === undefined ? '' : `, part ${part.index + 1} of ${part.of}`}`;
  const prefix = reportPrefixOf(window);
  await bucket.put(`${prefix}score.json`, Buffer.from(JSON.stringify(scored)), 'application/json');
  await bucket.put(
    `${prefix}report.html`,
    Buffer.from(
      renderReport({
        title: `Window ${named}`,
        subtitle: `${scored.traces.count} traces, ${scored.traces.spans} spans`,
        ...shownOf(scored, traces),
        ...(traceUrl === undefined ? {} : { traceUrl }),
      }),
    ),
    'text/html; charset=utf-8',
  );
  const title = `Service by duration, window ${named}`;
  await bucket.put(`${prefix}heat-map.png`, heatMapPng(scored.heatMap, { title, deflate }), 'image/png');
  await bucket.put(
    `${prefix}heat-map.svg`,
    Buffer.from(
      heatMapSvg(scored.heatMap, {
        isStandalone: true,
        traceHref: (traceId) => traceUrl?.replace('{traceId}', encodeURIComponent(traceId)),
      }),
    ),
    'image/svg+xml',
  );
  const raised = await raise(scored, `${prefix}report.html`, closing);
  await closing.tellMetrics?.(window, scored);
  log('info', 'window scored', {
    window: window.windowStart,
    partition: window.partition,
    ...(part === undefined ? {} : { part: part.index + 1, parts: part.of }),
    ...scored.traces,
    findings: scored.findings.length,
    alerts: raised,
  });
  return scored;
};

const divide = async (
  window: WindowClosed,
  { parts, holds }: Oversize,
  { bucket, windows, log }: WindowClosing,
): Promise<undefined> => {
  await bucket.put(partsKeyOf(window), Buffer.from(JSON.stringify({ parts })), 'application/json');
  await windows.send(
    Array.from({ length: parts }, (_, index) => ({ body: JSON.stringify({ ...window, part: { index, of: parts } }) })),
  );
  const { windowStart, partition } = window;
  log('info', 'window is divided', { window: windowStart, partition, parts, ...holds });
  return undefined;
};

/** A part has its share of a window's errors; as of sampled spans, three must be seen. Shares are those of the window. */
const thresholdsOf = (thresholds: DetectorOptions, part: WindowClosed['part']): DetectorOptions =>
  part === undefined
    ? thresholds
    : {
        ...thresholds,
        errorsPerWindow: Math.max(leastSampled, (thresholds.errorsPerWindow ?? errorsPerWindow) / part.of),
      };

/**
 * Puts what changed on the bus. A change is claimed first, by a conditional write that only one window wins, and marked done
 * after the bus took it; a window that is run again after a crash in between finds its own claim and raises once more.
 */
const raise = async (
  scored: Score,
  report: string,
  { table, bus, clock, windowSeconds }: WindowClosing,
): Promise<number> => {
  const at = Date.parse(scored.window);
  const ttl = Math.floor(clock() / 1000) + stateSeconds;
  const known = new Map((await table.query('finding')).map((item) => [item.sk, item]));
  let count = 0;
  const change = async (sk: string, status: 'firing' | 'resolved', lastSeen: number, detail: Alert): Promise<void> => {
    const former = known.get(sk);
    const item = { pk: 'finding', sk, ttl, status, lastSeen, alert: detail, claim: scored.window };
    if (former?.['claim'] !== scored.window) {
      const unchanged =
        former === undefined
          ? { absent: true }
          : { equals: { lastSeen: Number(former['lastSeen']), status: String(former['status']) } };
      if (!(await table.put(item, unchanged))) return;
    }
    await bus.put([{ source: 'tidemark.score-traces', detailType: 'Alert', detail }]);
    count += 1;
    await table.put({ ...item, claim: '' }, { equals: { claim: scored.window } });
  };
  for (const finding of scored.findings) {
    const sk = `${finding.kind}#${finding.service}`;
    const former = known.get(sk);
    const lastSeen = Math.max(at, Number(former?.['lastSeen'] ?? 0));
    if (former?.['status'] === 'firing' && former['claim'] === '') {
      await table.put(
        { ...former, ttl, lastSeen },
        { equals: { lastSeen: Number(former['lastSeen']), status: 'firing' } },
      );
    } else if (former?.['status'] === 'firing') {
      // A window has claimed this episode, and it is not known whether the bus took it: said again as it began, it stays one episode.
      await change(sk, 'firing', lastSeen, former['alert'] as Alert);
    } else if (former === undefined || at > Number(former['lastSeen'])) {
      await change(sk, 'firing', lastSeen, alertOf(finding, report));
    }
  }
  for (const [sk, item] of known) {
    const lastSeen = Number(item['lastSeen']);
    const isOurs = item['status'] === 'resolved' && item['claim'] === scored.window;
    const isQuiet =
      item['status'] === 'firing' && item['claim'] === '' && at - lastSeen > quietWindows * windowSeconds * 1000;
    if (!isOurs && (!isQuiet || scored.findings.some(({ kind, service }) => sk === `${kind}#${service}`))) continue;
    await change(sk, 'resolved', lastSeen, { ...(item['alert'] as Alert), status: 'resolved', endsAt: scored.window });
  }
  return count;
};

const names = {
  'error-burst': 'TraceErrorBurst',
  'long-tail': 'TraceLongTail',
  'broken-chain': 'TraceBrokenChain',
  'new-call': 'TraceNewCall',
  'missing-call': 'TraceMissingCall',
} as const;

const severities = {
  'error-burst': 'critical',
  'long-tail': 'warning',
  'broken-chain': 'warning',
  'new-call': 'info',
  'missing-call': 'warning',
} as const;

const alertOf = (finding: Finding, report: string): Alert =>
  alert({
    status: 'firing',
    labels: {
      alertname: names[finding.kind],
      severity: severities[finding.kind],
      service: finding.service,
      kind: finding.kind,
    },
    annotations: {
      summary: finding.summary,
      value: String(finding.value),
      threshold: String(finding.threshold),
      window: finding.window,
      traces: finding.traceIds.join(', '),
      report,
    },
    startsAt: finding.window,
    trace: finding.exemplar,
  });
