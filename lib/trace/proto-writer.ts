/** Writes protobuf messages, small ones: every message is a buffer of its own. */

export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

export const digits = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
};

export const message = (field: number, ...parts: Buffer[]): Buffer => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([...digits(field * 8 + 2), ...digits(length)]), ...parts]);
};
export const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));
export const varint = (field: number, value: number): Buffer => Buffer.from([...digits(field * 8), ...digits(value)]);
export const double = (field: number, value: number): Buffer => {
  const bytes = Buffer.alloc(9, field * 8 + 1);
  bytes.writeDoubleLE(value, 1);
  return bytes;
};

/** Numbers one after the other, as proto3 writes repeated ones. */
export const packedVarints = (field: number, values: readonly number[]): Buffer =>
  message(field, Buffer.from(values.flatMap(digits)));
