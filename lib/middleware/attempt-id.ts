/**
 * The span id of one delivery of one message: known to every later delivery without any store, so that a redelivered message can be
 * linked to its earlier attempt. Of a UUID its first and last 32 bits, moved by the count; of any other id a hash in two halves.
 */
export const attemptId = (messageId: string, receiveCount: number): string => {
  if (messageId.length === 36 && messageId.charCodeAt(23) === 45) {
    const low = (Number.parseInt(messageId.slice(28), 16) + Math.imul(receiveCount, 0x9e3779b1)) >>> 0;
    const id = messageId.slice(0, 8) + hex(low);
    if (isId(id)) return id;
  }
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4 ^ receiveCount;
  for (let at = 0; at < messageId.length; at++) {
    const code = messageId.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code ^ (a >>> 16), 0x01000193);
  }
  const id = hex((a ^ Math.imul(receiveCount, 0x9e3779b1)) >>> 0) + hex(b >>> 0);
  return id === '0000000000000000' ? '0000000000000001' : id;
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');

const isId = (id: string): boolean => /^[0-9a-f]{16}$/.test(id) && id !== '0000000000000000';
