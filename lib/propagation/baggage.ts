import type { BaggagePolicy } from '../model/config/propagation.ts';
import type { BaggageEntry } from '../model/trace-context.ts';

/** W3C asks for 64 members and 8,192 bytes at least; more than this is dropped, member by member. */
export const baggageLimits = { members: 180, memberBytes: 4096, bytes: 8192 } as const;

/** Reads a W3C `baggage` header. Malformed members are skipped, members past a limit dropped. Never throws. */
export const readBaggage = (header: string, policy: BaggagePolicy = 'all'): readonly BaggageEntry[] | undefined => {
  if (policy === 'none') return undefined;
  const entries: BaggageEntry[] = [];
  let start = 0;
  let bytes = 0;
  while (start < header.length && entries.length < baggageLimits.members) {
    const comma = header.indexOf(',', start);
    const end = comma < 0 ? header.length : comma;
    const size = end - start;
    bytes += size + (start === 0 ? 0 : 1);
    if (bytes > baggageLimits.bytes) break;
    const entry = size > baggageLimits.memberBytes ? undefined : memberOf(header.slice(start, end));
    if (entry !== undefined && (policy === 'all' || policy.includes(entry.key))) {
      const same = entries.findIndex(({ key }) => key === entry.key);
      if (same < 0) entries.push(entry);
      else entries[same] = entry;
    }
    start = end + 1;
  }
  return entries.length === 0 ? undefined : entries;
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

const memberOf = (text: string): BaggageEntry | undefined => {
  const semicolon = text.indexOf(';');
  const pair = semicolon < 0 ? text : text.slice(0, semicolon);
  const equals = pair.indexOf('=');
  if (equals < 1) return undefined;
  const key = pair.slice(0, equals).trim();
  const value = pair.slice(equals + 1).trim();
  if (!isToken(key) || !isValue(value)) return undefined;
  const properties = semicolon < 0 ? '' : text.slice(semicolon + 1).trim();
  const decoded = percentDecoded(value);
  return properties === '' || !isPrintable(properties) ? { key, value: decoded } : { key, value: decoded, properties };
};

/** RFC 9110 token. */
const isToken = (text: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);

/** The baggage octets, except that a comma or semicolon cannot be here any more. Quotes are let through, as other readers do. */
const isValue = (text: string): boolean => /^[\x21-\x7e]*$/.test(text);

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
