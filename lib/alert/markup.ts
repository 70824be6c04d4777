/** How one tool writes emphasis and links. What others wrote goes through `text` first, so that it never becomes markup of ours. */
export interface Markup {
  readonly text: (value: string) => string;
  readonly strong: (marked: string) => string;
  /** The label is plain text; the address comes from `linkable`. */
  readonly link: (label: string, url: string) => string;
  /** A line of lesser weight. */
  readonly aside: (marked: string) => string;
}

const maxUrlBytes = 1000;

/**
 * An address that can stand in a link of any markup: http or https, and what would end a link percent-encoded. Undefined when it is
 * none, or so long that it would leave no room for the rest: a link is whole or not there.
 */
export const linkable = (text: string): string | undefined => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const href = url.href.replace(/[()*_|`<>"\\^~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return Buffer.byteLength(href) > maxUrlBytes ? undefined : href;
};

/** Markdown in which a backslash takes a character's meaning away (CommonMark). Underscores within a word have none. */
export const markdown: Markup = {
  text: (value) =>
    value
      .replace(/[\\`*~[\]<]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
      .replace(/^(#{1,6}|[>+-]|=+|\d+[.)])(?=\s|$)/, '\\$1'),
  strong: (marked) => `**${marked}**`,
  link: (label, url) => `[${markdown.text(label)}](${url})`,
  aside: (marked) => `> ${marked}`,
};
