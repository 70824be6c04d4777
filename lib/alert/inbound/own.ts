import { alert, severities } from '../../model/alert.ts';
import { type Arrival, type Fields, isFields, member, text, texts, time } from './fields.ts';

/** Our own Alert, or what keeps it from being one. */
export const readOwn = (value: Fields): Arrival | string => {
  const { status } = value;
  const labels = texts(value['labels']);
  if (status !== 'firing' && status !== 'resolved') return 'status is neither firing nor resolved';
  if (labels === undefined || (labels['alertname'] ?? '') === '') return 'labels.alertname is missing';
  const startsAt = time(value['startsAt']);
  if (startsAt === undefined) return 'startsAt is not an RFC 3339 time';
  const { traceId, spanId } = isFields(value['trace']) ? value['trace'] : {};
  const { severity = '' } = labels;
  const read = alert({
    status,
    labels: { ...labels, severity: severity === '' ? severities[1] : severity },
    annotations: texts(value['annotations']) ?? {},
    startsAt,
    ...member('endsAt', time(value['endsAt'])),
    ...member('generatorURL', text(value['generatorURL'])),
    ...(typeof traceId === 'string' && typeof spanId === 'string' ? { trace: { traceId, spanId } } : {}),
  });
  // A reader of another tool's alert has worked out the identity that this tool knows it by.
  const fingerprint = text(value['fingerprint']);
  return {
    ...read,
    ...(value['arrived'] === true && fingerprint !== undefined ? { fingerprint } : {}),
    ...(value['startIsUnknown'] === true ? { startIsUnknown: true } : {}),
    ...(value['arrived'] === true && typeof value['expiresAt'] === 'number' ? { expiresAt: value['expiresAt'] } : {}),
  };
};

/** Alerts that were read already, as a body of the alerts queue. */
export const writeArrivals = (arrivals: readonly Arrival[]): string =>
  JSON.stringify(arrivals.map((arrival) => ({ ...arrival, arrived: true })));
