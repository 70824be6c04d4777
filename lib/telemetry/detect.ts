import type { PersonalKind } from '../model/config/telemetry.ts';
import { unescaped } from './unescape.ts';

/** Something that must not leave: from `start` up to `end`, in UTF-16 code units. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly kind: PersonalKind;
}

/**
 * Personal data and credentials in a text, in order and without overlaps. Hand-written scanners in place of regular expressions: every
 * step looks at a bounded number of characters, or at ones that no later step looks at again, so hostile text costs linear time. What
 * has a checksum is checked, so that ids, times, versions and addresses of machines stay.
 */
export const detect = (given: string, kinds: ReadonlySet<PersonalKind>): readonly Found[] => {
  const text = narrow(given);
  let found = scan(text, kinds);
  // As it stands, and as it is meant: an address in a URL in a URL is escaped twice.
  let places: Uint32Array | undefined;
  let view = unescaped(text);
  for (let layer = 1; view !== undefined; layer++) {
    const { starts } = view;
    const before = places;
    places = before === undefined ? starts : starts.map((start) => before[start] as number);
    found = united(found, scan(view.text, kinds), places);
    view = layer === maxLayers ? undefined : unescaped(view.text);
  }
  return found;
};

const maxLayers = 3;

/** Both, in order; `places` are those of the second ones in the first ones' text. What overlaps becomes one of the longer one's kind. */
const united = (some: readonly Found[], others: readonly Found[], places: Uint32Array): readonly Found[] => {
  if (others.length === 0) return some;
  const meant = others.map(({ start, end, kind }) => ({
    start: places[start] as number,
    end: places[end] as number,
    kind,
  }));
  const all = [...some, ...meant].sort((a, b) => a.start - b.start || b.end - a.end);
  const out: Found[] = [];
  for (const each of all) {
    const last = out.at(-1);
    if (last === undefined || each.start >= last.end) out.push(each);
    else {
      const kind = each.end - each.start > last.end - last.start ? each.kind : last.kind;
      out[out.length - 1] = { start: last.start, end: Math.max(last.end, each.end), kind };
    }
  }
  return out;
};

const scan = (text: string, kinds: ReadonlySet<PersonalKind>): readonly Found[] => {
  let found: Found[] | undefined;
  const { length } = text;
  const runs = new Base64UrlRuns(text);
  /** End of the last address: the next one begins after it. */
  let addressed = 0;
  let at = 0;
  const take = (start: number, end: number, kind: PersonalKind): void => {
    found ??= [];
    let from = start;
    // An address swallows what its local part was taken for before (`13812345678@…`).
    for (let last = found.at(-1); last !== undefined && last.end > start; last = found.at(-1)) {
      from = Math.min(from, last.start);
      found.pop();
    }
    found.push({ start: from, end, kind });
    at = end;
  };
  while (at < length) {
    const code = text.charCodeAt(at);
    const mark = code < 128 ? (marks[code] as number) : 0;
    if (mark === 0) {
      at += 1;
      continue;
    }
    if (mark === isAt || mark === isPercent) {
      if (mark === isPercent && !(text[at + 1] === '4' && text[at + 2] === '0')) {
        at += 1;
        continue;
      }
      const after = at + (mark === isAt ? 1 : 3);
      const range = kinds.has('email') ? emailAround(text, at, after, addressed) : undefined;
      if (range === undefined) {
        at += 1;
        continue;
      }
      take(range[0], range[1], 'email');
      addressed = range[1];
      continue;
    }
    if (mark === isPlus || mark === isParen) {
      const end = !kinds.has('phone')
        ? 0
        : mark === isPlus
          ? internationalAt(text, at)
          : nanpInParens(text, at) || areaInParens(text, at);
      if (end > 0) take(at, end, 'phone');
      else at += 1;
      continue;
    }
    // A run of ASCII letters and digits, without what an escape before it has made part of it (`%2B86…`, `\n138…`).
    const start = at + escapedAhead(text, at);
    let end = start;
    let allDigits = true;
    for (; end < length; end++) {
      const each = text.charCodeAt(end);
      if (each >= 128) break;
      const what = marks[each] as number;
      if (what === isDigit) continue;
      if (what !== isLetter) break;
      allDigits = false;
    }
    let match = end === start ? undefined : runAt(text, start, end, allDigits, kinds, runs);
    // `LIKE '%820000…%'`: what looks like an escape may be none.
    if (match === undefined && start > at) {
      match = runAt(text, at, end, allDigits && areDigits(text, at, start - at), kinds, runs);
    }
    if (match === undefined) at = Math.max(end, at + 1);
    else take(match.start, match.end, match.kind);
  }
  return found ?? none;
};

