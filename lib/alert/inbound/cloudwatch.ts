import { alert, severities } from '../../model/alert.ts';
import { given } from '../../model/given.ts';
import { shownText } from '../../model/text.ts';
import { type Around, type Arrival, type Fields, type Inbound, isFields, member, text, texts, time } from './fields.ts';

/** A change of an alarm, however it was told. */
interface Change {
  readonly name: unknown;
  readonly arn: string | undefined;
  readonly account?: unknown;
  readonly region?: unknown;
  readonly value: unknown;
  readonly reason: unknown;
  /** When it came into this state. */
  readonly at: string | undefined;
  /** The state before, and when the alarm came into that. */
  readonly before: unknown;
  readonly beforeAt?: string | undefined;
  readonly description: unknown;
  readonly tags: unknown;
  /** The series that changed, of an alarm that looks at many. */
  readonly contributor?: { readonly id: string; readonly attributes: Readonly<Record<string, string>> } | undefined;
  readonly suppressedBy?: unknown;
}

/** The alarm state change as an event: of the bus, or as a Lambda action is invoked with. Undefined for anything else. */
export const readAlarmEvent = (event: Fields, around: Around): Inbound | undefined => {
  if (event['source'] !== 'aws.cloudwatch' && event['detail-type'] !== 'CloudWatch Alarm State Change')
    return undefined;
  const detail = event['detail'] ?? event['alarmData'];
  if (!isFields(detail) || !isFields(detail['state'])) return undefined;
  const { state, previousState, configuration, alarmContributor: contributor } = detail;
  const before = isFields(previousState) ? previousState : {};
  const [resource] = Array.isArray(event['resources']) ? (event['resources'] as unknown[]) : [];
  return read(
    {
      name: detail['alarmName'],
      arn: text(resource) ?? text(event['alarmArn']),
      account: event['account'] ?? event['accountId'],
      region: event['region'],
      value: (state as Fields)['value'],
      reason: (state as Fields)['reason'],
      at: time((state as Fields)['timestamp']) ?? time(event['time']),
      before: before['value'],
      beforeAt: time(before['timestamp']),
      description: isFields(configuration) ? configuration['description'] : undefined,
      tags: detail['alarmTags'],
      contributor:
        isFields(contributor) && typeof contributor['id'] === 'string'
          ? { id: contributor['id'], attributes: texts(contributor['attributes']) ?? {} }
          : undefined,
      suppressedBy: (state as Fields)['actionsSuppressedBy'],
    },
    around,
  );
};

/** The message of an alarm's SNS action; undefined for anything else. */
export const readAlarmMessage = (message: Fields, around: Around): Inbound | undefined => {
  if (message['AlarmName'] === undefined || message['NewStateValue'] === undefined) return undefined;
  const account = text(message['AWSAccountId']);
  // An alarm names its region in words; its topic is in the same region, and says it by code.
  const region = around.topicArn?.split(':')[3] ?? text(message['Region']);
  const [partition = 'aws'] = around.topicArn?.split(':').slice(1, 2) ?? [];
  const id = text(message['AlarmContributorId']);
  return read(
    {
      name: message['AlarmName'],
      arn:
        text(message['AlarmArn']) ??
        (account === undefined || region === undefined
          ? undefined
          : `arn:${partition}:cloudwatch:${region}:${account}:alarm:${shownText(message['AlarmName'])}`),
      value: message['NewStateValue'],
      reason: message['NewStateReason'],
      at: time(message['StateChangeTime']),
      before: message['OldStateValue'],
      description: message['AlarmDescription'],
      tags: message['AlarmTags'],
      contributor:
        id === undefined ? undefined : { id, attributes: texts(message['AlarmContributorAttributes']) ?? {} },
    },
    around,
  );
};

/**
 * Identity is the alarm's ARN, never the id of an event: ALARM and OK must meet. INSUFFICIENT_DATA is neither; whatever was told
 * last stays as it is.
 */
const read = (change: Change, { now }: Around): Inbound => {
  const { name, arn, value, contributor } = change;
  if (typeof name !== 'string' || name === '' || arn === undefined)
    return { error: 'is a CloudWatch alarm without a name or ARN' };
  if (value !== 'ALARM' && value !== 'OK') return { alerts: [] };
  const [, , , region = text(change.region) ?? '', account = text(change.account) ?? ''] = arn.split(':');
  const at = change.at ?? new Date(now).toISOString();
  const isFiring = value === 'ALARM';
  // An alarm that was in this state already has not changed; it is told again.
  const startsAt = isFiring === (change.before === 'ALARM') ? undefined : isFiring ? at : change.beforeAt;
  const labels = {
    alertname: name,
    severity: severities[1],
    alarm_arn: arn,
    account,
    region,
    ...(contributor === undefined ? {} : { ...named(contributor.attributes), contributor: contributor.id }),
  };
  const tags = texts(change.tags) ?? {};
  const told: Arrival = {
    ...alert({
      status: isFiring ? 'firing' : 'resolved',
      labels,
      annotations: annotationsOf(change, tags, name),
      startsAt: startsAt ?? at,
      ...(isFiring ? {} : { endsAt: at }),
      ...member('generatorURL', region === '' ? undefined : consoleUrl(region, name)),
    }),
    ...(startsAt === undefined ? { startIsUnknown: true } : {}),
  };
  // A tag may be changed, or be missing from a message, while an alarm lasts: it says how bad it is and not which it is.
  const severity = severities.find((each) => each === tagOf(tags, 'severity')?.toLowerCase());
  return { alerts: [severity === undefined ? told : { ...told, labels: { ...labels, severity } }] };
};

const annotationsOf = (change: Change, tags: Record<string, string>, name: string): Record<string, string> => {
  const { reason, description, suppressedBy } = change;
  const [isSaid, runbook] = [(each: unknown) => typeof each === 'string' && each !== '', tagOf(tags, 'runbook_url')];
  return {
    summary: isSaid(reason) ? (reason as string) : name,
    ...(isSaid(description) ? { description: description as string } : {}),
    ...(isSaid(suppressedBy) ? { actions_suppressed_by: suppressedBy as string } : {}),
    ...given({ runbook_url: runbook }),
  };
};

const tagOf = (tags: Record<string, string>, wanted: string): string | undefined =>
  Object.entries(tags).find(([name]) => name.toLowerCase() === wanted)?.[1];

/** Attributes as labels: what stands in a label already is not overwritten. */
const named = (attributes: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .map(([name, value]) => [name.replaceAll(/[^A-Za-z0-9_]/g, '_'), value] as const)
      .filter(([name]) => !['alertname', 'severity', 'alarm_arn', 'account', 'region'].includes(name)),
  );

const consoleUrl = (region: string, name: string): string =>
  `https://${region}.console.${region.startsWith('cn-') ? 'amazonaws.cn' : 'aws.amazon.com'}/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
