import { fillTemplate, readTemplate } from '#tidemark.template';
import { type Alert, type Severity, severities } from '../model/alert.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Template } from '../model/template.ts';
import type { Chunk, Saying, Style } from './channel.ts';
import { linkable, type Markup } from './markup.ts';
import { fitBytes, manyLines, oneLine } from './text.ts';
import { type Words, words } from './words.ts';

/** A message in a channel's markup, ready to be laid out. */
export interface Said {
  readonly tone: Severity | 'resolved';
  /** Plain text on one line. */
  readonly title: string;
  /** Marked up, each whole in itself: no tag, link or emphasis runs over its end. */
  readonly lines: readonly string[];
  /** Plain text on one line: the start and the fingerprint of a single alert, and the short delivery id. */
  readonly footer: string;
  /** People to page: only where something critical fires. */
  readonly mention: readonly string[];
}

/** How much is said: a value is cut to so many bytes, and so many labels are listed. */
export interface Detail {
  readonly bytes: number;
  readonly labels: number;
}

/** From all there is to what fits anywhere; a chunk of several alerts says less of each. */
export const detailsOf = ({ notification, brief }: Chunk): readonly Detail[] => {
  const details = notification.alerts.length === 1 ? single : several;
  return brief === true && details === single ? details.slice(2) : details;
};

const single: readonly Detail[] = [
  { bytes: 3000, labels: 60 },
  { bytes: 1000, labels: 40 },
  { bytes: 300, labels: 30 },
  { bytes: 100, labels: 20 },
  { bytes: 40, labels: 8 },
  { bytes: 16, labels: 2 },
];
const several: readonly Detail[] = [
  { bytes: 160, labels: 12 },
  { bytes: 80, labels: 8 },
  { bytes: 40, labels: 4 },
  { bytes: 16, labels: 1 },
];

/** The worst first: what fires before what has ended, then by severity; then by time. The same alerts have one order. */
export const worstFirst = (alerts: readonly Alert[]): Alert[] =>
  [...alerts].sort((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  });

const severityOf = ({ labels }: Alert): Severity =>
  severities.includes(labels['severity'] as Severity) ? (labels['severity'] as Severity) : 'warning';

const kindOf = (alert: Alert): string => `${alert.status === 'firing' ? 0 : 1}${severities.indexOf(severityOf(alert))}`;

const keyOf = (alert: Alert): string => `${kindOf(alert)}${alert.startsAt}${alert.fingerprint}`;

/** Puts a chunk into words. Throws a Failure when the user's template does. */
export const say = (
  chunk: Chunk,
  {
    style,
    saying,
    deliveryId,
    markup,
    detail,
  }: {
    readonly style: Style;
    readonly saying: Saying;
    readonly deliveryId: string;
    readonly markup: Markup;
    readonly detail: Detail;
  },
): Said => {
  const { alerts } = chunk.notification;
  const [worst] = alerts as readonly [Alert];
  const { receiver } = chunk.notification;
  const speaking = { ...detail, style, saying, markup, words: words[style.language ?? 'en'], chunk, receiver };
  const id = deliveryId.slice(0, 8);
  const isCritical = alerts.some((alert) => alert.status === 'firing' && severityOf(alert) === 'critical');
  const said = alerts.length === 1 ? sayOne(worst, speaking) : saySeveral(alerts, speaking);
  return {
    ...said,
    tone: worst.status === 'resolved' ? 'resolved' : severityOf(worst),
    footer: alerts.length === 1 ? `${worst.startsAt} · ${worst.fingerprint} · ${id}` : id,
    mention: isCritical ? (style.mention ?? []) : [],
  };
};

/** All that the words of one alert depend on. */
interface Writing extends Detail {
  readonly style: Style;
  readonly saying: Saying;
  readonly markup: Markup;
  readonly receiver: string;
}

interface Speaking extends Writing {
  readonly words: Words;
  readonly chunk: Chunk;
}

type Body = Pick<Said, 'title' | 'lines'>;

