import {
  type Around,
  type Arrival,
  type Fields,
  foreignAlert,
  gathered,
  type Inbound,
  isFields,
  labelsIn,
  member,
  text,
  texts,
  time,
} from './fields.ts';
import { grafanaAnnotations } from './grafana.ts';

/** Where a webhook says how many alerts its sender has left out of it. */
export const leftOut = 'truncatedAlerts';

/** The webhook of Alertmanager (version 4), and Grafana's, which has the same form; undefined for anything else. */
export const readWebhook = (value: Fields, around: Around): Inbound | undefined => {
  const { alerts } = value;
  if (!Array.isArray(alerts)) return undefined;
  const read = gathered(
    alerts.map((each: unknown) => readPosted(each, around)),
    'alerts',
  );
  const cut = Number(value['truncatedAlerts'] ?? 0);
  if (!(cut > 0) || 'error' in read) return read;
  const reason = `${cut} more alerts were left out by the sender; see max_alerts there`;
  return { ...read, refused: [...(read.refused ?? []), { where: leftOut, reason }] };
};

/**
 * What Prometheus and other clients post to Alertmanager's API: a list of alerts, ended when their `endsAt` has passed. Until then it is the
 * time by which each is over unless it is posted again; the webhook of an Alertmanager names none.
 */
export const readPostedList = (list: readonly unknown[], around: Around): Inbound =>
  gathered(
    list.map((each) => {
      const read = readPosted(each, around);
      // What says its status is told by somebody who tells its end, too.
      if (typeof read === 'string' || read.status === 'resolved' || 'status' in (each as Fields)) return read;
      const endsAt = time((each as Fields)['endsAt']);
      return { ...read, expiresAt: endsAt === undefined ? 0 : Date.parse(endsAt) };
    }),
    'body',
  );

const readPosted = (value: unknown, around: Around): Arrival | string => {
  if (!isFields(value)) return 'is not an object';
  const labels = labelsIn(value['labels']);
  if (Object.keys(labels).length === 0) return 'has no labels';
  const endsAt = time(value['endsAt']);
  const status = value['status'] ?? (endsAt !== undefined && Date.parse(endsAt) <= around.now ? 'resolved' : 'firing');
  if (status !== 'firing' && status !== 'resolved') return 'status is neither firing nor resolved';
  const annotations = { ...texts(value['annotations']), ...grafanaAnnotations(value) };
  return foreignAlert(
    {
      status,
      labels,
      annotations,
      startsAt: time(value['startsAt']),
      ...(status === 'resolved' ? { endsAt: endsAt ?? new Date(around.now).toISOString() } : {}),
      ...member('generatorURL', text(value['generatorURL'])),
      ...member('trace', traceIn(isFields(value['trace']) ? value['trace'] : annotations)),
    },
    around,
  );
};

/** The trace that an alert's author has put into its annotations. */
const traceIn = (fields: Fields): Arrival['trace'] => {
  const traceId = text(fields['trace_id']) ?? text(fields['traceId']) ?? '';
  const spanId = text(fields['span_id']) ?? text(fields['spanId']) ?? '';
  return /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId) ? { traceId, spanId } : undefined;
};