const none: readonly Found[] = [];

/**
 * Full-width letters, digits and marks as their ASCII twins (`１３８`, `＠`), blanks and dashes of word processors as theirs: one unit for
 * one, so that places stay.
 */
export const narrow = (text: string): string => (wide.test(text) ? text.replace(allWide, twinOf) : text);
const twinOf = (each: string): string => {
  const code = each.charCodeAt(0);
  if (code > 0xff00) return String.fromCharCode(code - 0xfee0);
  return code === 0x2212 || (code >= 0x2010 && code <= 0x2015) ? '-' : ' ';
};
const wide = /[\uff01-\uff5e\u00a0\u2000-\u200a\u202f\u205f\u3000\u2010-\u2015\u2212]/;
const allWide = new RegExp(wide, 'g');

/** A text as it is meant: without escapes, in ASCII where that has a twin. */
export const plainly = (given: string): string => {
  let text = narrow(given);
  for (let layer = 0; layer < maxLayers; layer++) text = unescaped(text)?.text ?? text;
  return text;
};

const isLetter = 1;
const isDigit = 2;
const isAt = 3;
const isPercent = 4;
const isPlus = 5;
const isParen = 6;
const marks = new Uint8Array(128);
for (let code = 48; code < 58; code++) marks[code] = isDigit;
for (let code = 65; code < 91; code++) marks[code] = marks[code + 32] = isLetter;
marks[64] = isAt;
marks[37] = isPercent;
marks[43] = isPlus;
marks[40] = isParen;

const isDigitCode = (code: number): boolean => code >= 48 && code < 58;
const isAlnum = (code: number): boolean => code < 128 && (marks[code] === isLetter || marks[code] === isDigit);
const isHex = (code: number): boolean => isDigitCode(code) || ((code | 32) >= 97 && (code | 32) < 103);

/** How many characters at the beginning of a run belong to an escape: two of `%2B`, one of `\n`, five of `\u00e9`. */
const escapedAhead = (text: string, at: number): number => {
  const before = at > 0 ? text.charCodeAt(at - 1) : 0;
  if (before === 37) return isHex(text.charCodeAt(at)) && isHex(text.charCodeAt(at + 1)) ? 2 : 0;
  if (before !== 92) return 0;
  const first = text[at] as string;
  if ('ntrbf'.includes(first)) return 1;
  if (first !== 'u') return 0;
  for (let digit = 1; digit < 5; digit++) if (!isHex(text.charCodeAt(at + digit))) return 0;
  return 5;
};

/** What begins with this run of letters and digits. */
const runAt = (
  text: string,
  start: number,
  end: number,
  allDigits: boolean,
  kinds: ReadonlySet<PersonalKind>,
  runs: Base64UrlRuns,
): Found | undefined => {
  const length = end - start;
  if (kinds.has('jwt') && text.startsWith('eyJ', start)) {
    const stop = jwtEnd(text, start, runs);
    if (stop > 0) return { start, end: stop, kind: 'jwt' };
  }
  if (kinds.has('residentId') && length === 18 && isResidentId(text, start) && standsAlone(text, start, end)) {
    return { start, end, kind: 'residentId' };
  }
  if (kinds.has('residentId') && length === 6 && allDigits) {
    const stop = groupedResidentId(text, start);
    if (stop > 0) return { start, end: stop, kind: 'residentId' };
  }
  if (kinds.has('awsKey')) {
    if (length === 20 && isAccessKeyId(text, start)) return { start, end, kind: 'awsKey' };
    const first = secretKeyStart(text, start);
    if (first >= 0) return { start: first, end: first + 40, kind: 'awsKey' };
  }
  if (allDigits) {
    if (kinds.has('card')) {
      const stop = cardEnd(text, start, end);
      if (stop > 0) return { start, end: stop, kind: 'card' };
    }
    return kinds.has('phone') ? phoneAt(text, start, end) : undefined;
  }
  if (kinds.has('iban')) {
    const stop = ibanEnd(text, start, end);
    if (stop > 0) return { start, end: stop, kind: 'iban' };
  }
  return undefined;
};

