import { type Alert, alert } from '../../model/alert.ts';
import { maxLabelBytes } from '../fitting.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An alert as its source tells it. */
export interface Arrival extends Alert {
  /** The source does not say when it began: `startsAt` is when it was told. What is known of the alert may say more. */
  readonly startIsUnknown?: true;
  /** Milliseconds since the epoch: over by then, unless its source says meanwhile that it still fires. 0: by the resolve timeout. */
  readonly expiresAt?: number;
}

/** Part of a body that is no alert, and why. */
export interface Refusal {
  readonly where: string;
  readonly reason: string;
}

/** The alerts in a body and what of it was refused, or why there are none. */
export type Inbound =
  | { readonly alerts: readonly Arrival[]; readonly refused?: readonly Refusal[] }
  | { readonly error: string };

/** What is known of a body besides itself. */
export interface Around {
  /** Milliseconds since the epoch: when it was sent, as far as is known. */
  readonly now: number;
  /** Of the SNS topic that it came by. */
  readonly topicArn?: string;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The texts of an object; numbers and truth values become texts, since a label that is dropped is another identity. */
export const texts = (value: unknown): Record<string, string> | undefined =>
  isFields(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, each]) =>
          name !== '__proto__' && ['string', 'number', 'boolean'].includes(typeof each) ? [[name, String(each)]] : [],
        ),
      )
    : undefined;

/** Labels as Prometheus understands them: an empty one is none. */
export const labelsIn = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(texts(value) ?? {}).filter(([, each]) => each !== ''));

/** RFC 3339, CloudWatch's `+0000` and what Go prints of a time. */
const timePattern =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(?:[Zz]|([+-]\d\d):?(\d\d))(?: \S+)?(?: m=\S+)?$/;

/** A time in UTC with milliseconds; undefined for what is none, and for year 1, which is how Go writes that there is none. */
export const time = (value: unknown): string | undefined => {
  const [, date, clock, hours, minutes] = timePattern.exec(text(value) ?? '') ?? [];
  if (date === undefined) return undefined;
  const at = Date.parse(`${date}T${clock}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`);
  return Number.isNaN(at) || at <= 0 ? undefined : new Date(at).toISOString();
};

/**
 * An alert of a tool that may know neither `alertname` nor `severity`: both are filled in, and stay out of the identity, which is
 * then the one that the tool itself knows the alert by.
 */
export const foreignAlert = (
  fields: Omit<Alert, 'fingerprint' | 'startsAt'> & { readonly startsAt?: string | undefined },
  { now }: Around,
): Arrival => {
  const { labels, startsAt, ...rest } = fields;
  const told = rest.endsAt ?? new Date(now).toISOString();
  return {
    ...alert({ ...rest, labels, startsAt: startsAt ?? told }),
    labels: { alertname: 'unnamed', severity: 'warning', ...labels },
    ...(startsAt === undefined ? { startIsUnknown: true } : {}),
  };
};

/** An optional member of an object: left out when it is undefined. */
export const member = <Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Each in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [Each in Name]: Value });

/** The alert, unless its labels are more than can be kept. */
export const limited = (read: Arrival | string): Arrival | string => {
  if (typeof read === 'string') return read;
  const bytes = Buffer.byteLength(JSON.stringify(read.labels));
  return bytes <= maxLabelBytes ? read : `has ${bytes} bytes of labels; at most ${maxLabelBytes} are taken`;
};

/** What readers of single alerts found, with the places of those that are none. */
export const gathered = (found: readonly (Arrival | string)[], where: string): Inbound => {
  const read = found.map(limited);
  const alerts = read.filter((each) => typeof each !== 'string');
  const refused = read.flatMap((each, at) =>
    typeof each === 'string' ? [{ where: `${where}[${at}]`, reason: each }] : [],
  );
  return { alerts, ...(refused.length === 0 ? {} : { refused }) };
};
