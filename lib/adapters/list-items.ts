/**
 * Takes a Kubernetes list apart while it arrives: each element of the top-level `items` is parsed by itself and handed on, so that
 * a page of megabytes never stands in memory as text and as objects at the same time. `end` answers the list without its items,
 * and throws a SyntaxError for what is no JSON or was cut off.
 */
export const listItems = (onItem: (item: unknown) => void): { write: (chunk: Buffer) => void; end: () => unknown } => {
  let depth = 0;
  let inString = false;
  let escaped = false;
  /** Depth of the elements while inside `items`, else 0. */
  let within = 0;
  /** The last string at depth 1; the key, when a bracket follows. Keys that matter are ASCII. */
  let key = '';
  let inKey = false;
  let item: Buffer[] | undefined;
  const envelope: Buffer[] = [];
  return {
    write(chunk) {
      /** Where what has not been put anywhere begins. */
      let from = 0;
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at];
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) {
            inString = false;
            inKey = false;
          }
          if (inKey) key += String.fromCharCode(byte as number);
          continue;
        }
        if (byte === quote) {
          inString = true;
          if (depth === 1 && within === 0) {
            inKey = true;
            key = '';
          }
        } else if (byte === openBrace || byte === openBracket) {
          if (within > 0 && depth === within && item === undefined) {
            item = [];
            from = at;
          }
          depth += 1;
          if (byte === openBracket && depth === 2 && key === 'items' && within === 0) {
            within = 2;
            envelope.push(Buffer.from(chunk.subarray(from, at + 1)));
            from = at + 1;
          }
        } else if (byte === closeBrace || byte === closeBracket) {
          depth -= 1;
          if (item !== undefined && depth === within) {
            item.push(chunk.subarray(from, at + 1));
            onItem(JSON.parse((item.length === 1 ? item[0] : Buffer.concat(item))?.toString('utf8') ?? ''));
            item = undefined;
            from = at + 1;
          } else if (within > 0 && depth < within) {
            within = 0;
            from = at;
            key = '';
          }
        } else if (byte === comma && depth === 1) key = '';
      }
      if (item !== undefined) item.push(Buffer.from(chunk.subarray(from)));
      // Between elements there are commas and space only; anything else there makes the elements themselves no JSON.
      else if (within === 0) envelope.push(Buffer.from(chunk.subarray(from)));
    },
    end() {
      if (item !== undefined || within > 0 || depth !== 0) throw new SyntaxError('it ends in the middle');
      return JSON.parse(Buffer.concat(envelope).toString('utf8'));
    },
  };
};

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
