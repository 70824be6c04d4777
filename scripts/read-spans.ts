import { decompress, sniffEncoding } from '../lib/adapters/compression.ts';
import { Failure } from '../lib/model/failure.ts';
import type { Span } from '../lib/model/span.ts';
import { decodeJson, decodeProto } from '../lib/trace/decode.ts';
import { readInput } from './read-json.ts';

/** The spans of OTLP files, JSON or protobuf, compressed or not, and how many were refused for which reason. */
export const readSpans = async (
  paths: readonly string[],
): Promise<{ readonly spans: readonly Span[]; readonly refused: Readonly<Record<string, number>> }> => {
  const spans: Span[] = [];
  const refused: Record<string, number> = {};
  for (const path of paths) {
    const bytes = readInput(path);
    const plain = await decompress(bytes, sniffEncoding(bytes)).catch((thrown: unknown) => {
      throw new Failure('bad-input', Failure.from(thrown).message, { where: path, cause: thrown });
    });
    const text = Buffer.from(plain).toString('utf8').trimStart();
    const bodies = text.startsWith('{') ? jsonBodies(text) : [decodeProto(plain)];
    for (const decoded of bodies) {
      if (decoded.error !== undefined) throw new Failure('bad-input', decoded.error, { where: path });
      for (const span of decoded.spans) spans.push(span);
      for (const [reason, count] of Object.entries(decoded.refused)) refused[reason] = (refused[reason] ?? 0) + count;
    }
  }
  return { spans, refused };
};

/** One document, or one a line as the Collector's file exporter writes them. */
const jsonBodies = (text: string) => {
  const whole = decodeJson(text);
  if (whole.error === undefined) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const each = lines.map((line) => decodeJson(line));
  return lines.length > 1 && each.every(({ error }) => error === undefined) ? each : [whole];
};

/** One line on stderr for what was refused; nothing when all was kept. */
export const noteRefused = (refused: Readonly<Record<string, number>>, err: (text: string) => void): void => {
  for (const [reason, count] of Object.entries(refused)) {
    err(`${count} ${count === 1 ? 'span was' : 'spans were'} refused: ${reason}\n`);
  }
};
