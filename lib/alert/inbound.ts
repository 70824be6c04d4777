import { type Alert, alert, severities } from '../model/alert.ts';

/** The alerts in a body, or why there are none. */
export type Inbound = { readonly alerts: readonly Alert[] } | { readonly error: string };

/** Reads our own Alert, bare or as a bus event, and CloudWatch alarm state changes. Never throws. */
export const readAlerts = (body: string): Inbound => {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (thrown) {
    return { error: `is not JSON: ${(thrown as Error).message}` };
  }
  if (!isObject(value)) return { error: 'is not an object' };
  if (value['detail-type'] === 'CloudWatch Alarm State Change') return fromCloudWatch(value);
  const candidate = isObject(value['detail']) ? value['detail'] : value;
  const read = readAlert(candidate);
  return typeof read === 'string' ? { error: read } : { alerts: [read] };
};

const readAlert = (value: Record<string, unknown>): Alert | string => {
  const labels = texts(value['labels']);
  if (value['status'] !== 'firing' && value['status'] !== 'resolved') return 'status is neither firing nor resolved';
  if (labels === undefined || labels['alertname'] === undefined || labels['alertname'] === '')
    return 'labels.alertname is missing';
  const startsAt = time(value['startsAt']);
  if (startsAt === undefined) return 'startsAt is not an RFC 3339 time';
  const endsAt = time(value['endsAt']);
  const { traceId, spanId } = isObject(value['trace']) ? value['trace'] : {};
  const generatorURL = value['generatorURL'];
  return alert({
    status: value['status'],
    labels: {
      ...labels,
      severity: (severities as readonly string[]).includes(labels['severity'] ?? '')
        ? (labels['severity'] as string)
        : 'warning',
    },
    annotations: texts(value['annotations']) ?? {},
    startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(typeof generatorURL === 'string' ? { generatorURL } : {}),
    ...(typeof traceId === 'string' && typeof spanId === 'string' ? { trace: { traceId, spanId } } : {}),
  });
};

/** Identity is the alarm's ARN, never the event's id: ALARM and OK must meet. */
const fromCloudWatch = (event: Record<string, unknown>): Inbound => {
  const detail = isObject(event['detail']) ? event['detail'] : {};
  const state = isObject(detail['state']) ? detail['state'] : {};
  const arn = Array.isArray(event['resources']) ? event['resources'][0] : undefined;
  const value = state['value'];
  const name = detail['alarmName'];
  if (typeof name !== 'string' || typeof arn !== 'string')
    return { error: 'is a CloudWatch alarm without a name or ARN' };
  if (value !== 'ALARM' && value !== 'OK') return { alerts: [] };
  return {
    alerts: [
      alert({
        status: value === 'ALARM' ? 'firing' : 'resolved',
        labels: {
          alertname: name,
          severity: 'warning',
          alarm_arn: arn,
          account: String(event['account']),
          region: String(event['region']),
        },
        annotations: { summary: typeof state['reason'] === 'string' ? state['reason'] : name },
        startsAt: time(state['timestamp']) ?? time(event['time']) ?? '1970-01-01T00:00:00.000Z',
      }),
    ],
  };
};

const texts = (value: unknown): Record<string, string> | undefined =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).filter(
          (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[0] !== '__proto__',
        ),
      )
    : undefined;

const time = (value: unknown): string | undefined => {
  if (typeof value !== 'string') return undefined;
  // CloudWatch writes `+0000`, which only some parsers take.
  const at = Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  // Alertmanager's year 1 means: not yet.
  return Number.isNaN(at) || at < 0 ? undefined : new Date(at).toISOString();
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
