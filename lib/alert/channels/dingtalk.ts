import type { Channel, Style, Target } from '../channel.ts';
import { markdown } from '../markup.ts';
import { packed } from '../pack.ts';
import { robotVerdict } from '../verdict.ts';

/** A DingTalk custom robot: markdown signed in the URL, 20 messages a minute and ten minutes of silence for more. */
export const dingtalk: Channel = {
  name: 'dingtalk',
  rate: { messages: 20, seconds: 60, banSeconds: 600 },
  idempotent: false,
  // Of the whole body.
  maxBytes: 20_000,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  plan: (notification, style, saying) => digest.plan(notification, style, saying),
  request: (chunk, target, { deliveryId, now, crypto, ...saying }) => ({
    method: 'POST',
    url: signed(target, now, (key, message) => crypto.hmacSha256(key, message)),
    headers: { 'content-type': 'application/json' },
    body: digest.message(chunk, target, saying, deliveryId),
  }),
  verdict: (response, now) => {
    const verdict = robotVerdict(response, now, 'errcode', codes);
    // One code for two things, told apart by its words.
    const isTooFast =
      verdict.kind === 'permanent' && /errcode 300001\b.*(too fast|exceed|frequen|限流|频)/i.test(verdict.reason);
    if (isTooFast) return { kind: 'retry', reason: verdict.reason, minDelaySeconds: 60, throttled: true };
    const isSignature = /errcode 310000\b.*(sign|timestamp|签名)/i.test('reason' in verdict ? verdict.reason : '');
    return verdict.kind === 'permanent' && isSignature ? { ...verdict, credentials: true } : verdict;
  },
};

const codes = {
  130101: { kind: 'retry', minDelaySeconds: 60, throttled: true },
  410100: { kind: 'retry', minDelaySeconds: 60, throttled: true },
  [-1]: { kind: 'retry' },
  460101: { kind: 'split' },
  // Keyword, signature or address, as its words say; a missing parameter; content type; kind of message; content not allowed.
  310000: { kind: 'permanent' },
  40035: { kind: 'permanent' },
  43004: { kind: 'permanent' },
  400105: { kind: 'permanent' },
  430101: { kind: 'permanent' },
  430102: { kind: 'permanent' },
  430103: { kind: 'permanent' },
  430104: { kind: 'permanent' },
  // No such token, robot stopped or not found, group dissolved.
  300005: { kind: 'permanent', disable: true, credentials: true },
  300001: { kind: 'permanent', disable: true, credentials: true },
  400101: { kind: 'permanent', disable: true, credentials: true },
  400102: { kind: 'permanent', disable: true },
  400106: { kind: 'permanent', disable: true },
  400013: { kind: 'permanent', disable: true },
} as const;

const signs = { critical: '🔴', warning: '🟠', info: '🔵', resolved: '✅' } as const;

const digest = packed({
  markup: markdown,
  maxBytes: 20_000,
  compose: ({ tone, title, lines, footer, mention }, style) =>
    JSON.stringify({
      msgtype: 'markdown',
      markdown: {
        title: `${signs[tone]} ${title}`,
        // Two spaces end a line; without them lines run into one on some clients.
        text: [
          `#### ${signs[tone]} ${markdown.text(title)}`,
          ...lines,
          `> ${footer}`,
          // A mention must stand in the text besides.
          ...(mention.length === 0 ? [] : [mention.map((each) => `@${each.replace(/^@/, '')}`).join(' ')]),
        ].join('  \n'),
      },
      at: atOf(mention.length === 0 ? {} : style),
    }),
  measure: (body) => Buffer.byteLength(body),
});

const isMobile = (mention: string): boolean => /^\+?[\d-]{6,}$/.test(mention);

const atOf = ({ mention = [] }: Style) => ({
  atMobiles: mention.filter(isMobile),
  atUserIds: mention.filter((each) => each !== '@all' && !isMobile(each)),
  isAtAll: mention.includes('@all'),
});

/** https://open.dingtalk.com/document/robots/customize-robot-security-settings: valid for an hour, so it is made at each attempt. */
const signed = (
  { url, secrets: [secret] = [] }: Target,
  now: number,
  hmacSha256: (key: Uint8Array, message: string) => Uint8Array,
): string => {
  if (secret === undefined) return url;
  const sign = Buffer.from(hmacSha256(Buffer.from(secret), `${now}\n${secret}`)).toString('base64');
  return `${url}${url.includes('?') ? '&' : '?'}timestamp=${now}&sign=${encodeURIComponent(sign)}`;
};
