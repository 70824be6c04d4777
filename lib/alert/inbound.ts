import { readManagedPrometheus } from '#tidemark.managed-prometheus';
import { given } from '../model/given.ts';
import { shownText } from '../model/text.ts';
import { readPostedList, readWebhook } from './inbound/alertmanager.ts';
import { readAlarmEvent, readAlarmMessage } from './inbound/cloudwatch.ts';
import {
  type Around,
  type Arrival,
  type Fields,
  gathered,
  type Inbound,
  isFields,
  limited,
  type Refusal,
  text,
  time,
} from './inbound/fields.ts';
import { readOwn } from './inbound/own.ts';

export { leftOut } from './inbound/alertmanager.ts';
export type { Arrival, Inbound, Refusal } from './inbound/fields.ts';
export { writeArrivals } from './inbound/own.ts';

/** An SNS notification may come inside of another queue's message; more than that is none of ours. */
const maxLayers = 3;

/**
 * Reads the alerts in a body: our own Alert, bare, listed or as a bus event; the webhooks of Alertmanager and Grafana; what
 * Prometheus posts to Alertmanager; CloudWatch alarm state changes as events and as SNS messages; Amazon Managed Service for
 * Prometheus by SNS. SNS envelopes are opened. Never throws. `now`: when it came, for what does not say a time.
 */
export const readAlerts = (body: string, now = 0): Inbound => readBody(body, { now }, maxLayers);

const readBody = (body: string, around: Around, layers: number): Inbound => {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // V8's own message quotes the text, which is none of a log's business.
    return readManagedPrometheus(body, around) ?? { error: 'is not JSON' };
  }
  // A text inside of JSON, as an EventBridge target with an input path makes it.
  if (typeof value === 'string' && layers > 0) return readBody(value, around, layers - 1);
  if (Array.isArray(value)) return readList(value, around);
  return isFields(value) ? readObject(value, around, layers) : { error: 'is not an object' };
};

const readObject = (value: Fields, around: Around, layers: number): Inbound => {
  if (isNotification(value)) return layers > 0 ? readNotification(value, around, layers) : tooDeep;
  const { Records: records } = value;
  if (Array.isArray(records) && records.length > 0 && records.every((each) => isFields(each) && isFields(each['Sns'])))
    return layers > 0
      ? merged(records.map((each: { readonly Sns: Fields }) => readNotification(each.Sns, around, layers)))
      : tooDeep;
  const foreign = readAlarmEvent(value, around) ?? readAlarmMessage(value, around) ?? readWebhook(value, around);
  if (foreign !== undefined) return foreign;
  const read = limited(readOwn(isFields(value['detail']) ? value['detail'] : value));
  return typeof read === 'string' ? { error: read } : { alerts: [read] };
};

const readList = (list: readonly unknown[], around: Around): Inbound => {
  if (list.length === 0) return { error: 'is an empty list' };
  const read = list.every((each) => isFields(each) && each['arrived'] === true)
    ? gathered(
        list.map((each) => readOwn(each as Fields)),
        'body',
      )
    : readPostedList(list, around);
  // A list in which nothing is an alert is no list of alerts.
  if ('error' in read || read.alerts.length > 0) return read;
  const [first] = read.refused ?? [];
  return { error: `${first?.where ?? 'body'} ${first?.reason ?? 'is no alert'}` };
};

const isNotification = (value: Fields): boolean =>
  typeof value['TopicArn'] === 'string' && typeof value['Message'] === 'string' && typeof value['Type'] === 'string';

const readNotification = (notification: Fields, around: Around, layers: number): Inbound => {
  const { Type: type, Message: message } = notification;
  // A confirmation holds a URL to be fetched. We fetch none that a stranger may have written.
  if (type !== undefined && type !== 'Notification')
    return { error: `is an SNS ${shownText(type)}: subscribe the alerts queue to the topic instead` };
  const sent = time(notification['Timestamp']);
  const topicArn = text(notification['TopicArn']);
  return readBody(
    text(message) ?? '',
    {
      now: sent === undefined ? around.now : Date.parse(sent),
      ...given({ topicArn }),
    },
    layers - 1,
  );
};

const tooDeep: Inbound = { error: 'is wrapped too often' };

const merged = (all: readonly Inbound[]): Inbound => {
  const alerts: Arrival[] = [];
  const refused: Refusal[] = [];
  for (const [at, each] of all.entries()) {
    if ('error' in each) refused.push({ where: `Records[${at}].Sns.Message`, reason: each.error });
    else {
      alerts.push(...each.alerts);
      refused.push(...(each.refused ?? []));
    }
  }
  const [first] = refused;
  if (first !== undefined && all.every((each) => 'error' in each)) return { error: `${first.where} ${first.reason}` };
  return { alerts, ...(refused.length === 0 ? {} : { refused }) };
};
