/** A value of foreign JSON in words. `String` throws on `{ "toString": null }`, which anybody may send. */
export const inWords = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
