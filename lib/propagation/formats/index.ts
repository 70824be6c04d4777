import { custom } from '#tidemark.custom-format';
import type { Format } from '../format.ts';
import { b3 } from './b3.ts';
import { b3multi } from './b3multi.ts';
import { datadog } from './datadog.ts';
import { w3c } from './w3c.ts';
import { xray } from './xray.ts';

/** Every format, in the order of preference. Datadog's stands before X-Ray, since it is the application's own word and X-Ray often the broker's. */
export const formats = {
  custom,
  w3c,
  b3,
  b3multi,
  datadog,
  xray,
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;
