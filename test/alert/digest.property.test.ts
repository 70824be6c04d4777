import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeCrypto } from '../../lib/adapters/crypto.ts';
import type { Channel, Chunk, Notification, Style, Target } from '../../lib/alert/channel.ts';
import { channels } from '../../lib/alert/channels/index.ts';
import type { Alert } from '../../lib/model/alert.ts';
import { alertSets } from './digest-cases.ts';

/** So many sets of alerts for each channel: `TIDEMARK_DIGEST_RUNS=100000 node --test test/alert/digest.property.test.ts`. */
const numRuns = Number(process.env['TIDEMARK_DIGEST_RUNS'] ?? 60);

const sending = { deliveryId: '0123456789abcdef', now: 1.7e12, crypto: nodeCrypto };
const saying = { traceUrl: 'https://traces.example/{traceId}', reportUrl: 'https://reports.example/{report}' };
const secrets = ['whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'];

const styles: fc.Arbitrary<Style> = fc.record(
  {
    language: fc.constantFrom('en' as const, 'zh' as const),
    mention: fc.constantFrom(['carol'], ['@all', '13800000000'], ['U0123ABC', 'ou_1']),
    template: fc.constantFrom(
      '{{name}}: {{#summary}}{{summary}} {{/summary}}{{^labels.pod}}no pod{{/labels.pod}}\n{{annotations.description}}',
      ({ labels }: Alert) => `${'x'.repeat((labels['pod'] ?? '').length * 100)}`,
    ),
  },
  { requiredKeys: [] },
);

/** The texts of a message that are markup, those that are plain, and the markup without what is escaped. */
interface Form {
  readonly marked: readonly string[];
  readonly plain: readonly string[];
  readonly check: (marked: string) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: a message of another's making, which the test takes apart.
type Json = Record<string, any>;

const balancedMarkdown = (marked: string): void => {
  for (const line of marked.split('\n')) {
    assert.equal(line.split('**').length % 2, 1, `bold is not closed: ${line}`);
    for (const after of line.split('](').slice(1))
      assert.match(after, /^https?:\/\/[^\s()<>]+\)/, `a link is cut: ${line}`);
  }
};

const forms: Readonly<Record<string, (body: Json) => Form>> = {
  wecom: (body) => {
    const { markdown, text } = body as Record<string, { content: string } | undefined>;
    return {
      marked: markdown === undefined ? [] : [markdown.content],
      plain: text === undefined ? [] : [text.content],
      check: (marked) => {
        balancedMarkdown(marked);
        const tags = marked.match(/<[a-z/@!][^>]*>?/gi) ?? [];
        for (const tag of tags)
          assert.match(tag, /^(<font color="(info|comment|warning)">|<\/font>|<@[\w@]+>)$/, `tag: ${tag}`);
        const fonts = tags.filter((tag) => tag.includes('font'));
        assert.ok(fonts.every((tag, at) => tag.startsWith('</') === (at % 2 === 1)) && fonts.length % 2 === 0);
      },
    };
  },
  dingtalk: (body) => {
    const { title, text } = body['markdown'] as Record<string, string>;
    return {
      marked: [text ?? ''],
      plain: [title ?? ''],
      check: (marked) => {
        const bare = marked.replace(/\\[^\s\w]/g, '');
        balancedMarkdown(bare);
        assert.doesNotMatch(bare, /<[a-z/!]/i);
      },
    };
  },
  feishu: (body) => {
    const { header, elements } = body['card'] as {
      header: { title: { content: string } };
      elements: { content?: string; elements?: { content: string }[] }[];
    };
    return {
      marked: elements.flatMap(({ content }) => content ?? []),
      plain: [
        header.title.content,
        ...elements.flatMap(({ elements: inner = [] }) => inner.map(({ content }) => content)),
      ],
      check: (marked) => {
        balancedMarkdown(marked);
        const bare = marked.replace(/\]\([^)]*\)/g, '');
        for (const entity of bare.match(/&.{0,6}/g) ?? []) assert.match(entity, /^&#\d{2,3};/);
        for (const tag of bare.match(/<[^>]*>?/g) ?? []) assert.match(tag, /^(<at (id|email)=[^<>\s]+>|<\/at>)$/);
      },
    };
  },
  slack: (body) => {
    const blocks = body['blocks'] as { type: string; text?: { text: string }; elements?: { text: string }[] }[];
    assert.ok(blocks.length <= 50);
    const texts = (type: string) =>
      blocks.filter((block) => block.type === type).map((block) => block.text?.text ?? '');
    for (const header of texts('header')) assert.ok(header.length <= 150 && header.length > 0);
    for (const section of texts('section')) assert.ok(section.length <= 3000 && section.length > 0);
    return {
      marked: texts('section'),
      plain: [...texts('header'), ...blocks.flatMap(({ elements = [] }) => elements.map(({ text }) => text))],
      check: (marked) => {
        for (const entity of marked.match(/&.{0,4}/g) ?? []) assert.match(entity, /^&(amp|lt|gt);/);
        for (const tag of marked.match(/<[^>]*>?/g) ?? [])
          assert.match(tag, /^<(https?:\/\/[^\s<>|]+\|[^<>|]+|@[\w@]+|![\w^]+)>$/, `tag: ${tag}`);
        assert.equal(
          marked.replace(/<[^>]*>/g, '').match(/(?<=<)|>/g)?.length ?? 0,
          (marked.match(/^> /gm) ?? []).length,
        );
      },
    };
  },
  teams: (body) => {
    const [attachment] = body['attachments'] as { content: { body: { text: string }[] } }[];
    const texts = (attachment?.content.body ?? []).map(({ text }) => text);
    return {
      marked: texts.filter((text) => !text.includes('<at>')),
      plain: [],
      check: (marked) => balancedMarkdown(marked.replace(/\\[^\s\w]/g, '')),
    };
  },
};

