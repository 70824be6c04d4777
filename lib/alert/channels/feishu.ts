import type { Channel, Target } from '../channel.ts';
import type { Markup } from '../markup.ts';
import { packed } from '../pack.ts';
import { type CodeVerdict, robotVerdict } from '../verdict.ts';

/** A Feishu or Lark custom bot: interactive cards signed in the body, 100 a minute and 5 a second. */
export const feishu: Channel = {
  name: 'feishu',
  rate: { messages: 100, seconds: 60, perSecond: 5 },
  idempotent: false,
  // Of the whole body: "20 KB", which is read as the smaller of its two meanings.
  maxBytes: 20_000,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  plan: (notification, style, saying) => digest.plan(notification, style, saying),
  request: (chunk, target, { deliveryId, now, crypto, ...saying }) => ({
    method: 'POST',
    url: target.url,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({
      ...signature(target, now, (key, message) => crypto.hmacSha256(key, message)),
      ...digest.message(chunk, target, saying, deliveryId),
    }),
  }),
  verdict: (response, now) => {
    const verdict = robotVerdict(response, now, 'code', codes);
    if (verdict.kind === 'ok' || verdict.kind === 'split') return verdict;
    // Frequency limits come under several codes with the same words.
    const isThrottled = /^(HTTP \d+, )?code \d+: .*(too many|frequency limit|rate limit|too fast)/i.test(
      verdict.reason,
    );
    if (isThrottled) {
      const asked = verdict.kind === 'retry' ? (verdict.minDelaySeconds ?? 0) : 0;
      return { kind: 'retry', reason: verdict.reason, minDelaySeconds: Math.max(5, asked), throttled: true };
    }
    const isToken = verdict.kind === 'permanent' && /access token invalid/i.test(verdict.reason);
    return isToken ? { ...verdict, credentials: true } : verdict;
  },
};

const codes: Readonly<Record<number, CodeVerdict>> = {
  11232: { kind: 'retry', minDelaySeconds: 5, throttled: true },
  19036: { kind: 'split' },
  // A bad request, a bad parameter, an unknown kind of message, signature or timestamp, address, keyword.
  9499: { kind: 'permanent' },
  19001: { kind: 'permanent' },
  19002: { kind: 'permanent' },
  19021: { kind: 'permanent', credentials: true },
  19022: { kind: 'permanent' },
  19024: { kind: 'permanent' },
};

const templates = { critical: 'red', warning: 'orange', info: 'blue', resolved: 'green' } as const;

/** Cards take HTML entities for what would be markup. */
const markup: Markup = {
  text: (value) => value.replace(/[&<>*_~`[\]\\]/g, (one) => `&#${one.charCodeAt(0)};`),
  strong: (marked) => `**${marked}**`,
  link: (label, url) => `[${markup.text(label)}](${url})`,
  aside: (marked) => marked,
};

/** What a signature adds to a body. */
const signatureBytes = 120;

const digest = packed({
  markup,
  maxBytes: 20_000 - signatureBytes,
  compose: ({ tone, title, lines, footer, mention }) => ({
    msg_type: 'interactive',
    card: {
      config: { wide_screen_mode: true },
      header: { title: { tag: 'plain_text', content: title }, template: templates[tone] },
      elements: [
        ...(lines.length + mention.length === 0
          ? []
          : [{ tag: 'markdown', content: [...lines, ...mention.map((each) => `<at ${atOf(each)}></at>`)].join('\n') }]),
        { tag: 'note', elements: [{ tag: 'plain_text', content: footer }] },
      ],
    },
  }),
  measure: (message) => Buffer.byteLength(JSON.stringify(message)),
});

const atOf = (mention: string): string =>
  mention === '@all' ? 'id=all' : `${mention.includes('@') ? 'email' : 'id'}=${mention.replace(/[<>\s"]/g, '')}`;

/** https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: the key is the text, the message is empty, the unit is seconds. */
const signature = (
  { secrets: [secret] = [] }: Target,
  now: number,
  hmacSha256: (key: Uint8Array, message: string) => Uint8Array,
): { readonly timestamp?: string; readonly sign?: string } => {
  if (secret === undefined) return {};
  const timestamp = String(Math.floor(now / 1000));
  return { timestamp, sign: Buffer.from(hmacSha256(Buffer.from(`${timestamp}\n${secret}`), '')).toString('base64') };
};
