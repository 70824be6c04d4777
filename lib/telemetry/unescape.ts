/** A text without its escapes, and where each of its characters began in the text that it was made of. */
export interface Unescaped {
  readonly text: string;
  /** One more than there are characters: the last one is where the text ended. */
  readonly starts: Uint32Array;
}

/**
 * Undoes one layer of escapes of ASCII characters: of URLs (`%40`), of JSON and JavaScript (`\u0040`, `\x40`), of HTML (`&#64;`, `&#x40;`).
 * Undefined where there are none. Each character is looked at a bounded number of times.
 */
export const unescaped = (text: string): Unescaped | undefined => {
  if (!escapes.test(text)) return undefined;
  const codes = new Uint16Array(text.length);
  const starts = new Uint32Array(text.length + 1);
  let count = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const end = code === percent || code === backslash || code === ampersand ? escapeEnd(text, at) : 0;
    starts[count] = at;
    codes[count] = end === 0 ? code : codeIn(text, at, end);
    count += 1;
    at = end === 0 ? at + 1 : end;
  }
  if (count === text.length) return undefined;
  starts[count] = at;
  const bytes = Buffer.from(codes.buffer, 0, count * 2);
  return { text: bytes.toString('utf16le'), starts: starts.subarray(0, count + 1) };
};

const escapes = /%[0-7][0-9a-fA-F]|\\u00[0-7]|\\x[0-7]|&#/;
const percent = 37;
const backslash = 92;
const ampersand = 38;

/** Behind the escape that begins here; 0 where none does, or one of a character beyond ASCII. */
const escapeEnd = (text: string, at: number): number => {
  const next = text[at + 1];
  if (text[at] === '%') return isHexadecimal(text, at + 1, at + 3) && isAscii(text, at + 1, at + 3) ? at + 3 : 0;
  if (text[at] === '\\') {
    const length = next === 'u' ? 4 : next === 'x' ? 2 : 0;
    const end = at + 2 + length;
    return length > 0 && isHexadecimal(text, at + 2, end) && isAscii(text, at + 2, end) ? end : 0;
  }
  if (next !== '#') return 0;
  const from = text[at + 2] === 'x' || text[at + 2] === 'X' ? at + 3 : at + 2;
  // Leading zeros are allowed: `&#0000064;`.
  for (let end = from; end < from + 8; end++) {
    if (text[end] === ';') return end > from && codeIn(text, at, end + 1) < 128 ? end + 1 : 0;
    if (!isHexadecimal(text, end, end + 1) || (from === at + 2 && !(text.charCodeAt(end) < 58))) return 0;
  }
  return 0;
};

const codeIn = (text: string, at: number, end: number): number => {
  if (text[at] === '%') return Number.parseInt(text.slice(at + 1, end), 16);
  if (text[at] === '\\') return Number.parseInt(text.slice(at + 2, end), 16);
  const digits = text.slice(at + 2, end - 1);
  return digits[0] === 'x' || digits[0] === 'X' ? Number.parseInt(digits.slice(1), 16) : Number(digits);
};

const isHexadecimal = (text: string, from: number, to: number): boolean => {
  if (to > text.length) return false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at) | 32;
    if (!((code >= 48 && code < 58 && text.charCodeAt(at) === code) || (code >= 97 && code < 103))) return false;
  }
  return true;
};

/** Of hexadecimal digits. */
const isAscii = (text: string, from: number, to: number): boolean => Number.parseInt(text.slice(from, to), 16) < 128;
