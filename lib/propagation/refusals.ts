/**
 * Why a format refused what it read, in words. The formats answer the short codes, which counters use too; the words are loaded by
 * whoever explains, never by a function on its cold path.
 */
export const wordsOf = (format: string, code: string): string => words[`${format}.${code}`] ?? words[code] ?? code;

const words: Readonly<Record<string, string>> = {
  absent: 'has no text value',
  empty: 'is empty',
  short: 'is shorter than 55 characters',
  version: 'has a version that is not two lower-case hex digits',
  ff: 'has version ff, which is forbidden',
  repeated: 'occurs more than once',
  'w3c.long': 'is longer than the 55 characters of version 00',
  'xray.long': 'is longer than 2048 characters',
  'w3c.tail': 'has something other than - after its flags',
  'b3.tail': 'has something after its ids that is no state',
  dashes: 'does not have its dashes in place',
  'w3c.trace': 'has a trace id that is not 32 lower-case hex digits, or all zero',
  'b3.trace': 'has a trace id that is not 16 or 32 hex digits, or all zero',
  'b3multi.trace': 'has a trace id that is not 16 or 32 hex digits, or all zero',
  'xray.trace': 'has a Root that is not 1-{8 hex}-{24 hex}, or all zero',
  'datadog.trace': 'has a trace id that is not a decimal number of 64 bits, or is zero',
  'custom.trace': 'has a trace id that is not up to 32 hex digits, or all zero',
  'w3c.span': 'has a parent id that is not 16 lower-case hex digits, or all zero',
  'b3.span': 'has a span id that is not 16 hex digits, or all zero',
  'b3multi.span': 'has a span id that is not 16 hex digits, or all zero',
  'custom.span': 'has a span id that is not up to 16 hex digits, or all zero',
  flags: 'has flags that are not two lower-case hex digits',
  parent: 'has a parent span id that is not 16 hex digits, or all zero',
  'b3.state': 'has a state other than 0, 1 or d',
  'xray.state': 'has Sampled other than 1, 0 or ?',
  'xray.span': 'has a Parent that is not 16 hex digits, or all zero',
  'b3multi.state': 'has X-B3-Sampled other than 1 or 0',
  none: 'has neither ids nor a decision',
  'b3multi.no-trace': 'has a span id without X-B3-TraceId',
  'xray.no-trace': 'has no Root',
  'no-span': 'has a trace id without X-B3-SpanId',
  form: 'is not of the configured form',
  threw: 'made the configured decoder throw',
};
