import type { Target } from './channel.ts';
import type { Verdict } from './verdict.ts';

/** Shorter texts are words that any answer may hold. */
const leastLength = 6;

/**
 * A verdict whose reason holds no secret of its target, whole or cut off: a destination may repeat in its answer what it was sent, and
 * a reason goes to logs, ledger and dead letters.
 */
export const hideSecrets = (target: Target, verdict: Verdict): Verdict => {
  if (verdict.kind === 'ok') return verdict;
  let { reason } = verdict;
  const secrets = secretsOf(target);
  for (const secret of secrets) reason = reason.replaceAll(secret, '***');
  for (const secret of secrets) reason = withoutBeginning(reason, secret);
  return { ...verdict, reason };
};

/** A reason that was cut in the middle of a secret ends with the beginning of it. */
const withoutBeginning = (reason: string, secret: string): string => {
  const end = reason.replace(/[….]+$/, '');
  for (let length = Math.min(secret.length - 1, end.length); length >= leastLength; length -= 1)
    if (end.endsWith(secret.slice(0, length))) return `${end.slice(0, -length)}***`;
  return reason;
};

/** Longest first, so that a whole address goes before its parts. */
const secretsOf = ({ url, secrets = [], headers = {} }: Target): readonly string[] => {
  const texts = [
    url,
    ...partsOf(url),
    ...[...secrets, ...Object.values(headers)].flatMap((text) => [text, bare(text)]),
  ];
  // As they stand in a URL, and as JSON writes them inside of a text.
  const forms = texts.flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)]);
  return [...new Set(forms)].filter((text) => text.length >= leastLength).sort((a, b) => b.length - a.length);
};

/** Without the word that says what kind of secret it is. */
const bare = (text: string): string => text.replace(/^(?:whsec_|whsk_|Bearer |Basic |GenieKey )/i, '');

/** What of an address may be secret: its query and the longer parts of its path. */
const partsOf = (text: string): readonly string[] => {
  if (!URL.canParse(text)) return [];
  const { pathname, search, searchParams } = new URL(text);
  const raw = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  const segments = pathname.split('/').filter((part) => part.length >= 16);
  return [...raw, ...searchParams.values(), ...segments, ...segments.map(decoded)];
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
