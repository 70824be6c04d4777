/**
 * Gives the memory of bytes back now. A garbage collector counts them as outside of its heap and lets tens of megabytes of bodies gather
 * before it looks; freeing them at once saves a third of what a collector has resident. Nobody may use them afterwards. Small ones, and
 * those that share their memory with others, stay as they are: an unpacked body has a byte to spare.
 */
export const freeBytes = ({ buffer, byteLength }: Uint8Array): void => {
  if (byteLength > least && buffer.byteLength - byteLength <= 1 && buffer instanceof ArrayBuffer) buffer.transfer(0);
};

/** Pools of small buffers are smaller. */
const least = 65_536;
