import type { Alert } from './alert.ts';

/**
 * A text with `{{…}}` in it, in the manner of mustache: `{{labels.pod}}` is a value, `{{#annotations.description}}…{{/annotations.description}}`
 * stands only where there is one, `{{^…}}…{{/…}}` only where there is none. It knows values and nothing else: no code, no file, no loop.
 */
export type Template = readonly Part[];

type Part =
  | string
  | { readonly field: string; readonly parts?: undefined }
  | { readonly field: string; readonly isAbsent: boolean; readonly parts: Template };

/** What a template may say of an alert, besides `labels.…` and `annotations.…`. */
export const templateFields = [
  'name',
  'severity',
  'status',
  'summary',
  'description',
  'startsAt',
  'endsAt',
  'fingerprint',
  'generatorURL',
  'traceId',
  'traceUrl',
  'receiver',
] as const;

/** What is known besides the alert itself. */
export interface TemplateContext {
  readonly receiver: string;
  /** The page of the alert's trace; absent when it has none, or no address is configured. */
  readonly traceUrl?: string;
}

/** Reads a template, or says what is wrong with it and where. Never throws. */
export const readTemplate = (text: string): { readonly template: Template } | { readonly error: string } => {
  const open: { readonly field: string; readonly isAbsent: boolean; readonly parts: Part[] }[] = [
    { field: '', isAbsent: false, parts: [] },
  ];
  const into = () => (open.at(-1) as (typeof open)[number]).parts;
  let at = 0;
  for (;;) {
    const start = text.indexOf('{{', at);
    into().push(text.slice(at, start < 0 ? undefined : start));
    if (start < 0) break;
    const end = text.indexOf('}}', start);
    if (end < 0) return { error: `the {{ at character ${start + 1} is not closed` };
    at = end + 2;
    const inner = text.slice(start + 2, end).trim();
    const mark = /^[#^/]/.exec(inner)?.[0];
    const field = (mark === undefined ? inner : inner.slice(1)).trim();
    const wrong = wrongField(field);
    if (wrong !== undefined) return { error: `{{${inner}}}: ${wrong}` };
    if (mark === undefined) into().push({ field });
    else if (mark !== '/') open.push({ field, isAbsent: mark === '^', parts: [] });
    else {
      const closed = open.length > 1 ? open.pop() : undefined;
      if (closed?.field !== field) return { error: `{{/${field}}} closes nothing that is open` };
      into().push(closed);
    }
  }
  const [unclosed] = open.slice(1);
  return unclosed === undefined
    ? { template: into() }
    : { error: `{{${unclosed.isAbsent ? '^' : '#'}${unclosed.field}}} is not closed` };
};

const wrongField = (field: string): string | undefined => {
  if (/^(labels|annotations)\.\S+$/.test(field)) return undefined;
  if ((templateFields as readonly string[]).includes(field)) return undefined;
  return `no such field; there are labels.<name>, annotations.<name>, ${templateFields.join(', ')}`;
};

/** Fills a template in; `say` is asked for the form of each value. A field that is absent says nothing. */
export const fillTemplate = (
  template: Template,
  alert: Alert,
  context: TemplateContext,
  say: (value: string, field: string) => string,
): string =>
  template
    .map((part) => {
      if (typeof part === 'string') return part;
      const value = fieldOf(part.field, alert, context);
      if (part.parts === undefined) return value === '' ? '' : say(value, part.field);
      return (value === '') === part.isAbsent ? fillTemplate(part.parts, alert, context, say) : '';
    })
    .join('');

const fieldOf = (field: string, alert: Alert, context: TemplateContext): string => {
  const { labels, annotations, trace } = alert;
  const [, kind, name = ''] = /^(labels|annotations)\.(.+)$/.exec(field) ?? [];
  if (kind !== undefined) {
    const from = kind === 'labels' ? labels : annotations;
    return Object.hasOwn(from, name) ? (from[name] ?? '') : '';
  }
  const { alertname = '', severity = '' } = labels;
  const { summary = '', description = '' } = annotations;
  const { receiver, traceUrl = '' } = context;
  const { status, startsAt, endsAt = '', fingerprint, generatorURL = '' } = alert;
  const values = {
    name: alertname,
    severity,
    status,
    startsAt,
    endsAt,
    fingerprint,
    generatorURL,
    receiver,
    traceUrl,
    summary,
    description,
  };
  return { ...values, traceId: trace?.traceId ?? '' }[field as keyof typeof values] ?? '';
};