/** A run of digits that is no part of a decimal number. */
const standsAlone = (text: string, start: number, end: number): boolean =>
  !(text[start - 1] === '.' && isDigitCode(text.charCodeAt(start - 2))) &&
  !(text[end] === '.' && isDigitCode(text.charCodeAt(end + 1)));

// E-mail

/** Longest domain name. */
const maxDomain = 255;

const emailAround = (text: string, at: number, after: number, from: number): readonly [number, number] | undefined => {
  let start = at;
  if (text[start - 1] === '"') {
    // A quoted local part, at most 64 characters.
    const open = text.lastIndexOf('"', start - 2);
    if (open >= from && start - open <= 66) start = open;
  } else {
    const beyondAscii = text.charCodeAt(start - 1) >= 128;
    while (start > from && isLocal(text.charCodeAt(start - 1), beyondAscii)) start -= 1;
    // Not the digits of an escape such as `%3Djane@…`.
    if (text[start - 1] === '%' && isHex(text.charCodeAt(start)) && isHex(text.charCodeAt(start + 1))) {
      start = Math.min(at, start + 2);
    }
  }
  if (start >= at) return undefined;
  // What was left of the user's part of a URL.
  if (at - start === 8 && text.startsWith('://REDACTED', start - 3)) return undefined;
  let end = after;
  const limit = Math.min(text.length, after + maxDomain);
  while (end < limit && isDomain(text.charCodeAt(end))) end += 1;
  // The longest part that ends with a top-level domain, behind which a hyphen may stand: `jane@shop.example-2026`.
  for (let dot = end - 1; dot > after; dot--) {
    if (text[dot] !== '.') continue;
    if (isTopLevel(text, dot + 1, end)) return [start, end];
    let hyphen = dot + 1;
    while (hyphen < end && text[hyphen] !== '-') hyphen += 1;
    if (isTopLevel(text, dot + 1, hyphen)) return [start, hyphen];
    end = dot;
  }
  return undefined;
};

const isLocal = (code: number, beyondAscii: boolean): boolean =>
  isAlnum(code) || (beyondAscii && code >= 128) || localMarks.has(code);
const localMarks = new Set([...".!#$&'*+-_^`{|}~"].map((each) => each.charCodeAt(0)));
const isDomain = (code: number): boolean => isAlnum(code) || code === 46 || code === 45 || code >= 128;

/** Letters alone, or an encoded one. systemd's units (`getty@tty1.service`) are no addresses. */
const isTopLevel = (text: string, start: number, end: number): boolean => {
  if (end - start < 2 || end - start > 63) return false;
  if (text.startsWith('xn--', start)) return true;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < 128 && marks[code] !== isLetter) return false;
  }
  return !units.has(text.slice(start, end));
};
const units = new Set(['service', 'socket', 'slice', 'scope', 'timer', 'target', 'mount']);

// Phone numbers

/** `+` and a calling code, then 7 to 15 digits in all, in groups. */
const internationalAt = (text: string, at: number): number => {
  if (at > 0 && isAlnum(text.charCodeAt(at - 1)) && !escapeEndsAt(text, at)) return 0;
  return internationalEnd(text, at + 1);
};

