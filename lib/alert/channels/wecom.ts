import type { Channel, Chunk, Style } from '../channel.ts';
import type { Markup } from '../markup.ts';
import { packed } from '../pack.ts';
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
    return [...chunks, ...pageOf(chunks, style)];
  },
  request: (chunk, target, { deliveryId, ...saying }) => {
    const said = digest.message(chunk, target, saying, deliveryId);
    return {
      method: 'POST',
      url: target.url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(
        chunk.kind === 'mention'
          ? { msgtype: 'text', text: { content: said.title, ...mentionsOf(target) } }
          : { msgtype: 'markdown', markdown: { content: said.content } },
      ),
    };
  },
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
