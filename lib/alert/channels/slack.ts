import type { HttpResponse } from '../../model/ports.ts';
import type { Channel } from '../channel.ts';
import type { Markup } from '../markup.ts';
import { packed } from '../pack.ts';
import { fitBytes } from '../text.ts';
import { bodyText, httpVerdict, robotAnswer, type Verdict } from '../verdict.ts';

/** A Slack incoming webhook: blocks, one message a second; `ok` as text is its only yes. */
export const slack: Channel = {
  name: 'slack',
  rate: { messages: 60, seconds: 60, perSecond: 1 },
  idempotent: false,
  // Slack counts characters and blocks, see below; the whole is kept readable besides.
  maxBytes: 20_000,
  measure: ({ body = '' }) => Buffer.byteLength(body),
  plan: (notification, style, saying) => digest.plan(notification, style, saying),
  request: (chunk, target, { deliveryId, ...saying }) => ({
    method: 'POST',
    url: target.url,
    headers: { 'content-type': 'application/json' },
    body: digest.message(chunk, target, saying, deliveryId),
  }),
  verdict: (response, now) => {
    const text = bodyText(response.body);
    if (response.status === 200) return text === 'ok' ? { kind: 'ok' } : notOk(response, now);
    const verdict = httpVerdict(response, now);
    const word = text.slice(0, 100).trim();
    if (verdict.kind === 'ok') return { kind: 'retry', reason: `HTTP ${response.status} instead of 200` };
    const reason = word === '' ? verdict.reason : `${verdict.reason}: ${word}`;
    if (verdict.kind === 'retry') return { ...verdict, reason, ...askedFor(response, verdict.minDelaySeconds) };
    if (verdict.kind === 'permanent' && tooLong.test(word)) return { kind: 'split', reason };
    return verdict.kind === 'permanent' && gone.test(word)
      ? { ...verdict, reason, disable: true }
      : { ...verdict, reason };
  },
};

const gone =
  /\b(no_service|no_service_id|no_team|no_active_hooks|channel_not_found|channel_is_archived|team_disabled)\b/;
const tooLong = /\bmsg_too_long\b/;

/** The body's own rules inside a 200; nothing but `ok` is success. */
const notOk = (response: HttpResponse, now: number): Verdict => {
  const answer = robotAnswer(response);
  const error = typeof answer?.['error'] === 'string' ? answer['error'].slice(0, 100) : '';
  if (answer?.['ok'] !== false)
    return { kind: 'retry', reason: 'a 200 without ok', ...askedFor(response, undefined, now) };
  if (/^rate_?limited$/.test(error))
    return { kind: 'retry', reason: error, throttled: true, ...askedFor(response, undefined, now) };
  return { kind: 'permanent', reason: error === '' ? 'ok is false' : error };
};

/** Retry-After may stand in the body, too. */
const askedFor = (
  response: HttpResponse,
  known: number | undefined,
  now?: number,
): { readonly minDelaySeconds?: number } => {
  const inBody = robotAnswer(response)?.['retry_after'];
  const inHead = now === undefined ? known : headSeconds(response, now);
  const asked = Math.max(inHead ?? 0, typeof inBody === 'number' && Number.isFinite(inBody) ? inBody : 0);
  return asked > 0 ? { minDelaySeconds: asked } : {};
};

const headSeconds = ({ headers, body }: HttpResponse, now: number): number | undefined => {
  const verdict = httpVerdict({ status: 429, headers, body }, now);
  return verdict.kind === 'retry' ? verdict.minDelaySeconds : undefined;
};

const signs = { critical: '🔴', warning: '🟠', info: '🔵', resolved: '✅' } as const;

/** https://api.slack.com/reference/surfaces/formatting: three characters are escaped; what else is markup cannot be, and is left alone. */
const markup: Markup = {
  text: (value) => value.replace(/[&<>`]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[one] ?? 'ˋ'),
  strong: (marked) => `*${marked.replaceAll('*', '∗')}*`,
  link: (label, url) => `<${url.replaceAll('&', '&amp;')}|${markup.text(label)}>`,
  aside: (marked) => `> ${marked}`,
};

/** Limits of Block Kit, in characters; https://api.slack.com/reference/block-kit/blocks. */
const headerChars = 150;
const sectionChars = 3000;
const maxBlocks = 50;

const digest = packed({
  markup,
  maxBytes: 20_000,
  compose: ({ tone, title, lines, footer, mention }) => {
    const sections = gathered([...lines, ...(mention.length === 0 ? [] : [mention.map(mentionOf).join(' ')])]);
    if (sections === undefined || sections.length + 2 > maxBlocks) return undefined;
    // Bytes are never fewer than characters.
    const head = fitBytes(`${signs[tone]} ${title}`, headerChars);
    return JSON.stringify({
      // For notifications, and for clients that know no blocks.
      text: markup.text(`${signs[tone]} ${title}`),
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: head, emoji: true } },
        ...sections.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
        { type: 'context', elements: [{ type: 'plain_text', text: footer }] },
      ],
    });
  },
  measure: (body) => Buffer.byteLength(body),
});

/** Lines in sections, none of them cut; undefined when one is too long for any. */
const gathered = (lines: readonly string[]): string[] | undefined => {
  const sections: string[] = [];
  for (const line of lines) {
    if (line.length > sectionChars) return undefined;
    const last = sections.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= sectionChars)
      sections[sections.length - 1] = `${last}\n${line}`;
    else sections.push(line);
  }
  return sections;
};

const mentionOf = (mention: string): string => {
  const name = mention.replace(/[<>&|]/g, '');
  if (/^@?(all|channel)$/.test(name)) return '<!channel>';
  if (/^@?(here|everyone)$/.test(name)) return `<!${name.replace('@', '')}>`;
  return /^S[A-Z0-9]{6,}$/.test(name) ? `<!subteam^${name}>` : `<@${name.replace(/^@/, '')}>`;
};