/** What stands right before is an escape (`%3A`, `\\n`, `\\u00e9`), and no letter or digit of the same word. */
const escapeEndsAt = (text: string, at: number): boolean => {
  const letter = text[at - 1] as string;
  if (text[at - 2] === '\\' && 'ntrbf'.includes(letter)) return true;
  const isCode = (length: number): boolean => {
    for (let each = at - length; each < at; each++) if (!isHex(text.charCodeAt(each))) return false;
    return true;
  };
  return (text[at - 3] === '%' && isCode(2)) || (text[at - 6] === '\\' && text[at - 5] === 'u' && isCode(4));
};

const internationalEnd = (text: string, from: number): number => {
  let at = from;
  if (text.charCodeAt(at) < 49 || text.charCodeAt(at) > 57) return 0;
  let digits = '';
  let end = at;
  for (;;) {
    const start = at;
    while (isDigitCode(text.charCodeAt(at)) && at - start <= 15) at += 1;
    const group = at - start;
    if (group === 0 || digits.length + group > 15 || isAlnum(text.charCodeAt(at))) break;
    digits += text.slice(start, at);
    end = at;
    const next = separatorAfter(text, at);
    if (next === 0) break;
    // A number that is long enough takes no further word after a blank.
    if (text[at] === ' ' && digits.length >= 11) break;
    at = next;
  }
  const code = callingCode(digits);
  if (code === 0) return 0;
  if (code === 1 && digits[0] === '1') return digits.length === 11 ? end : 0;
  return digits.length >= 8 && digits.length <= 15 ? end : 0;
};

/** Where the next group begins after at most three of `-`, `.`, a blank, the `+` that stands for one in forms, and brackets. */
const separatorAfter = (text: string, at: number): number => {
  for (let next = at + 1; next <= at + 3; next++) {
    const code = text.charCodeAt(next - 1);
    if (!(code === 32 || code === 43 || code === 45 || code === 46 || code === 40 || code === 41)) return 0;
    if (isDigitCode(text.charCodeAt(next))) return next;
  }
  return 0;
};

/** Length of the ITU calling code that a number begins with; 0 when none does. */
const callingCode = (digits: string): number => {
  const first = digits[0];
  if (first === '1' || first === '7') return 1;
  const two = digits.slice(0, 2);
  if (twoDigitCodes.has(two)) return 2;
  return first !== undefined && threeDigitCodes.test(digits) ? 3 : 0;
};
const twoDigitCodes = new Set(
  '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98'.split(
    ' ',
  ),
);
const threeDigitCodes = /^(?:2[1-69]|3[578]|42|5[09]|6[789]|8[0578]|9[679])/;

/** `(415) 555-2671`. */
const nanpInParens = (text: string, at: number): number => {
  if (text[at + 4] !== ')' || !isNanpGroup(text, at + 1)) return 0;
  const next = text[at + 5] === ' ' || text[at + 5] === '+' ? at + 6 : at + 5;
  const separator = text[next + 3];
  if (!isNanpGroup(text, next) || (separator !== '-' && separator !== ' ' && separator !== '.')) return 0;
  return areDigits(text, next + 4, 4) && !isAlnum(text.charCodeAt(next + 8)) ? next + 8 : 0;
};

/** `(010)62345678`, `(0571) 8888 8888`. */
const areaInParens = (text: string, at: number): number => {
  const close = digitsEnd(text, at + 1, 4);
  if (text[close] !== ')' || !isArea(text, at + 1, close)) return 0;
  const next = text[close + 1] === ' ' || text[close + 1] === '-' ? close + 2 : close + 1;
  return landlineEnd(text, next);
};

/** A Chinese area code: `010`, `02x` or four digits. */
const isArea = (text: string, start: number, end: number): boolean =>
  (end - start === 3 || end - start === 4) && text[start] === '0' && text[start + 1] !== '0';