const sayOne = (alert: Alert, speaking: Speaking): Body => {
  const { markup, saying, words: say } = speaking;
  const { alertname = '', severity: _, ...labels } = alert.labels;
  const { summary = '', description = '', ...others } = alert.annotations;
  const own = templated(alert, speaking);
  const ended =
    alert.status === 'resolved' && alert.endsAt !== undefined ? [`${say.ended}${say.colon}${alert.endsAt}`] : [];
  const links = linksOf(alert, speaking);
  const plain = Object.entries(others).filter(([name]) => addressOf(alert, name, saying) === undefined);
  return {
    title: `${headOf(alert, speaking)} ${cut(alertname, speaking, 200)} · ${say.severity[severityOf(alert)]}${marksOf(speaking)}`,
    lines: [
      ...(own ?? [
        ...linesOf(summary, speaking),
        ...pairsOf(Object.entries(labels), speaking).map(markup.aside),
        ...linesOf(description, speaking).map(markup.aside),
        ...pairsOf(plain, speaking).map(markup.aside),
      ]),
      ...[...ended, ...(links.length === 0 ? [] : [links.join(' · ')])].map(markup.aside),
    ],
  };
};

const saySeveral = (alerts: readonly Alert[], speaking: Speaking): Body => {
  const { markup, words: say } = speaking;
  const shared = sharedBy(alerts);
  const kinds = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const kind = kindOf(alert);
    kinds.set(kind, [...(kinds.get(kind) ?? []), alert]);
  }
  const [first] = alerts as readonly [Alert];
  const count = say.alerts(alerts.length);
  const name = shared.name === undefined ? '' : `${say.colon}${cut(shared.name, speaking, 200)}`;
  const isOneKind = kinds.size === 1;
  const labels = pairsOf(Object.entries(shared.labels), { ...speaking, labels: speaking.labels * 2 });
  const runbook = shared.runbook === undefined ? undefined : linkable(shared.runbook);
  return {
    title: `${headOf(first, speaking)} ${count}${name} · ${isOneKind ? say.severity[severityOf(first)] : countsOf(kinds, say)}${marksOf(speaking)}`,
    lines: [
      ...(labels.length === 0 ? [] : [markup.aside(labels.join(' · '))]),
      ...(runbook === undefined ? [] : [markup.aside(markup.link(say.runbook, runbook))]),
      ...[...kinds.values()].flatMap((some) => [
        ...(isOneKind
          ? []
          : [
              markup.strong(
                markup.text(
                  `${headOf(some[0] as Alert, speaking)} ${say.severity[severityOf(some[0] as Alert)]} (${some.length})`,
                ),
              ),
            ]),
        ...some.map((alert) => entryOf(alert, shared, speaking)),
      ]),
    ],
  };
};

