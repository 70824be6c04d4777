/**
 * Walks a JSON text in place, as bytes, and checks it as strictly as `JSON.parse` does; nothing is made of what is passed over.
 * Nesting costs a bit a level, not the stack. Throws on what is no JSON, with the place.
 */
export class JsonScanner {
  readonly buffer: Buffer;
  at = 0;
  /** Of the last string: its content between the quotes, and whether it has no escapes. */
  from = 0;
  to = 0;
  isPlain = true;
  /** The deepest nesting within the last value that was passed over; 0 for one that is no list or object. */
  depth = 0;
  #end: number;
  /** Bit by level: whether it is an object. */
  #levels = new Uint8Array(64);

  constructor(buffer: Buffer) {
    this.buffer = buffer;
    this.#end = buffer.length;
  }

  /** Goes on between two places, as if nothing else were there. */
  within(from: number, to: number): void {
    this.at = from;
    this.#end = to;
  }

  /** The next byte that is no white space; -1 at the end. */
  peek(): number {
    const { buffer } = this;
    const end = this.#end;
    let at = this.at;
    while (at < end) {
      const byte = buffer[at] as number;
      if (byte > space || (byte !== space && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
      at += 1;
    }
    this.at = at;
    return at < end ? (buffer[at] as number) : -1;
  }

  /** At an object: enters it. */
  open(): void {
    this.at += 1;
  }

  /** Within an object: moves to the value of its next member, whose key is the last string then; false after its end. */
  member(isFirst: boolean): boolean {
    let byte = this.peek();
    if (byte === closeBrace) {
      this.at += 1;
      return false;
    }
    if (!isFirst) {
      if (byte !== comma) throw this.wrong();
      this.at += 1;
      byte = this.peek();
    }
    if (byte !== quote) throw this.wrong();
    this.string();
    if (this.peek() !== colon) throw this.wrong();
    this.at += 1;
    this.peek();
    return true;
  }

  /** Within a list: moves to its next element; false after its end. */
  element(isFirst: boolean): boolean {
    const byte = this.peek();
    if (byte === closeBracket) {
      this.at += 1;
      return false;
    }
    if (isFirst) return true;
    if (byte !== comma) throw this.wrong();
    this.at += 1;
    if (this.peek() === closeBracket) throw this.wrong();
    return true;
  }

  /** Whether the last string is that word. */
  is(word: Buffer): boolean {
    const { buffer, from } = this;
    const length = this.to - from;
    if (length !== word.length) return false;
    for (let at = 0; at < length; at += 1) if (buffer[from + at] !== word[at]) return false;
    return true;
  }

  /** At a string: passes over it. */
  string(): void {
    const { buffer } = this;
    const end = this.#end;
    let at = this.at + 1;
    this.from = at;
    this.isPlain = true;
    for (;;) {
      while (at < end && isPlainByte[buffer[at] as number] === 1) at += 1;
      if (buffer[at] === quote) break;
      if (at >= end || buffer[at] !== backslash) throw this.wrong(at);
      this.isPlain = false;
      at = this.#escape(at + 1);
    }
    this.to = at;
    this.at = at + 1;
  }

  /** At any value: passes over it. Answers how many elements or members it has itself. */
  value(): number {
    const { buffer } = this;
    const end = this.#end;
    let at = this.at;
    let level = 0;
    let deepest = 0;
    let count = 0;
    /** Whether the innermost level is an object. */
    let isObject = false;
    for (;;) {
      // At a value, or at the end of a list or an object that is empty.
      if (level === 1) count += 1;
      let byte = buffer[at] as number;
      while (isSpaceByte[byte] === 1) {
        at += 1;
        byte = buffer[at] as number;
      }
      if (byte === quote) {
        at += 1;
        while (at < end && isPlainByte[buffer[at] as number] === 1) at += 1;
        if (buffer[at] === quote) at += 1;
        else at = this.#restOfString(at);
      } else if (byte === openBrace || byte === openBracket) {
        at += 1;
        isObject = byte === openBrace;
        this.#enter(level, isObject);
        level += 1;
        if (level > deepest) deepest = level;
        byte = buffer[at] as number;
        while (isSpaceByte[byte] === 1) {
          at += 1;
          byte = buffer[at] as number;
        }
        if (byte !== (isObject ? closeBrace : closeBracket)) {
          if (isObject) at = this.#key(at);
          continue;
        }
        if (level === 1) count = 0;
        at += 1;
        level -= 1;
        isObject = level > 0 && this.#isObjectAt(level - 1);
      } else {
        this.at = at;
        this.#scalar(byte);
        at = this.at;
      }
      // After a value: out of what ends here, and on to the next one.
      for (;;) {
        if (level === 0) {
          this.at = at;
          this.depth = deepest;
          return count;
        }
        byte = buffer[at] as number;
        while (isSpaceByte[byte] === 1) {
          at += 1;
          byte = buffer[at] as number;
        }
        if (byte === comma) {
          at += 1;
          if (isObject) at = this.#key(at);
          break;
        }
        if (byte !== (isObject ? closeBrace : closeBracket)) throw this.wrong(at);
        at += 1;
        level -= 1;
        isObject = level > 0 && this.#isObjectAt(level - 1);
      }
    }
  }

  /** At a key, or white space before it: the place of its value. */
  #key(from: number): number {
    const { buffer } = this;
    const end = this.#end;
    let at = from;
    while (isSpaceByte[buffer[at] as number] === 1) at += 1;
    if (buffer[at] !== quote) throw this.wrong(at);
    at += 1;
    while (at < end && isPlainByte[buffer[at] as number] === 1) at += 1;
    if (buffer[at] === quote) at += 1;
    else at = this.#restOfString(at);
    while (isSpaceByte[buffer[at] as number] === 1) at += 1;
    if (buffer[at] !== colon) throw this.wrong(at);
    return at + 1;
  }

  /** Within a string, at an escape: the place after the string. */
  #restOfString(from: number): number {
    const { buffer } = this;
    const end = this.#end;
    let at = from;
    while (buffer[at] !== quote) {
      if (at >= end || buffer[at] !== backslash) throw this.wrong(at);
      at = this.#escape(at + 1);
      while (at < end && isPlainByte[buffer[at] as number] === 1) at += 1;
    }
    return at + 1;
  }