/** Behind seven or eight digits, or four and four with a blank between; 0 when there is something else. */
const landlineEnd = (text: string, start: number): number => {
  let end = digitsEnd(text, start, 9);
  if (end - start === 4 && text[end] === ' ' && areDigits(text, end + 1, 4)) end += 5;
  else if (end - start !== 7 && end - start !== 8) return 0;
  return isAlnum(text.charCodeAt(end)) || text[end] === '-' ? 0 : end;
};

const isNanpGroup = (text: string, at: number): boolean => text.charCodeAt(at) > 49 && areDigits(text, at, 3);

const areDigits = (text: string, at: number, count: number): boolean => {
  for (let each = at; each < at + count; each++) if (!isDigitCode(text.charCodeAt(each))) return false;
  return true;
};

/** National forms that cannot be mistaken for plain numbers: Chinese mobile and landline numbers, and North American ones. */
const phoneAt = (text: string, start: number, end: number): Found | undefined => {
  const phone = (from: number, to: number): Found => ({ start: from, end: to, kind: 'phone' });
  const length = end - start;
  if (text[start - 3] === '%' && text[start - 2] === '2' && (text[start - 1] === 'B' || text[start - 1] === 'b')) {
    const stop = internationalEnd(text, start);
    if (stop > 0) return phone(start - 3, stop);
  }
  if (length === 11 || length === 13 || length === 15) {
    const own = start + length - 11;
    const prefix = text.slice(start, own);
    if (
      (prefix === '' || prefix === '86' || prefix === '0086') &&
      isMobile(text, own) &&
      standsAlone(text, start, end)
    ) {
      return phone(start, end);
    }
    return undefined;
  }
  const separator = text[end];
  if (separator === undefined || !isDigitCode(text.charCodeAt(end + 1))) return undefined;
  const middle = digitsEnd(text, end + 1, 12);
  const second = middle - end - 1;
  if (length === 3 && (separator === '-' || separator === ' ') && second === 4) {
    // 138-1234-5678
    if (text[middle] === separator && digitsEnd(text, middle + 1, 5) === middle + 5) {
      if (isMobilePrefix(text, start) && !isAlnum(text.charCodeAt(middle + 5))) return phone(start, middle + 5);
    }
    if (separator === '-') return undefined;
  }
  if (length === 2 && text.startsWith('86', start) && (separator === '-' || separator === ' ')) {
    // 86-13812345678
    return second === 11 && isMobile(text, end + 1) && !isAlnum(text.charCodeAt(middle))
      ? phone(start, middle)
      : undefined;
  }
  if (length === 3 && (separator === '-' || separator === '.') && second === 3) {
    // 415-555-2671
    const isWhole = text[middle] === separator && digitsEnd(text, middle + 1, 5) === middle + 5;
    const after = text.charCodeAt(middle + 5);
    const isEnd = !isAlnum(after) && !((after === 46 || after === 45) && isDigitCode(text.charCodeAt(middle + 6)));
    const isBegin = !(text[start - 1] === '.' && (separator === '.' || isDigitCode(text.charCodeAt(start - 2))));
    return isWhole && isEnd && isBegin && isNanpGroup(text, start) && isNanpGroup(text, end + 1)
      ? phone(start, middle + 5)
      : undefined;
  }
  if (isArea(text, start, end) && (separator === '-' || separator === ' ')) {
    // 010-12345678, 021 6234 5678; seven digits after a blank could be any two numbers.
    const stop = landlineEnd(text, end + 1);
    return stop - end - 1 > (separator === '-' ? 6 : 7) ? phone(start, stop) : undefined;
  }
  return undefined;
};

const digitsEnd = (text: string, start: number, most: number): number => {
  let end = start;
  while (end - start < most && isDigitCode(text.charCodeAt(end))) end += 1;
  return end;
};

const isMobilePrefix = (text: string, at: number): boolean =>
  text[at] === '1' && text.charCodeAt(at + 1) > 50 && text.charCodeAt(at + 1) < 58;
const isMobile = (text: string, at: number): boolean => isMobilePrefix(text, at) && areDigits(text, at, 11);

// Payment cards

