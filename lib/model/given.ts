/** Only the fields that are there: undefined is never a value of an optional field. */
export const given = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): { [K in keyof T]?: T[K] } => {
  const kept: { [K in keyof T]?: T[K] } = {};
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name];
  return kept;
};
