/**
 * Characters beyond the basic plane, such as emoji, spelled within it and back: the queue emulator refuses them in a body, SQS does
 * not. Each half of a surrogate pair becomes one character of the private use area; what stood there already is marked.
 */
const mark = '\uF8F0';

/** A body that the emulator takes. A surrogate without its other half stays as it is, and is refused as SQS refuses it. */
export const spelled = (text: string): string =>
  text.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[\uE000-\uE7FF\uF8F0]/g, (found) =>
    found.length === 2
      ? moved(found.charCodeAt(0), 0x800) + moved(found.charCodeAt(1), 0x800)
      : mark + (found === mark ? mark : moved(found.charCodeAt(0), 0x800)),
  );

/** The body that was sent. */
export const unspelled = (text: string): string =>
  text.replace(/\uF8F0([\uE800-\uEFFF\uF8F0])|[\uE000-\uE7FF]/g, (found, marked: string | undefined) =>
    marked === undefined
      ? moved(found.charCodeAt(0), -0x800)
      : marked === mark
        ? mark
        : moved(marked.charCodeAt(0), -0x800),
  );

const moved = (code: number, by: number): string => String.fromCharCode(code + by);
