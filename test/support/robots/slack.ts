import { answered, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

/** A Slack incoming webhook: `ok` as text, errors as words, one message a second with Retry-After. */
export const slackRobot = (
  options: RobotOptions & { readonly path?: string /** @default 1 */; readonly retryAfterSeconds?: number } = {},
) => {
  const { path = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX', retryAfterSeconds = 1 } = options;
  const waits = rolling(1, 1000);
  let shutUntil = Number.NEGATIVE_INFINITY;
  return robot('slack', `https://hooks.slack.com${path}`, options, (request, now) => {
    if (new URL(request.url).pathname !== path) return answered(404, 'no_service');
    const body = jsonBody(request);
    if (body === undefined) return answered(400, 'invalid_payload');
    const wrong = wrongWith(body);
    if (wrong !== undefined) return answered(400, wrong);
    if (now < shutUntil || waits(now) !== undefined) {
      if (now >= shutUntil) shutUntil = now + retryAfterSeconds * 1000;
      return answered(429, 'rate_limited', { 'retry-after': String(Math.ceil((shutUntil - now) / 1000)) });
    }
    return { response: answered(200, 'ok'), seen: body };
  });
};

/** Limits of Block Kit, in characters. */
const wrongWith = (body: Record<string, unknown>): string | undefined => {
  const { text, blocks, attachments } = body as {
    text?: string;
    attachments?: unknown[];
    blocks?: { type: string; text?: { text: string }; elements?: { text: string }[]; fields?: { text: string }[] }[];
  };
  if (!text && blocks === undefined && attachments === undefined) return 'no_text';
  if ((attachments?.length ?? 0) > 100) return 'too_many_attachments';
  if ((text?.length ?? 0) > 40_000) return 'msg_too_long';
  if (blocks === undefined) return undefined;
  if (blocks.length > 50) return 'invalid_blocks';
  const isWrong = blocks.some(
    ({ type, text: inner, elements = [], fields = [] }) =>
      (inner !== undefined && (inner.text === '' || inner.text.length > (type === 'header' ? 150 : 3000))) ||
      elements.length > 10 ||
      fields.length > 10 ||
      fields.some((field) => field.text.length > 2000) ||
      elements.some((element) => typeof element.text === 'string' && element.text.length > 3000),
  );
  return isWrong ? 'invalid_blocks' : undefined;
};