/** Digits in one run, or in groups as they stand on cards; a known issuer, its lengths, and the Luhn checksum. */
const cardEnd = (text: string, start: number, end: number): number => {
  const length = end - start;
  if (length >= 13 && length <= 19) {
    return isCard(text.slice(start, end)) && standsAlone(text, start, end) ? end : 0;
  }
  if (length !== 4) return 0;
  const separator = text[end];
  if (separator !== ' ' && separator !== '-' && separator !== '+' && !(separator === '.' && text[start - 1] !== '.'))
    return 0;
  let digits = text.slice(start, end);
  let stop = end;
  let shape = '4';
  let best = 0;
  while (text[stop] === separator && shape.length < 9) {
    const next = digitsEnd(text, stop + 1, 8);
    if (next === stop + 1 || isAlnum(text.charCodeAt(next))) break;
    digits += text.slice(stop + 1, next);
    shape += `-${next - stop - 1}`;
    stop = next;
    if (groupings.has(shape) && isCard(digits)) best = stop;
  }
  return best;
};

const groupings = new Set(['4-4-4-4', '4-4-4-4-3', '4-4-4-4-2', '4-4-4-4-1', '4-6-5', '4-6-4', '4-4-4-2', '4-4-4-1']);

const isCard = (digits: string): boolean => hasIssuer(digits) && luhn(digits);

const hasIssuer = (digits: string): boolean => {
  const { length } = digits;
  const six = Number(digits.slice(0, 6));
  const within = (low: number, high: number, places: number): boolean => {
    const head = Math.floor(six / 10 ** (6 - places));
    return head >= low && head <= high;
  };
  if (within(4, 4, 1)) return length === 13 || length === 16 || length === 19; // Visa
  if (within(51, 55, 2) || within(2221, 2720, 4)) return length === 16; // Mastercard
  if (within(34, 34, 2) || within(37, 37, 2)) return length === 15; // American Express
  if (within(62, 62, 2) || within(81, 81, 2)) return length >= 16; // UnionPay
  if (within(6011, 6011, 4) || within(644, 649, 3) || within(65, 65, 2)) return length >= 16; // Discover
  if (within(3528, 3589, 4)) return length >= 16; // JCB
  if (within(300, 305, 3) || within(3095, 3095, 4) || within(36, 36, 2) || within(38, 39, 2)) {
    return length === 14 || length === 16; // Diners
  }
  if (within(2200, 2204, 4)) return length === 16; // Mir
  return (within(50, 50, 2) || within(56, 58, 2) || within(63, 63, 2) || within(67, 67, 2)) && length >= 16; // Maestro
};

