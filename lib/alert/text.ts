/** The longest beginning of a text that fits a number of UTF-8 bytes, never cutting a grapheme; an ellipsis marks a cut. */
export const fitBytes = (text: string, maxBytes: number): string => {
  // A UTF-16 unit is three bytes at most: most texts need no counting.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const mark = '…';
  let room = maxBytes - Buffer.byteLength(mark);
  if (room < 0) return '';
  let end = 0;
  // No more of the text can fit than there are bytes; the rest need not be segmented.
  for (const { segment, index } of segmenter().segment(text.slice(0, maxBytes + 64))) {
    room -= Buffer.byteLength(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end) + mark;
};

/** Valid text on one line: no lone surrogates, no control characters; every kind of line break becomes a space. */
export const oneLine = (text: string): string => manyLines(text).replace(/\s*\n\s*/g, ' ');

/** Valid text that may have several lines. */
export const manyLines = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(/[^\P{Cc}\n]/gu, ' ')
    .trim();

/** JSON without lone surrogates, which only escapes can write and which not every reader takes. */
export const validJson = (value: unknown): string =>
  JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd');

let known: Intl.Segmenter | undefined;
const segmenter = (): Intl.Segmenter => {
  known ??= new Intl.Segmenter();
  return known;
};
