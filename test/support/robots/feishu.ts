import { createHmac } from 'node:crypto';
import { answered, bytesOf, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

/** A Feishu or Lark custom bot: HTTP 200 with a code inside, signed bodies, 100 messages a minute and 5 a second, busy at round minutes. */
export const feishuRobot = (
  options: RobotOptions & {
    readonly id?: string;
    /** Refuses what is not signed with it. @default unsigned requests are taken */
    readonly secret?: string;
    readonly keyword?: string;
    /** Minutes of the hour in which every other request meets the overload of the whole platform. @default 0 and 30 */
    readonly busyMinutes?: readonly number[];
  } = {},
) => {
  const { id = '2c5f6a3e-0000-4e6f-9f2a-7d1b8c9e0f11', secret, keyword, busyMinutes = [0, 30] } = options;
  const url = `https://open.feishu.cn/open-apis/bot/v2/hook/${id}`;
  const minuteWaits = rolling(100, 60_000);
  const secondWaits = rolling(5, 1000);
  let busy = 0;
  return robot('feishu', url, options, (request, now) => {
    const says = (code: number, msg: string) => answered(200, { code, msg, data: {} });
    if (new URL(request.url).pathname !== `/open-apis/bot/v2/hook/${id}`)
      return says(19001, 'param invalid: incoming webhook access token invalid');
    if (bytesOf(request) > 20 * 1024) return says(19036, 'the size of the request body exceeds 20 KB');
    const body = jsonBody(request);
    if (body === undefined) return says(9499, 'Bad Request');
    if (secret !== undefined) {
      const timestamp = String(body['timestamp'] ?? '');
      const right = createHmac('sha256', `${timestamp}\n${secret}`).digest('base64');
      const isNear = /^\d{10}$/.test(timestamp) && Math.abs(Number(timestamp) * 1000 - now) <= 3_600_000;
      if (!isNear || body['sign'] !== right)
        return says(19021, 'sign match fail or timestamp is not within one hour from current time');
    }
    const member = { text: 'content', post: 'content', image: 'content', share_chat: 'content', interactive: 'card' }[
      String(body['msg_type'])
    ];
    if (member === undefined || typeof body[member] !== 'object' || body[member] === null)
      return says(9499, 'Bad Request');
    if (keyword !== undefined && !JSON.stringify(body).includes(keyword)) return says(19024, 'Key Words Not Found');
    if (busyMinutes.includes(new Date(now).getUTCMinutes()) && (busy += 1) % 2 === 1)
      return says(11232, 'frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]');
    if (secondWaits(now) !== undefined || minuteWaits(now) !== undefined)
      return says(11232, 'frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]');
    return {
      response: answered(200, { code: 0, msg: 'success', StatusCode: 0, StatusMessage: 'success', data: {} }),
      seen: body,
    };
  });
};