/** ISO/IEC 7812-1: every second digit from the right doubled, the sum divisible by ten. */
const luhn = (digits: string): boolean => {
  let sum = 0;
  for (let at = digits.length - 1, doubled = false; at >= 0; at--, doubled = !doubled) {
    const digit = digits.charCodeAt(at) - 48;
    sum += doubled ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 === 0;
};

// Chinese resident identity numbers

/** GB 11643-1999: six digits of a place, a date of birth, a number, and a check digit by ISO 7064 MOD 11-2. */
const isResidentId = (text: string, at: number): boolean => {
  let sum = 0;
  for (let place = 0; place < 17; place++) {
    const code = text.charCodeAt(at + place);
    if (!isDigitCode(code)) return false;
    sum += (code - 48) * (residentWeights[place] as number);
  }
  const check = '10X98765432'[sum % 11];
  if (text[at + 17]?.toUpperCase() !== check) return false;
  const province = Number(text.slice(at, at + 2));
  const year = Number(text.slice(at + 6, at + 10));
  const month = Number(text.slice(at + 10, at + 12));
  const day = Number(text.slice(at + 12, at + 14));
  return (
    province >= 11 &&
    province <= 91 &&
    year >= 1850 &&
    year <= 2100 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 31
  );
};
/** `110105 19491231 002X`: place, date and the rest apart. */
const groupedResidentId = (text: string, start: number): number => {
  const separator = text[start + 6];
  if ((separator !== ' ' && separator !== '-') || text[start + 15] !== separator) return 0;
  if (!areDigits(text, start + 7, 8) || isAlnum(text.charCodeAt(start + 20))) return 0;
  const compact = `${text.slice(start, start + 6)}${text.slice(start + 7, start + 15)}${text.slice(start + 16, start + 20)}`;
  return compact.length === 18 && isResidentId(compact, 0) ? start + 20 : 0;
};
const residentWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

// Bank accounts

/** ISO 13616: the country's length, and 1 modulo 97; in one run or in groups of four. */
const ibanEnd = (text: string, start: number, end: number): number => {
  const country = text.slice(start, start + 2).toUpperCase();
  const expected = ibanLengths[country];
  if (expected === undefined || !areDigits(text, start + 2, 2)) return 0;
  let compact: string;
  let stop = end;
  if (end - start === expected) compact = text.slice(start, end);
  else if (end - start === 4) {
    compact = text.slice(start, end);
    while (compact.length < expected && (text[stop] === ' ' || text[stop] === '-' || text[stop] === '+')) {
      const size = Math.min(4, expected - compact.length);
      for (let each = stop + 1; each <= stop + size; each++) if (!isAlnum(text.charCodeAt(each))) return 0;
      compact += text.slice(stop + 1, stop + 1 + size);
      stop += size + 1;
    }
    if (compact.length !== expected || isAlnum(text.charCodeAt(stop))) return 0;
  } else return 0;
  // Lower-case hexadecimal ids begin like some countries do, and so do words in groups of four.
  if (text.charCodeAt(start) > 96 && !areDigits(compact, 2, expected - 2)) {
    let digits = 0;
    let isHexadecimal = true;
    for (let each = 0; each < expected; each++) {
      const code = compact.charCodeAt(each);
      if (isDigitCode(code)) digits += 1;
      isHexadecimal &&= isHex(code);
    }
    if (isHexadecimal || digits < expected / 2) return 0;
  }
  return mod97(compact.toUpperCase()) === 1 ? stop : 0;
};

const mod97 = (iban: string): number => {
  let rest = 0;
  for (let at = 0; at < iban.length; at++) {
    const code = iban.charCodeAt((at + 4) % iban.length);
    rest = isDigitCode(code) ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97;
  }
  return rest;
};

const ibanLengths: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 ' +
    'FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 ' +
    'MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ' +
    'SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((each) => [each.slice(0, 2), Number(each.slice(2))]),
);

// Credentials

/** `header.payload.signature` in base64url, as a JWT (three parts) or a JWE (five) has it; an unsigned one ends with its dot. */
const jwtEnd = (text: string, start: number, runs: Base64UrlRuns): number => {
  let end = runs.end(start);
  if (end - start < 10 || text[end] !== '.') return 0;
  const payload = runs.end(end + 1);
  if (payload - end < 3 || text[payload] !== '.') return 0;
  end = runs.end(payload + 1);
  for (let part = 0; part < 2 && text[end] === '.'; part++) {
    const next = runs.end(end + 1);
    if (next === end + 1) break;
    end = next;
  }
  return end;
};

