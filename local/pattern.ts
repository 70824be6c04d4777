/** Whether an event satisfies an EventBridge pattern. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
export const matches = (pattern: unknown, event: unknown): boolean => {
  if (!isObject(pattern)) return false;
  return Object.entries(pattern).every(([key, condition]) => {
    if (key === '$or') return Array.isArray(condition) && condition.some((each) => matches(each, event));
    // A list on the way is searched: one element that satisfies the rest is enough.
    if (Array.isArray(event)) return event.some((each) => matches({ [key]: condition }, each));
    const value = isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined;
    if (Array.isArray(condition)) return condition.some((each) => anyOf(each, value));
    return matches(condition, value);
  });
};

/** A list in the event matches when one of its elements does; an absent or empty one only where absence is asked for. */
const anyOf = (condition: unknown, value: unknown): boolean => {
  if (!Array.isArray(value)) return one(condition, value);
  if (isObject(condition) && 'exists' in condition) return condition['exists'] === value.length > 0;
  return value.some((each) => one(condition, each));
};

const one = (condition: unknown, value: unknown): boolean => {
  if (!isObject(condition)) return condition === value;
  const [operator, operand] = Object.entries(condition)[0] ?? [];
  const text = typeof value === 'string' ? value : undefined;
  switch (operator) {
    case 'exists':
      return operand === (value !== undefined && !isObject(value));
    case 'prefix':
      return withCase(operand, text, (a, b) => b.startsWith(a));
    case 'suffix':
      return withCase(operand, text, (a, b) => b.endsWith(a));
    case 'equals-ignore-case':
      return text !== undefined && typeof operand === 'string' && text.toLowerCase() === operand.toLowerCase();
    case 'wildcard':
      return text !== undefined && typeof operand === 'string' && wildcard(operand, text);
    case 'numeric':
      return typeof value === 'number' && Array.isArray(operand) && numeric(operand, value);
    case 'cidr':
      return text !== undefined && typeof operand === 'string' && cidr(operand, text);
    case 'anything-but':
      return value !== undefined && !isObject(value) && anythingBut(operand, value);
    default:
      return false;
  }
};

const withCase = (
  operand: unknown,
  text: string | undefined,
  test: (operand: string, text: string) => boolean,
): boolean => {
  if (text === undefined) return false;
  if (typeof operand === 'string') return test(operand, text);
  const folded = isObject(operand) ? operand['equals-ignore-case'] : undefined;
  return typeof folded === 'string' && test(folded.toLowerCase(), text.toLowerCase());
};

const anythingBut = (operand: unknown, value: unknown): boolean => {
  if (Array.isArray(operand)) return !operand.includes(value);
  if (!isObject(operand)) return operand !== value;
  const [operator, inner] = Object.entries(operand)[0] ?? [];
  const list = Array.isArray(inner) ? inner : [inner];
  return list.every((each) => !one({ [String(operator)]: each }, value));
};

/** `*` stands for any run of characters; a backslash makes the next one plain. Linear by greedy backtracking to the last star. */
const wildcard = (pattern: string, text: string): boolean => {
  const tokens: (string | undefined)[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) tokens.push(pattern[++at]);
    else tokens.push(pattern[at] === '*' ? undefined : pattern[at]);
  }
  let token = 0;
  let at = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    if (token < tokens.length && tokens[token] === undefined) {
      star = token++;
      mark = at;
    } else if (token < tokens.length && tokens[token] === text[at]) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      token = star + 1;
      at = ++mark;
    } else return false;
  }
  while (token < tokens.length && tokens[token] === undefined) token += 1;
  return token === tokens.length;
};

const numeric = (operand: readonly unknown[], value: number): boolean => {
  for (let at = 0; at + 1 < operand.length; at += 2) {
    const bound = operand[at + 1];
    if (typeof bound !== 'number') return false;
    const holds = {
      '=': value === bound,
      '<': value < bound,
      '<=': value <= bound,
      '>': value > bound,
      '>=': value >= bound,
    }[String(operand[at])];
    if (holds !== true) return false;
  }
  return operand.length >= 2;
};

const cidr = (block: string, address: string): boolean => {
  const [base = '', bits = ''] = block.split('/');
  const left = addressBits(base);
  const right = addressBits(address);
  const length = Number(bits);
  return (
    left !== undefined &&
    right !== undefined &&
    left.length === right.length &&
    left.slice(0, length) === right.slice(0, length)
  );
};

/** An IPv4 or IPv6 address as a text of bits. */
const addressBits = (address: string): string | undefined => {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const octets = address.split('.').map(Number);
    return octets.every((octet) => octet <= 255)
      ? octets.map((octet) => octet.toString(2).padStart(8, '0')).join('')
      : undefined;
  }
  if (!/^[0-9a-fA-F:]+$/.test(address) || !address.includes(':')) return undefined;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (missing < 0 || (tail === undefined && missing !== 0)) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
