import { given } from '../model/given.ts';

/**
 * As `lastWordOf`, which it remembers for one ARN: a batch comes from one source, and ten names cut from equal ARNs would be ten texts.
 */
export const nameOf = (arn: string | undefined): string | undefined => {
  if (arn !== lastArn) {
    lastName = lastWordOf(arn);
    lastArn = arn;
  }
  return lastName;
};

let lastArn: string | undefined;
let lastName: string | undefined;

/** The last word of an ARN: queue, topic or stream without account, region and kind; undefined for anything else. Allocates only its answer. */
const lastWordOf = (arn: string | undefined): string | undefined => {
  if (arn === undefined || !arn.startsWith('arn:')) return undefined;
  let start = 4;
  for (let colons = 1; colons < 5; colons++) {
    start = arn.indexOf(':', start) + 1;
    if (start === 0) return undefined;
  }
  // arn:aws:kinesis:…:stream/name, arn:aws:dynamodb:…:table/name/stream/time, arn:aws:kafka:…:cluster/name/id
  let end = wordEnd(arn, start);
  if (end < arn.length) {
    start = end + 1;
    end = wordEnd(arn, start);
  }
  return arn.slice(start, end) || undefined;
};

const wordEnd = (arn: string, start: number): number => {
  for (let at = start; at < arn.length; at++) {
    const code = arn.charCodeAt(at);
    if (code === 47 || code === 58) return at;
  }
  return arn.length;
};

/** The same as a whole, for types whose fields are all optional. */
export const defined = given as <T extends object>(fields: { [K in keyof T]: T[K] | undefined }) => T;
