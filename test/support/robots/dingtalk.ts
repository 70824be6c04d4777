import { createHmac } from 'node:crypto';
import { answered, bytesOf, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

/** A DingTalk custom robot: HTTP 200 with an errcode inside, signed requests, and ten minutes of silence for the 21st message of a minute. */
export const dingtalkRobot = (
  options: RobotOptions & {
    readonly token?: string;
    /** Refuses what is not signed with it. @default unsigned requests are taken */
    readonly secret?: string;
    /** One of them must stand in each message. */
    readonly keywords?: readonly string[];
    readonly banSeconds?: number;
  } = {},
) => {
  const { token = '566cc69da782ec33', secret, keywords = [], banSeconds = 600 } = options;
  const url = `https://oapi.dingtalk.com/robot/send?access_token=${token}`;
  const waits = rolling(20, 60_000);
  let shutUntil = Number.NEGATIVE_INFINITY;
  return robot('dingtalk', url, options, (request, now) => {
    const says = (errcode: number, errmsg: string) => answered(200, { errcode, errmsg });
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/robot/send' || searchParams.get('access_token') !== token)
      return says(300005, 'token is not exist');
    if (secret !== undefined) {
      const timestamp = searchParams.get('timestamp') ?? '';
      const right = createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');
      if (!/^\d{13}$/.test(timestamp) || Math.abs(Number(timestamp) - now) > 3_600_000)
        return says(310000, 'description:invalid timestamp;solution:use the time of now in ms;');
      if (searchParams.get('sign') !== right)
        return says(310000, 'description:sign not match;solution:check the secret and the encoding of the sign;');
    }
    if (bytesOf(request) > 20_000) return says(460101, 'message too long, exceed 20000 bytes');
    const body = jsonBody(request);
    if (body === undefined) return says(43004, 'invalid content type or body');
    const kind = String(body['msgtype']);
    const message = (body[kind] ?? {}) as Record<string, unknown>;
    const text = kind === 'text' ? message['content'] : kind === 'markdown' ? message['text'] : undefined;
    if (typeof text !== 'string' || text === '' || (kind === 'markdown' && !message['title']))
      return says(40035, 'miss param');
    if (keywords.length > 0 && !keywords.some((keyword) => `${text} ${message['title']}`.includes(keyword)))
      return says(310000, 'description:keywords not in content;solution:add one of them;');
    if (now < shutUntil) return says(130101, 'send too fast, robot is blocked');
    if (waits(now) !== undefined) {
      shutUntil = now + banSeconds * 1000;
      return says(130101, 'send too fast, exceed 20 times per minute');
    }
    return { response: says(0, 'ok'), seen: body };
  });
};
