import { createHash } from 'node:crypto';
import { answered, jsonBody, type RobotOptions, robot, rolling } from './robot.ts';

const maxImageBytes = 2 * 1024 * 1024;

/** A WeCom group robot: always HTTP 200 with an errcode inside, 20 messages in any 60 seconds, limits in bytes per kind of message. */
export const wecomRobot = (
  options: RobotOptions & {
    readonly key?: string;
    /** Length of the rolling minute; local runs may compress it. @default 60 */
    readonly minuteSeconds?: number;
  } = {},
) => {
  const { key = '693a91f6-7aaa-4bc4-97a0-0ec2c1f25a99', minuteSeconds = 60 } = options;
  const url = `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=${key}`;
  const waits = rolling(20, minuteSeconds * 1000);
  return robot('wecom', url, options, (request, now) => {
    const says = (errcode: number, errmsg: string) => answered(200, { errcode, errmsg });
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== '/cgi-bin/webhook/send' || searchParams.get('key') !== key)
      return says(93000, 'invalid webhook url, hint: [1700000000]');
    const body = jsonBody(request);
    if (body === undefined) return says(47001, 'data format error');
    const wrong = wrongWith(body);
    if (wrong !== undefined) return says(...wrong);
    if (waits(now) !== undefined) return says(45009, 'api freq out of limit');
    return { response: says(0, 'ok'), seen: body };
  });
};

const wrongWith = (body: Record<string, unknown>): [number, string] | undefined => {
  const kind = body['msgtype'];
  if (kind !== 'text' && kind !== 'markdown' && kind !== 'markdown_v2' && kind !== 'image')
    return [40008, 'invalid message type'];
  const message = (body[kind] ?? {}) as Record<string, unknown>;
  if (kind === 'image') {
    const bytes = Buffer.from(String(message['base64'] ?? ''), 'base64');
    if (bytes.length === 0) return [44004, 'empty content'];
    if (bytes.length > maxImageBytes) return [40009, 'invalid image size'];
    if (!bytes.subarray(0, 4).equals(png) && !bytes.subarray(0, 3).equals(jpg)) return [40005, 'invalid file type'];
    return createHash('md5').update(bytes).digest('hex') === message['md5']
      ? undefined
      : [301019, 'md5 of image not match'];
  }
  const { content } = message;
  if (typeof content !== 'string' || content === '') return [44004, 'empty content'];
  return Buffer.byteLength(content) > (kind === 'text' ? 2048 : 4096)
    ? [40058, `${kind}.content exceed max length ${kind === 'text' ? 2048 : 4096}`]
    : undefined;
};

const png = Buffer.from('89504e47', 'hex');
const jpg = Buffer.from('ffd8ff', 'hex');
