/** A text as SQS takes it in a message attribute: short, not empty, and without the characters that XML cannot hold. */
export const attributeText = (text: string): string =>
  text
    .slice(0, 200)
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what SQS refuses
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ')
    .trim() || 'unknown';