/** Identities in one message, in order, with what its texts show. */
const shownBy = (name: string, chunk: Chunk, body: string): string[] => {
  const value = JSON.parse(body) as Json;
  const form = forms[name]?.(value);
  for (const each of textsIn(value)) assert.ok(each.isWellFormed(), 'a lone surrogate');
  if (form === undefined) return chunk.notification.alerts.map(({ fingerprint }) => fingerprint);
  for (const marked of form.marked) form.check(marked);
  return [...form.marked, ...form.plain].flatMap((each) =>
    [...each.matchAll(/\d{4}-\d\d-\d\dT[\d:.]+Z · ([0-9a-f]{16})/g)].map(([, fingerprint]) => fingerprint ?? ''),
  );
};

const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, inner]) => [name, ...textsIn(inner)])
      : [];

/** How late some alerts or all have become when they are sent, which may be known when they are planned. */
interface Late {
  readonly minutes: number;
  readonly share: number;
  readonly isKnown: boolean;
}
const lateness = fc.option(
  fc.record({ minutes: fc.nat(5000), share: fc.double({ min: 0, max: 1, noNaN: true }), isKnown: fc.boolean() }),
  { nil: undefined },
);
const asLate = (notification: Notification, late: Late | undefined): Notification => {
  if (late === undefined) return notification;
  const { alerts } = notification;
  const lateOf = alerts.slice(0, Math.ceil(alerts.length * late.share)).map(({ fingerprint }) => fingerprint);
  const isAll = lateOf.length === alerts.length;
  return { ...notification, lateMinutes: late.minutes, ...(isAll ? {} : { lateOf }) };
};

for (const [name, channel] of Object.entries(channels) as [string, Channel][]) {
  test(`${name}: every message is within its limit and valid; no alert is lost and none told twice`, () => {
    fc.assert(
      fc.property(alertSets(40), styles, lateness, (alerts, style, late) => {
        const notification = { receiver: 'r', groupKey: 'g', groupLabels: {}, alerts };
        const target: Target = { ...style, name: 'r', url: channel.url ?? 'https://robot.example/', secrets };
        const chunks = channel.plan(late?.isKnown === true ? asLate(notification, late) : notification, style, saying);
        const shown = chunks.flatMap((chunk) => {
          const sent = { ...chunk, notification: asLate(chunk.notification, late) };
          const request = channel.request(sent, target, { ...saying, ...sending });
          const bytes = channel.measure(request);
          assert.ok(bytes <= channel.maxBytes, `${bytes} bytes`);
          const found = shownBy(name, chunk, String(request.body));
          return chunk.kind === 'message' ? found : [];
        });
        const wanted = alerts.map(({ fingerprint }) => fingerprint);
        assert.deepEqual([...shown].sort(), [...wanted].sort());
        const planned = chunks.filter(({ kind }) => kind === 'message').flatMap((chunk) => chunk.notification.alerts);
        assert.deepEqual(planned.map(({ fingerprint }) => fingerprint).sort(), [...wanted].sort());
      }),
      { numRuns },
    );
  });
}
