/** A value of foreign JSON in words. `String` throws on `{ "toString": null }`, which anybody may send. */
export const shownText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
