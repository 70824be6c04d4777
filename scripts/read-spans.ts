import { decompress, sniffEncoding } from '../lib/adapters/compression.ts';
import { Failure } from '../lib/model/failure.ts';
import type { Span } from '../lib/model/span.ts';
import { type Decoded, decodeJson, decodeProto, exactNanos } from '../lib/trace/decode.ts';
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
    if (plain.length === 0) throw new Failure('bad-input', 'is empty: no OTLP in it', { where: path });
    for (const decoded of bodiesOf(plain)) {
      if (decoded.error !== undefined) throw new Failure('bad-input', decoded.error, { where: path });
      for (const span of decoded.spans) spans.push(span);
      for (const [reason, count] of Object.entries(decoded.refused)) refused[reason] = (refused[reason] ?? 0) + count;
    }
  }
  return { spans, refused };
};

/**
 * JSON where it looks like it, protobuf otherwise. A protobuf body starts with a line feed (field 1), and one of 91 or 123 bytes goes on
 * with `[` or `{`: so JSON that cannot be read is tried as protobuf before it is refused.
 */
const bodiesOf = (plain: Uint8Array): readonly Decoded[] => {
  const text = Buffer.from(plain).toString('utf8').trimStart();
  const json = text.startsWith('{') ? jsonBodies(text) : text.startsWith('[') ? jsonList(text) : undefined;
  if (json?.every(({ error }) => error === undefined)) return json;
  const decoded = decodeProto(plain);
  if (decoded.error === undefined) return [decoded];
  return json ?? [{ ...decoded, error: `${decoded.error}, and it is not JSON either` }];
};

/** One document, or one a line as the Collector's file exporter writes them. */
const jsonBodies = (text: string): readonly Decoded[] => {
  const whole = decodeJson(text);
  if (whole.error === undefined) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const each = lines.map((line) => decodeJson(line));
  return lines.length > 1 && each.every(({ error }) => error === undefined) ? each : [whole];
};

/** A list of documents. Parsed by itself first, so that times written as numbers keep their last digits. */
const jsonList = (text: string): readonly Decoded[] => {
  let list: unknown;
  try {
    list = JSON.parse(exactNanos(text));
  } catch (thrown) {
    return [{ spans: [], refused: {}, error: `is not JSON: ${(thrown as Error).message}` }];
  }
  const documents = Array.isArray(list) ? list : [];
  if (documents.length === 0) return [{ spans: [], refused: {}, error: 'is an empty list: no OTLP in it' }];
  return documents.map((document) => decodeJson(JSON.stringify(document)));
};

/** One line on stderr for what was refused; nothing when all was kept. */
export const noteRefused = (refused: Readonly<Record<string, number>>, err: (text: string) => void): void => {
  for (const [reason, count] of Object.entries(refused)) {
    err(`${count} ${count === 1 ? 'span was' : 'spans were'} refused: ${reason}\n`);
  }
};
