import { answered, bytesOf, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

/** PagerDuty's Events API v2: one open incident for each dedup_key; what is repeated or resolved twice is dropped; 120 events a minute. */
export const pagerdutyRobot = (options: RobotOptions & { readonly routingKey?: string } = {}) => {
  const { routingKey = '0123456789abcdef0123456789abcdef' } = options;
  const waits = rolling(120, 60_000);
  const open = new Set<string>();
  let generated = 0;
  const machine = robot('pagerduty', 'https://events.pagerduty.com/v2/enqueue', options, (request, now) => {
    if (bytesOf(request) > 512 * 1024) return answered(413, { status: 'request too large' });
    const body = jsonBody(request);
    const errors = body === undefined ? ['the body is not JSON'] : wrongWith(body, routingKey);
    if (body === undefined || errors.length > 0)
      return answered(400, { status: 'invalid event', message: 'Event object is invalid', errors });
    if (waits(now) !== undefined)
      return answered(429, { status: 'throttle exceeded', message: 'Requests are too fast' });
    const key = (body['dedup_key'] as string | undefined) ?? `generated-${(generated += 1)}`;
    const response = answered(202, { status: 'success', message: 'Event processed', dedup_key: key });
    const isOpen = open.has(key);
    if (body['event_action'] === 'trigger') open.add(key);
    if (body['event_action'] === 'resolve') open.delete(key);
    return (body['event_action'] === 'trigger') === isOpen ? { response } : { response, seen: body };
  });
  return { ...machine, routingKey, /** The keys of open incidents. */ open: open as ReadonlySet<string> };
};

const wrongWith = (body: Record<string, unknown>, routingKey: string): string[] => {
  const { routing_key, event_action, dedup_key, payload } = body as Record<string, string> & {
    payload?: Record<string, string>;
  };
  const errors: string[] = [];
  if (routing_key !== routingKey) errors.push("'routing_key' is invalid");
  if (!['trigger', 'acknowledge', 'resolve'].includes(event_action ?? '')) errors.push("'event_action' is invalid");
  if ((dedup_key?.length ?? 0) > 255) errors.push("Length of 'dedup_key' must be at most 255");
  if (event_action !== 'trigger') return dedup_key === undefined ? [...errors, "'dedup_key' is missing"] : errors;
  if (!payload?.['summary']) errors.push("'payload.summary' is missing or blank");
  if ((payload?.['summary']?.length ?? 0) > 1024) errors.push("Length of 'payload.summary' must be at most 1024");
  if (!payload?.['source']) errors.push("'payload.source' is missing or blank");
  if (!['critical', 'error', 'warning', 'info'].includes(payload?.['severity'] ?? ''))
    errors.push("'payload.severity' is invalid");
  return errors;
};
