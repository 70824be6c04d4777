import { Failure } from '../model/failure.ts';

/** What a compressed body may grow to: a 6 MB request of OTLP stays well below, a bomb does not get far. */
export const maxInflatedBytes = 64 * 1024 * 1024;

/** Loaded when something is compressed for the first time: it takes 4 to 9 ms, and most starts never need it. */
const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

type Inflate = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Uint8Array>;

const inflaters: Readonly<Record<string, Inflate>> = {
  gzip: (bytes, { maxOutputLength }) =>
    called((done) => {
      const chunkSize = chunkFor(gzipSize(bytes), maxOutputLength);
      zlib().gunzip(bytes, { maxOutputLength, chunkSize }, done);
    }).then(trimmed),
  deflate: (bytes, options) => called((done) => zlib().inflate(bytes, options, done)),
  zstd: (bytes, { maxOutputLength }) => zstdFrames(bytes, maxOutputLength).then(trimmed),
  br: (bytes, options) => called((done) => zlib().brotliDecompress(bytes, options, done)),
};

type Done = (error: Error | null, bytes: Uint8Array) => void;
const called = (start: (done: Done) => void): Promise<Uint8Array> =>
  new Promise((settle, reject) => start((error, bytes) => (error === null ? settle(bytes) : reject(error))));

/** Undoes a content encoding; `identity` and none are the bytes themselves. Rejects with `bad-input` or `too-large`. */
export const decompress = async (
  bytes: Uint8Array,
  encoding: string | undefined,
  limit = maxInflatedBytes,
): Promise<Uint8Array> => {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return bytes;
  const undo = Object.hasOwn(inflaters, name) ? inflaters[name] : undefined;
  if (undo === undefined) {
    throw new Failure('bad-input', `content encoding ${name} is not known; ${Object.keys(inflaters).join(', ')} are`);
  }
  try {
    return await undo(bytes, { maxOutputLength: limit });
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Failure('too-large', `grows beyond ${limit} bytes when decompressed`, { cause: thrown });
    }
    throw new Failure('bad-input', `is not ${name}: ${(thrown as Error).message}`, { cause: thrown });
  }
};

/** Of a body that is put together from compressed pieces; each costs a call. */
const maxFrames = 4096;

/**
 * Room for a body that says how much it unpacks to: pieces would be held a second time while they are put together. One byte more,
 * or zlib makes room for another piece to find out that there is none. It is a hint: room that stays empty is never touched.
 */
const chunkFor = (size: number, limit: number): number => Math.max(64, Math.min(limit, size) + 1);

/** What a member of RFC 1952 unpacks to, from its last four bytes; deflate shrinks to a 1032th at best. */
const gzipSize = (bytes: Uint8Array): number => {
  const { length } = bytes;
  const told = length < 18 ? 0 : viewOf(bytes).getUint32(length - 4, true);
  return Math.max(defaultPiece, Math.min(told, length * 1032));
};

/** Frame_Content_Size of RFC 8878, 3.1.1.1.4; where a frame does not tell, forty times its size, up to 4 MiB: spans shrink thirtyfold. */
const zstdSize = (bytes: Uint8Array): number => {
  const guess = Math.min(4 * 2 ** 20, Math.max(defaultPiece, bytes.length * 40));
  if (sniffEncoding(bytes) !== 'zstd' || bytes.length < 18) return guess;
  const head = bytes[4] as number;
  const isSingle = (head & 0x20) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][head & 3] as number);
  const view = viewOf(bytes);
  switch (head >> 6) {
    case 0:
      return isSingle ? view.getUint8(at) : guess;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
};

const defaultPiece = 64 * 1024;

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** Bytes in room of their own size, where a quarter of what they lie in would be kept for nothing. */
const trimmed = (bytes: Uint8Array): Uint8Array =>
  bytes.length < bytes.buffer.byteLength * 0.75 ? Buffer.copyBytesFrom(bytes) : bytes;

/** Frames may follow each other, which Node reads the first of only. */
const zstdFrames = async (bytes: Uint8Array, limit: number): Promise<Uint8Array> => {
  const frames: Uint8Array[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length || frames.length === 0; ) {
    const { buffer, read } = await zstdFrame(bytes.subarray(at), Math.max(1, limit - size));
    frames.push(buffer);
    at += read;
    size += buffer.length;
    if (read === 0 || frames.length > maxFrames) throw new Error('it has too many frames');
  }
  return frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames);
};

const zstdFrame = (
  bytes: Uint8Array,
  maxOutputLength: number,
): Promise<{ readonly buffer: Uint8Array; readonly read: number }> =>
  new Promise((settle, reject) => {
    zlib().zstdDecompress(
      bytes,
      { maxOutputLength, info: true, chunkSize: chunkFor(zstdSize(bytes), maxOutputLength) },
      (thrown, result) => {
        if (thrown !== null) return reject(thrown);
        const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
        settle({ buffer, read: engine.bytesWritten });
      },
    );
  });

/** RFC 1950, as PNG wants it. */
export const deflate = (bytes: Uint8Array): Uint8Array => zlib().deflateSync(bytes, { level: 9 });

/** zstd at its fastest: spans repeat themselves so much that higher levels cost more than they save. The frame tells its size. */
export const compress = (bytes: Uint8Array): Promise<Uint8Array> =>
  called((done) => {
    const { constants, zstdCompress } = zlib();
    const params = { [constants.ZSTD_c_compressionLevel]: 1 };
    zstdCompress(bytes, { params, pledgedSrcSize: bytes.length }, done);
  });

/** The encoding that bytes announce by their first ones; undefined when they announce none. */
export const sniffEncoding = (bytes: Uint8Array): 'gzip' | 'zstd' | 'deflate' | undefined => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  // RFC 1950: method 8, and the two bytes a multiple of 31. Neither JSON nor OTLP protobuf starts so.
  if (bytes[0] === 0x78 && bytes[1] !== undefined && (0x7800 + bytes[1]) % 31 === 0) return 'deflate';
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd ? 'zstd' : undefined;
};
