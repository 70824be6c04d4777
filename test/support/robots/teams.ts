import { answered, bytesOf, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

const maxBytes = 28 * 1024;

/** A Teams webhook: a workflow answers 202, a legacy connector 200 with `1` and with its errors as text; 4 requests a second. */
export const teamsRobot = (
  options: RobotOptions & { readonly sig?: string /** @default false */; readonly legacy?: boolean } = {},
) => {
  const { sig = 'abcDEF123_-0', legacy = false } = options;
  const workflow = 'workflows/0123456789abcdef/triggers/manual/paths/invoke';
  const url = `https://prod-01.westeurope.logic.azure.com:443/${workflow}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=${sig}`;
  const waits = rolling(4, 1000);
  return robot('teams', url, options, (request, now) => {
    const failed = (status: number, headers: Record<string, string> = {}) =>
      legacy
        ? answered(
            200,
            `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${status} with ContextId tcid=0`,
          )
        : answered(status, { error: { code: String(status) } }, headers);
    if (new URL(request.url).searchParams.get('sig') !== sig) return failed(401);
    const body = jsonBody(request);
    if (body === undefined || !Array.isArray(body['attachments'])) return failed(400);
    if (bytesOf(request) > maxBytes) return failed(413);
    if (waits(now) !== undefined) return failed(429, { 'retry-after': '1' });
    return { response: legacy ? answered(200, '1') : answered(202), seen: body };
  });
};
