import { Failure } from '../../model/failure.ts';
import type { Channel, Chunk, Saying, Style, Target } from '../channel.ts';
import type { Markup } from '../markup.ts';
import { packed } from '../pack.ts';
import { pictureKey } from '../picture.ts';
import { robotVerdict } from '../verdict.ts';

/** A WeCom group robot: markdown messages, 20 a minute, a text besides where people are to be paged; its answer is a code inside a 200. */
export const wecom: Channel = {
  name: 'wecom',
  rate: { messages: 20, seconds: 60 },
  idempotent: false,
  // Of `markdown.content`, in UTF-8.
  maxBytes: 4096,
  measure: ({ body = '' }) => {
    const { markdown, text, image } = JSON.parse(String(body)) as Record<string, { content?: string } | undefined>;
    return image === undefined ? Buffer.byteLength((markdown ?? text)?.content ?? '') : 0;
  },
  plan: (notification, style, saying) => {
    const chunks = digest.plan(notification, style, saying);
    return [...chunks, ...pageOf(chunks, style), ...pictureOf(chunks, style)];
  },
  request: (chunk, target, { picture, crypto, now: _, deliveryId, ...saying }) => ({
    method: 'POST',
    url: target.url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(
      chunk.kind === 'picture'
        ? { msgtype: 'image', image: imageOf(picture, (bytes) => crypto.md5(bytes)) }
        : contentOf(chunk, target, saying, deliveryId),
    ),
  }),
  verdict: (response, now) =>
    robotVerdict(response, now, 'errcode', {
      45009: { kind: 'retry', minDelaySeconds: 60, throttled: true },
      45033: { kind: 'retry' },
      [-1]: { kind: 'retry' },
      40058: { kind: 'split' },
      45002: { kind: 'split' },
      // The robot was removed, stopped, or taken out of its group; or its key was replaced.
      93000: { kind: 'permanent', disable: true, credentials: true },
      93004: { kind: 'permanent', disable: true },
      93008: { kind: 'permanent', disable: true },
      ...Object.fromEntries(refused.map((code) => [code, { kind: 'permanent' }])),
    }),
};

/** The request is wrong, and stays so: type, media, size of an image, empty content, JSON, missing parameter, address not allowed. */
const refused = [40004, 40005, 40006, 40007, 40008, 40009, 40035, 40063, 41001, 44004, 47001, 60020, 301019] as const;

const colours = { critical: 'warning', warning: 'warning', info: 'comment', resolved: 'info' } as const;

/** The robot knows no escapes: what could begin a tag, a link, bold or code is written with a look-alike. */
const markup: Markup = {
  text: (value) =>
    value
      .replace(/<(?=[/@!a-z])/gi, '＜')
      .replace(/\](?=\()/g, '］')
      .replace(/`/g, 'ˋ')
      .replace(/\*(?=\*)|(?<=\*)\*/g, '＊'),
  strong: (marked) => `**${marked}**`,
  link: (label, url) => `[${label.replace(/[[\]]/g, '')}](${url})`,
  aside: (marked) => `> ${marked}`,
};

const digest = packed({
  markup,
  maxBytes: 4096,
  compose: ({ tone, title, lines, footer, mention }) => ({
    title,
    content: [
      `**<font color="${colours[tone]}">${markup.text(title)}</font>**`,
      ...lines,
      `> <font color="comment">${footer}</font>`,
      ...mention.filter((each) => !needsText(each)).map((user) => `<@${user}>`),
    ].join('\n'),
  }),
  measure: ({ content }) => Buffer.byteLength(content),
});

const contentOf = (chunk: Chunk, target: Target, saying: Saying, deliveryId: string) => {
  const { title, content } = digest.message(chunk, target, saying, deliveryId);
  return chunk.kind === 'mention'
    ? { msgtype: 'text', text: { content: title, ...mentionsOf(target) } }
    : { msgtype: 'markdown', markdown: { content } };
};

/** Of the picture itself, before it is written in base64. */
const maxImageBytes = 2 * 1024 * 1024;

const imageOf = (picture: Uint8Array | undefined, md5: (bytes: Uint8Array) => Uint8Array) => {
  if (picture === undefined || picture.length === 0) throw new Failure('not-found', 'there is no picture');
  if (picture.length > maxImageBytes)
    throw new Failure('too-large', `the picture has ${picture.length} bytes, and ${maxImageBytes} are taken`);
  return { base64: Buffer.from(picture).toString('base64'), md5: Buffer.from(md5(picture)).toString('hex') };
};

/** One picture for all messages: that of the worst alert that has one. */
const pictureOf = (chunks: readonly Chunk[], { picture = false }: Style): Chunk[] => {
  if (!picture) return [];
  for (const chunk of chunks) {
    const shown = chunk.notification.alerts.find((alert) => alert.status === 'firing' && pictureKey(alert));
    if (shown !== undefined)
      return [{ ...chunk, kind: 'picture', notification: { ...chunk.notification, alerts: [shown] } }];
  }
  return [];
};

/** Markdown mentions people by their ids alone; everyone, and mobile numbers, are paged by a text. */
const needsText = (mention: string): boolean => mention === '@all' || /^\+?\d{6,}$/.test(mention);

const mentionsOf = ({ mention = [] }: Style) => ({
  mentioned_list: mention.filter((each) => each === '@all'),
  mentioned_mobile_list: mention.filter((each) => each !== '@all' && needsText(each)),
});

/** One text for all messages with something critical in them: each costs a place of the rate. */
const pageOf = (chunks: readonly Chunk[], { mention = [] }: Style): Chunk[] => {
  if (!mention.some(needsText)) return [];
  const found = chunks.find(({ notification: { alerts } }) => isCritical(alerts[0]));
  if (found === undefined) return [];
  const { alerts } = found.notification;
  return [{ ...found, kind: 'mention', notification: { ...found.notification, alerts: alerts.slice(0, 1) } }];
};

const isCritical = (alert: Chunk['notification']['alerts'][number] | undefined): boolean =>
  alert?.status === 'firing' && alert.labels['severity'] === 'critical';