/** Where runs of base64url end. The last ones are remembered: `eyJ-eyJ-eyJ-…` would otherwise be read to its end from each beginning. */
class Base64UrlRuns {
  readonly #text: string;
  readonly #known: { start: number; end: number }[] = [];
  constructor(text: string) {
    this.#text = text;
  }
  end(start: number): number {
    for (const run of this.#known) if (start >= run.start && start < run.end) return run.end;
    let end = start;
    for (; end < this.#text.length; end++) {
      const code = this.#text.charCodeAt(end);
      if (!isAlnum(code) && code !== 45 && code !== 95) break;
    }
    if (this.#known.length > 7) this.#known.shift();
    this.#known.push({ start, end });
    return end;
  }
}

const isAccessKeyId = (text: string, start: number): boolean => {
  if (!accessKeyPrefixes.has(text.slice(start, start + 4))) return false;
  for (let at = start + 4; at < start + 20; at++) {
    const code = text.charCodeAt(at);
    if (!((code >= 65 && code <= 90) || (code >= 50 && code <= 55) || isDigitCode(code))) return false;
  }
  return true;
};
const accessKeyPrefixes = new Set(['AKIA', 'ASIA', 'AGPA', 'AIDA', 'AROA', 'ANPA', 'ANVA', 'ABIA', 'ACCA']);

/**
 * A secret access key has no form of its own: 40 characters of base64. Random ones change between upper case, lower case and digits some
 * 25 times; words, paths and hexadecimal digests do not.
 */
const secretKeyStart = (text: string, start: number): number => {
  // The marks before may belong to it; a letter before these means that this is the middle of something.
  let first = start;
  while (isBase64Mark(text.charCodeAt(first - 1))) first -= 1;
  let end = start;
  while (end - start <= 41 && (isAlnum(text.charCodeAt(end)) || isBase64Mark(text.charCodeAt(end)))) end += 1;
  // Forty characters hold few marks: of a long row of them only the last ones are tried.
  for (let from = Math.max(first, start - 8); from <= start && from + 40 <= end; from++) {
    if (isSegment(text, from) && isRandom(text, from)) return from;
  }
  if (first < start && isAlnum(text.charCodeAt(first - 1)) && !escapeEndsAt(text, first)) return -1;
  // `/` before it separates it from a name; after it there may be one as well.
  const last = isBase64Mark(text.charCodeAt(end - 1)) ? end - 41 : end - 40;
  for (let from = Math.max(last, first); from <= Math.min(end - 40, start); from++) {
    if (isRandom(text, from)) return from;
  }
  return -1;
};

/**
 * Whether forty characters stand alone between `/`, or one and the end of the word: as a word of a path (`/users/…/orders`). In base64, too,
 * there may be a `/` forty characters before another or the end; what is beyond it is hardly a word then.
 */
const isSegment = (text: string, start: number): boolean => {
  const next = text.charCodeAt(start + 40);
  if (isAlnum(next) || next === plus || next === equals) return false;
  const isEnd = next !== slash || endsWord(text, start + 41);
  if (text.charCodeAt(start - 1) !== slash) return isEnd && !isAlnum(text.charCodeAt(start - 1)) && next === slash;
  return isPath(text, start - 1) || (next === slash && isEnd);
};
/** What stands before a `/` up to the last blank or mark: words, which seldom change between upper case, lower case and digits. */
const isPath = (text: string, end: number): boolean => {
  let at = end;
  let changes = 0;
  let last = 0;
  for (; isAlnum(text.charCodeAt(at - 1)) || isBase64Mark(text.charCodeAt(at - 1)); at--) {
    if (end - at > 64) return false;
    const code = text.charCodeAt(at - 1);
    const what = isBase64Mark(code) ? last : isDigitCode(code) ? 1 : code > 96 ? 2 : 4;
    if (what !== last) changes += 1;
    last = what;
  }
  return changes * 2 <= end - at + 2;
};
/** Lower-case letters, and then something that is no base64. */
const endsWord = (text: string, start: number): boolean => {
  let end = start;
  while (end - start < 24 && isLowerCase(text.charCodeAt(end))) end += 1;
  const next = text.charCodeAt(end);
  return !isAlnum(next) && next !== plus && next !== equals;
};
const plus = 43;
const slash = 47;
const equals = 61;
const isLowerCase = (code: number): boolean => code > 96 && code < 123;

const isRandom = (text: string, from: number): boolean => {
  let classes = 0;
  let changes = 0;
  let last = 0;
  for (let at = from; at < from + 40; at++) {
    const code = text.charCodeAt(at);
    const what = isBase64Mark(code) ? 8 : isDigitCode(code) ? 1 : code > 96 ? 2 : 4;
    classes |= what;
    if (what !== last) changes += 1;
    last = what;
  }
  return (classes & 7) === 7 && changes >= 17;
};
const isBase64Mark = (code: number): boolean => code === 43 || code === 47;
