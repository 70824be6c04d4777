import type { HttpResponse } from '../../model/ports.ts';
import type { Channel } from '../channel.ts';
import { markdown } from '../markup.ts';
import { packed } from '../pack.ts';
import { bodyText, httpVerdict, type Verdict } from '../verdict.ts';

/** A Teams workflow webhook: adaptive cards, 4 requests a second; a legacy connector hides its errors in the text of a 200. */
export const teams: Channel = {
  name: 'teams',
  rate: { messages: 240, seconds: 60, perSecond: 4 },
  idempotent: false,
  // 28 KB are documented, but clients have met refusals from 21 KB on.
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
    const { status } = response;
    const text = bodyText(response.body).trim();
    if (status === 200 || status === 202) {
      const hidden = inText(text, response, now);
      if (hidden !== undefined) return hidden;
      if (status === 202 || text === '1') return { kind: 'ok' };
      return { kind: 'retry', reason: 'a 200 without a 1' };
    }
    const verdict = httpVerdict(response, now);
    if (verdict.kind === 'ok') return { kind: 'retry', reason: `HTTP ${status} instead of 202` };
    const code = /"code"\s*:\s*"(\w{1,60})"/.exec(text)?.[1];
    const reason = code === undefined ? verdict.reason : `${verdict.reason}: ${code}`;
    const isGone =
      verdict.kind === 'permanent' && /^(Workflow|Trigger).*(NotFound|NotEnabled|Disabled)$/i.test(code ?? '');
    return isGone ? { ...verdict, reason, disable: true } : { ...verdict, reason };
  },
};

/** The verdict on an error that stands in the text of a success. */
const inText = (text: string, response: HttpResponse, now: number): Verdict | undefined => {
  const named = /\bHTTP (?:error|status)(?: code)?:? (\d{3})\b/i.exec(text)?.[1];
  if (named !== undefined) {
    const verdict = httpVerdict({ ...response, status: Number(named) }, now);
    return verdict.kind === 'ok'
      ? undefined
      : { ...verdict, reason: `${verdict.reason} in the text of a ${response.status}` };
  }
  return /\b(delivery failed|error)\b/i.test(text)
    ? { kind: 'retry', reason: `an error in the text of a ${response.status}` }
    : undefined;
};

const colours = { critical: 'Attention', warning: 'Warning', info: 'Accent', resolved: 'Good' } as const;

const block = (text: string, more: Readonly<Record<string, string | boolean>> = {}) => ({
  type: 'TextBlock',
  text,
  wrap: true,
  ...more,
});

const digest = packed({
  // A quote is no markup of cards.
  markup: { ...markdown, aside: (marked) => marked },
  maxBytes: 20_000,
  compose: ({ tone, title, lines, footer, mention }) => {
    const names = mention.map((each) => ({ id: each, text: `<at>${each.replace(/[<>&]/g, '')}</at>` }));
    return JSON.stringify({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.2',
            body: [
              block(markdown.text(title), { size: 'Medium', weight: 'Bolder', color: colours[tone] }),
              // Entries of a list are lines as they are; other lines are paragraphs.
              ...(lines.length === 0 ? [] : [block(lines.join('\n\n').replaceAll('\n\n- ', '\n- '))]),
              ...(names.length === 0 ? [] : [block(names.map(({ text }) => text).join(' '))]),
              block(footer, { size: 'Small', isSubtle: true }),
            ],
            msteams: {
              width: 'full',
              ...(names.length === 0
                ? {}
                : {
                    entities: names.map(({ id, text }) => ({
                      type: 'mention',
                      text,
                      mentioned: { id, name: text.slice(4, -5) },
                    })),
                  }),
            },
          },
        },
      ],
    });
  },
  measure: (body) => Buffer.byteLength(body),
});
