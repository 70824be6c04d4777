/** The longest beginning of a text that fits a number of UTF-8 bytes, never cutting a grapheme; an ellipsis marks a cut. */
export const fitBytes = (text: string, maxBytes: number): string => {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const mark = '…';
  let room = maxBytes - Buffer.byteLength(mark);
  if (room < 0) return '';
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    room -= Buffer.byteLength(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end) + mark;
};
