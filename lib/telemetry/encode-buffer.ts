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

const initialBytes = 32 * 1024;
const keptBytes = 4 * 1024 * 1024;
