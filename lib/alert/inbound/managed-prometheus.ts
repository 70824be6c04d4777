import { readWebhook } from './alertmanager.ts';
import { type Around, type Arrival, foreignAlert, type Inbound, isFields, member } from './fields.ts';
import { looseJson } from './loose-json.ts';

/**
 * A message of Amazon Managed Service for Prometheus that is not JSON: what its documented JSON template makes of a quote or a line
 * break in an annotation, or the plain text that it writes unless told otherwise. Undefined for anything else.
 */
export const readManagedPrometheus = (body: string, around: Around): Inbound | undefined => {
  const start = body.trimStart();
  if (start.startsWith('{')) {
    const { value, isCut } = looseJson(start);
    const read = isFields(value) ? readWebhook(value, around) : undefined;
    if (read === undefined || 'error' in read || !isCut) return read;
    const cut = { where: 'alerts', reason: 'the message was cut off; see the size limit of the sender' };
    return { ...read, refused: [...(read.refused ?? []), cut] };
  }
  return readList(body, around);
};

/** `Alerts Firing:` and `Alerts Resolved:`, each with blocks of `Labels:`, `Annotations:` and `Source:`, as the default template writes. */
const readList = (body: string, around: Around): Inbound | undefined => {
  const alerts: Arrival[] = [];
  let status: Arrival['status'] | undefined;
  let block: Block | undefined;
  let into: 'labels' | 'annotations' | undefined;
  let last: string | undefined;
  const close = (): void => {
    if (block !== undefined && status !== undefined && Object.keys(block.labels).length > 0)
      alerts.push(foreignAlert({ status, ...block, ...endOf(status, around) }, around));
    block = undefined;
  };
  for (const line of body.split(/\r?\n/)) {
    const heading = /^\s*(Alerts Firing|Alerts Resolved|Labels|Annotations|Source):\s*(.*)$/.exec(line);
    const [, word, rest = ''] = heading ?? [];
    const pair = /^\s*- ([A-Za-z_][A-Za-z0-9_:]*) = (.*)$/.exec(line);
    if (word === 'Alerts Firing' || word === 'Alerts Resolved') {
      close();
      status = word === 'Alerts Firing' ? 'firing' : 'resolved';
    } else if (word === 'Labels' && rest === '') {
      close();
      block = { labels: {}, annotations: {} };
      into = 'labels';
    } else if (word === 'Annotations' && rest === '' && block !== undefined) into = 'annotations';
    else if (word === 'Source' && block !== undefined) {
      block = { ...block, ...member('generatorURL', rest === '' ? undefined : rest.trim()) };
      into = undefined;
    } else if (pair !== null && block !== undefined && into !== undefined) {
      const [, name = '', value = ''] = pair;
      block[into][name] = value;
      last = name;
    } else if (block !== undefined && into === 'annotations' && last !== undefined && last in block.annotations)
      // An annotation of several lines.
      block.annotations[last] = `${block.annotations[last]}\n${line}`;
  }
  close();
  return status === undefined || alerts.length === 0 ? undefined : { alerts: alerts.map(trimmed) };
};

interface Block {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly generatorURL?: string;
}

const endOf = (status: Arrival['status'], { now }: Around) =>
  status === 'resolved' ? { endsAt: new Date(now).toISOString() } : {};

/** Without the line breaks that the template puts after an annotation. */
const trimmed = (alert: Arrival): Arrival => ({
  ...alert,
  annotations: Object.fromEntries(Object.entries(alert.annotations).map(([name, value]) => [name, value.trimEnd()])),
});
