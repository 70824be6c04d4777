import type { BaggagePolicy } from '../model/config/propagation.ts';
import type { BaggageEntry } from '../model/trace-context.ts';

/** W3C asks for 64 members and 8,192 bytes at least; more than this is dropped, member by member. */
export const baggageLimits = { members: 180, memberBytes: 4096, bytes: 8192 } as const;

/** Reads a W3C `baggage` header. Malformed members are skipped, members past a limit dropped. Never throws. */
export const readBaggage = (header: string, policy: BaggagePolicy = 'all'): readonly BaggageEntry[] | undefined => {
  const entries = new Map<string, BaggageEntry>();
  let bytes = -1;
  for (const text of policy === 'none' ? [] : header.split(',', baggageLimits.members)) {
    bytes += text.length + 1;
    if (bytes > baggageLimits.bytes) break;
    const entry = text.length > baggageLimits.memberBytes ? undefined : memberOf(text);
    // Of a key that repeats the last value counts, in the first place.
    if (entry !== undefined && (policy === 'all' || policy.includes(entry.key))) entries.set(entry.key, entry);
  }
  return entries.size === 0 ? undefined : [...entries.values()];
};

/** Writes entries as a `baggage` header of at most `maxBytes`; what does not fit is dropped whole. Empty: nothing to write. */
export const writeBaggage = (entries: readonly BaggageEntry[], maxBytes: number = baggageLimits.bytes): string => {
  let header = '';
  for (const { key, value, properties } of entries.slice(0, baggageLimits.members)) {
    if (!isToken(key)) continue;
    const tail = properties === undefined || !isPrintable(properties) ? '' : `;${properties}`;
    const member = `${key}=${percentEncoded(value)}${tail}`;
    if (member.length > baggageLimits.memberBytes) continue;
    if (header.length + member.length + (header === '' ? 0 : 1) > maxBytes) continue;
    header = header === '' ? member : `${header},${member}`;
  }
  return header;
};

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** Key, value, properties. The value is of the baggage octets: neither quotes nor backslashes are among them. */
const member = new RegExp(`^[ \\t]*(${token})[ \\t]*=[ \\t]*([!#-+\\--:<-[\\]-~]*)[ \\t]*(?:;[ \\t]*(.*))?$`, 's');

const memberOf = (text: string): BaggageEntry | undefined => {
  const match = member.exec(text);
  if (match === null) return undefined;
  const [, key = '', value = '', rest = ''] = match;
  const properties = rest.trimEnd();
  const entry = { key, value: percentDecoded(value) };
  return properties === '' || !isPrintable(properties) ? entry : { ...entry, properties };
};

/** RFC 9110 token. */
const isToken = (text: string): boolean => new RegExp(`^${token}$`).test(text);

const isPrintable = (text: string): boolean => /^[\x20-\x2b\x2d-\x7e\t]*$/.test(text);

const percentDecoded = (text: string): string => {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // W3C: what is no UTF-8 becomes U+FFFD.
    const bytes = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
};

/** Lone surrogates become U+FFFD, since UTF-8 cannot say them. */
const percentEncoded = (text: string): string => encodeURIComponent(text.toWellFormed());
