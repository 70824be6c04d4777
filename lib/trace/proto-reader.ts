/** Walks the fields of one protobuf message in place, without copies. Throws on bytes that are no message. */
export class ProtoReader {
  field = 0;
  wire = 0;
  /** Of a length-delimited field: where its bytes lie. Of a fixed one: where it starts. */
  start = 0;
  end = 0;
  /** Of a varint: its value, exact up to 2^53. */
  value = 0;
  readonly #buffer: Buffer;
  readonly #limit: number;
  #at: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#at = start;
    this.#limit = end;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#limit) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.wire === 0) {
      this.start = this.#at;
      this.value = this.#varint();
      this.end = this.#at;
    } else {
      const length = this.wire === 2 ? this.#varint() : this.wire === 1 ? 8 : this.wire === 5 ? 4 : -1;
      if (length < 0) throw new Error(`wire type ${this.wire} is not known`);
      this.start = this.#at;
      this.end = this.#at + length;
      if (this.end > this.#limit) throw new Error('it is cut short');
      this.#at = this.end;
    }
    return true;
  }

  /** The varint just read as a signed 64-bit integer, exactly. */
  int64(): bigint {
    let value = 0n;
    for (let at = this.start, shift = 0n; at < this.end; at += 1, shift += 7n) {
      value |= BigInt((this.#buffer[at] as number) & 0x7f) << shift;
    }
    return BigInt.asIntN(64, value);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= this.#limit) throw new Error('it is cut short');
      const byte = this.#buffer[this.#at] as number;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new Error('a number is longer than 64 bits');
  }
}
