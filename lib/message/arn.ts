/** The last word of an ARN: queue, topic or stream without account, region and kind; undefined for anything else. */
export const nameOf = (arn: string | undefined): string | undefined => {
  if (arn === undefined || !arn.startsWith('arn:')) return undefined;
  const resource = arn.split(':').slice(5).join(':');
  const words = resource.split(/[:/]/);
  // arn:aws:kinesis:…:stream/name, arn:aws:dynamodb:…:table/name/stream/time, arn:aws:kafka:…:cluster/name/id
  return (words.length > 1 ? words[1] : words[0]) || undefined;
};

/** Only the fields that are there: undefined is never a value of an optional field. */
export const defined = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
