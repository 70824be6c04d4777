import { answered, headerOf, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

/** Opsgenie's alert API: one open alert for each alias; takes everything with 202 and works on it later. */
export const opsgenieRobot = (options: RobotOptions & { readonly apiKey?: string } = {}) => {
  const { apiKey = 'eb243592-faa2-4ba2-a551-1afdf565c889' } = options;
  const waits = rolling(120, 60_000);
  const open = new Set<string>();
  const url = 'https://api.opsgenie.com/v2/alerts';
  return robot('opsgenie', url, options, (request, now) => {
    if (headerOf(request, 'authorization') !== `GenieKey ${apiKey}`)
      return answered(403, { message: 'Key format is not valid!', took: 0, requestId: 'r' });
    const body = jsonBody(request);
    const { pathname } = new URL(request.url);
    const closed = /^\/v2\/alerts\/([^/]+)\/close$/.exec(pathname)?.[1];
    if (body === undefined || (closed === undefined && (pathname !== '/v2/alerts' || !body['message'])))
      return answered(422, { message: 'Request body is not processable', took: 0, requestId: 'r' });
    if ([...String(body['message'] ?? '')].length > 130)
      return answered(422, { message: 'message is too long', took: 0, requestId: 'r' });
    if (waits(now) !== undefined) return answered(429, { message: 'You are making too many requests!', took: 0 });
    const alias = closed === undefined ? String(body['alias'] ?? '') : decodeURIComponent(closed);
    const response = answered(202, { result: 'Request will be processed', took: 0.1, requestId: 'r' });
    const isOpen = open.has(alias);
    if (closed === undefined) open.add(alias);
    else open.delete(alias);
    return (closed === undefined) === isOpen
      ? { response }
      : { response, seen: { ...body, alias, closed: closed !== undefined } };
  });
};
