/**
 * One buffer that grows and is used again for every batch. What is written into it is whole when `taken` is called: the bytes are
 * copied out then, since they are still being compressed and sent while the next batch is written.
 */
export class EncodeBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  at = 0;

  /** Makes room for so many more bytes. */
  room(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.at + count, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  byte(code: number): void {
    this.room(1);
    this.bytes[this.at++] = code;
  }

  /** Bytes that are written again and again: copying them costs a quarter of writing the text. */
  put(piece: Uint8Array): void {
    this.room(piece.length);
    this.bytes.set(piece, this.at);
    this.at += piece.length;
  }

  /** What was written, as bytes of their own; the buffer then starts anew. */
  taken(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.at);
    this.bytes.copy(copy, 0, 0, this.at);
    this.at = 0;
    // One unusual batch is no reason to hold its memory for good.
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(initialBytes);
    return copy;
  }
}

/** What is made of a key, kept for the next time: there are few keys of attributes. */
export const remembered = <T>(make: (key: string) => T): ((key: string) => T) => {
  const known = new Map<string, T>();
  return (key) => {
    let made = known.get(key);
    if (made === undefined) {
      made = make(key);
      // Keys come from outside: not even a hostile one may fill the memory with them.
      if (known.size >= maxKeys) known.clear();
      if (key.length <= maxKeyLength) known.set(key, made);
    }
    return made;
  };
};

const maxKeys = 1000;
const maxKeyLength = 256;
const initialBytes = 32 * 1024;
const keptBytes = 4 * 1024 * 1024;