/** `critical 2, warning 9, resolved 3`. */
const countsOf = (kinds: ReadonlyMap<string, readonly Alert[]>, say: Words): string => {
  const counts = new Map<string, number>();
  for (const some of kinds.values()) {
    const [first] = some as readonly [Alert, ...Alert[]];
    const name = first.status === 'resolved' ? say.resolved.toLowerCase() : say.severity[severityOf(first)];
    counts.set(name, (counts.get(name) ?? 0) + some.length);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
};

/** One alert in one plain sentence, for tools that give it a form of their own. Throws a Failure when the user's template does. */
export const sentence = (alert: Alert, style: Style & { readonly name: string }, saying: Saying): string => {
  const own = templated(alert, { style, saying, receiver: style.name, markup: plain, bytes: 2000, labels: 0 });
  if (own !== undefined) return own.join(' ');
  const { alertname = '', severity: _, ...labels } = alert.labels;
  const { summary = '', description = '' } = alert.annotations;
  const rest = oneLine(summary || description) || Object.values(labels).map(oneLine).join(' ');
  return rest === '' ? oneLine(alertname) : `${oneLine(alertname)}: ${rest}`;
};

const plain: Markup = {
  text: (value) => value,
  strong: (marked) => marked,
  link: (_, url) => url,
  aside: (marked) => marked,
};

/** What all alerts of a message have in common is said once. */
interface Shared {
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly runbook?: string;
}

const sharedBy = (alerts: readonly Alert[]): Shared => {
  const [first, ...others] = alerts as readonly [Alert, ...Alert[]];
  const { alertname, severity: _, ...labels } = first.labels;
  const isShared = (name: string, value: string | undefined) => others.every((alert) => alert.labels[name] === value);
  const runbook = first.annotations['runbook_url'];
  return {
    ...(alertname !== undefined && isShared('alertname', alertname) ? { name: alertname } : {}),
    labels: Object.fromEntries(Object.entries(labels).filter(([name, value]) => isShared(name, value))),
    ...(runbook !== undefined && others.every(({ annotations }) => annotations['runbook_url'] === runbook)
      ? { runbook }
      : {}),
  };
};

/** One alert of several: one line, or those of the user's template. */
const entryOf = (alert: Alert, shared: Shared, speaking: Speaking): string => {
  const { markup, chunk } = speaking;
  const { alertname = '', severity: _, ...labels } = alert.labels;
  const end = `${alert.startsAt} · ${alert.fingerprint}`;
  const own = templated(alert, speaking);
  if (own !== undefined) return `- ${[...own, end].join(' · ')}`;
  const distinct = Object.entries(labels).filter(([name]) => shared.labels[name] === undefined);
  // In a storm labels must do to tell alerts apart, and links are kept for what is critical.
  const isBrief = chunk.brief === true;
  const summary =
    isBrief && distinct.length > 0
      ? ''
      : cut(alert.annotations['summary'] ?? alert.annotations['description'] ?? '', speaking);
  const hasLinks = !isBrief || (alert.status === 'firing' && severityOf(alert) === 'critical');
  const parts = [
    ...(shared.name === undefined ? [markup.strong(markup.text(cut(alertname, speaking, 120)))] : []),
    ...pairsOf(distinct, speaking, '='),
    ...(summary === '' ? [] : [markup.text(summary)]),
    ...(hasLinks ? linksOf(alert, speaking, shared) : []),
    end,
  ];
  return `- ${parts.join(' · ')}`;
};

const headOf = ({ status }: Alert, { words: say }: Speaking): string =>
  `[${status === 'firing' ? say.firing : say.resolved}]`;

/** Which part of how many, and how late. */
const marksOf = ({ chunk: { part, parts, notification }, words: say }: Speaking): string => {
  const { lateMinutes, lateOf } = notification;
  const place = parts > 1 ? ` (${part}/${parts})` : '';
  if (lateMinutes === undefined) return place;
  return `${place} · ${lateOf === undefined ? say.late(lateMinutes) : say.someLate(lateOf.length, lateMinutes)}`;
};

const cut = (value: string, { bytes }: Detail, most = Number.POSITIVE_INFINITY): string =>
  fitBytes(oneLine(value), Math.min(bytes, most));

const linesOf = (value: string, { bytes, markup }: Speaking): string[] =>
  fitBytes(manyLines(value), bytes)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(markup.text);

const pairsOf = (
  pairs: readonly (readonly [string, string])[],
  speaking: Speaking,
  between: string = speaking.words.colon,
): string[] => {
  const { markup, labels, words: say } = speaking;
  const said = pairs
    .slice(0, labels)
    .map(([name, value]) => markup.text(`${cut(name, speaking, 120)}${between}${cut(value, speaking)}`));
  return pairs.length > labels ? [...said, markup.text(say.more(pairs.length - labels))] : said;
};

/** Annotations that hold addresses: they become links and are not listed. */
const linkNames = new Map<string, 'runbook' | 'dashboard' | 'report'>([
  ['runbook_url', 'runbook'],
  ['dashboard_url', 'dashboard'],
  ['panel_url', 'dashboard'],
  ['report', 'report'],
]);

/** Links of an alert in markup: its trace first. A trace without a configured address is named by its id. */
const linksOf = (alert: Alert, speaking: Speaking, shared?: Shared): string[] => {
  const { markup, words: say } = speaking;
  const page = tracePage(alert, speaking.saying);
  const found: string[] = [];
  if (page !== undefined) found.push(markup.link(say.trace, page));
  else if (alert.trace !== undefined)
    found.push(markup.text(`${say.trace}${say.colon}${cut(alert.trace.traceId, speaking, 64)}`));
  for (const { label, url } of addressesOf(alert, speaking.saying)) {
    if (label === 'source' && shared !== undefined) continue;
    if (label === 'runbook' && shared?.runbook !== undefined) continue;
    found.push(markup.link(say[label], url));
  }
  return found;
};

/** The page of an alert's trace. */
export const tracePage = ({ trace }: Alert, { traceUrl }: Saying): string | undefined =>
  trace === undefined || traceUrl === undefined
    ? undefined
    : linkable(
        traceUrl
          .replaceAll('{traceId}', encodeURIComponent(trace.traceId.toWellFormed()))
          .replaceAll('{spanId}', encodeURIComponent(trace.spanId.toWellFormed())),
      );

/** Addresses of an alert's own, besides its trace. */
export const addressesOf = (
  alert: Alert,
  saying: Saying,
): { readonly label: 'runbook' | 'dashboard' | 'report' | 'source'; readonly url: string }[] =>
  [
    ...[...linkNames].map(([name, label]) => ({ label, url: addressOf(alert, name, saying) })),
    { label: 'source' as const, url: linkable(alert.generatorURL ?? '') },
  ].filter((each): each is { label: typeof each.label; url: string } => each.url !== undefined);

/** The address in an annotation that holds one. A report is named by its key in the bucket, unless it is an address itself. */
const addressOf = ({ annotations }: Alert, name: string, { reportUrl }: Saying): string | undefined => {
  const value = annotations[name];
  if (value === undefined || !linkNames.has(name)) return undefined;
  const url = linkable(value);
  if (url !== undefined || name !== 'report' || reportUrl === undefined) return url;
  return linkable(reportUrl.replaceAll('{report}', value.toWellFormed().split('/').map(encodeURIComponent).join('/')));
};

/** The user's own words of an alert, undefined without a template. What is too long for the detail asked for is said as plain text, cut. */
const templated = (alert: Alert, writing: Writing): string[] | undefined => {
  const { style, saying, markup, receiver, bytes } = writing;
  const { template } = style;
  if (template === undefined) return undefined;
  const traceUrl = tracePage(alert, saying);
  const context = { receiver, ...given({ traceUrl }) };
  const filled =
    typeof template === 'function'
      ? called(template, alert, context)
      : fillTemplate(templateOf(template), alert, context, (value, field) =>
          field === 'traceUrl'
            ? value
            : (field === 'generatorURL' && linkable(value)) || markup.text(cut(value, writing)),
        );
  const most = bytes * 4;
  const text = manyLines(filled);
  if (Buffer.byteLength(text) <= most) return text.split('\n').filter((line) => line.trim() !== '');
  return [markup.text(fitBytes(oneLine(text), most))];
};

const called = (
  template: Exclude<Style['template'], string | undefined>,
  ...given: Parameters<typeof template>
): string => {
  let said: unknown;
  try {
    said = template(...given);
  } catch (thrown) {
    throw new Failure('misconfigured', `the template throws: ${Failure.from(thrown).message}`, { cause: thrown });
  }
  if (typeof said === 'string') return said;
  throw new Failure('misconfigured', `the template answers ${typeof said}, and text is expected`);
};

const read = new Map<string, Template>();
const templateOf = (text: string): Template => {
  const known = read.get(text);
  if (known !== undefined) return known;
  const result = readTemplate(text);
  // Synth has refused it before; a file that was edited since has not.
  if ('error' in result) throw new Failure('misconfigured', `the template cannot be read: ${result.error}`);
  read.set(text, result.template);
  return result.template;
};