  #isObjectAt(level: number): boolean {
    return (((this.#levels[level >> 3] as number) >> (level & 7)) & 1) === 1;
  }

  #enter(level: number, isObject: boolean): void {
    const at = level >> 3;
    if (at >= this.#levels.length) {
      const grown = new Uint8Array(this.#levels.length * 2);
      grown.set(this.#levels);
      this.#levels = grown;
    }
    const bit = 1 << (level & 7);
    this.#levels[at] = isObject ? (this.#levels[at] as number) | bit : (this.#levels[at] as number) & ~bit;
  }

  #scalar(byte: number): void {
    if (byte === quote) this.string();
    else if (byte === minus || isDigit(byte)) this.number();
    else if (byte === 0x74) this.#word('true');
    else if (byte === 0x66) this.#word('false');
    else if (byte === 0x6e) this.#word('null');
    else throw this.wrong();
  }

  /** At a number: passes over it; its digits are between `from` and `to` then. */
  number(): void {
    const { buffer } = this;
    this.from = this.at;
    if (buffer[this.at] === minus) this.at += 1;
    if (buffer[this.at] === zero) this.at += 1;
    else this.#digits();
    if (buffer[this.at] === 0x2e) {
      this.at += 1;
      this.#digits();
    }
    if (((buffer[this.at] as number) | 0x20) === 0x65) {
      this.at += 1;
      if (buffer[this.at] === 0x2b || buffer[this.at] === minus) this.at += 1;
      this.#digits();
    }
    this.to = this.at;
  }

  #digits(): void {
    const { buffer } = this;
    const from = this.at;
    while (this.at < this.#end && isDigit(buffer[this.at] as number)) this.at += 1;
    if (this.at === from) throw this.wrong();
  }

  #word(word: string): void {
    if (this.buffer.toString('latin1', this.at, this.at + word.length) !== word) throw this.wrong();
    this.at += word.length;
  }

  /** After a backslash: what comes after the escape. */
  #escape(at: number): number {
    const byte = this.buffer[at];
    if (byte === 0x75) {
      if (!/^[0-9a-fA-F]{4}$/.test(this.buffer.toString('latin1', at + 1, at + 5))) throw this.wrong(at);
      return at + 5;
    }
    if (byte === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(byte))) throw this.wrong(at);
    return at + 1;
  }

  /** What to throw where the text is no JSON. */
  wrong(at = this.at): Error {
    return new Error(at >= this.#end ? 'it ends early' : `unexpected character at ${at}`);
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const space = 0x20;
const minus = 0x2d;
const zero = 0x30;

/** Bytes of a string that are neither its end nor an escape nor forbidden in it. */
const isPlainByte = new Uint8Array(256).fill(1, 0x20);
isPlainByte[quote] = 0;
isPlainByte[backslash] = 0;

const isSpaceByte = new Uint8Array(256);
for (const byte of [0x20, 0x0a, 0x0d, 0x09]) isSpaceByte[byte] = 1;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
