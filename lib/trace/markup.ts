/** Words and figures in pages and pictures. */
export const millis = (nanos: bigint): string => seconds(Number(nanos) / 1e9);

export const seconds = (value: number): string =>
  value >= 1
    ? `${value.toFixed(2)} s`
    : value >= 0.001
      ? `${(value * 1000).toFixed(value >= 0.1 ? 0 : 1)} ms`
      : `${(value * 1e6).toFixed(0)} µs`;

export const round = (value: number): string => value.toFixed(1);

export const shorten = (text: string, length: number): string => {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, Math.max(1, length - 1)).join('')}…`;
};

export const escapeHtml = (text: string): string =>
  text.replace(
    /[&<>"']/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? character,
  );
