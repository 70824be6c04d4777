/**
 * Reads a Kubernetes quantity (`128974848`, `129e6`, `129M`, `123Mi`, `0.5`, `100m`) into exact nano-units.
 * Agrees with `resource.ParseQuantity` of k8s.io/apimachinery on valid and invalid texts alike, including what its grammar
 * does not promise: `1.Gi`, `.5`, a lone sign or suffix (zero). Finer than nano is rounded away from zero; binary
 * suffixes saturate at 2^63-1. Exponents are cut to 32 bits as there; beyond ±10,000 the result saturates.
 */
export const readQuantity = (text: unknown): { readonly nanos: bigint } | { readonly refused: string } => {
  // The API server writes strings, but its JSON reader takes bare numbers too.
  if (typeof text === 'number') return readQuantity(String(text));
  if (typeof text !== 'string') return { refused: 'is not a text' };
  if (text === '') return { refused: 'is empty' };
  if (text.length > maxLength) return { refused: `is longer than ${maxLength} characters` };
  // The plain cases (`123456789n`, `64Mi`, `250m`) need no more than this; usage samples of whole clusters pass here.
  const parts = grammar.exec(text);
  if (parts === null) return { refused: `'${clip(text)}' is not a number with a suffix` };
  const [, sign, digits = '', fraction = '', suffix = ''] = parts;
  const scale = suffix === '' ? decimal0 : (suffixes.get(suffix) ?? exponentOf(suffix));
  if (scale === undefined) return { refused: `'${clip(text)}' ends in an unknown suffix '${clip(suffix)}'` };
  const unscaled = BigInt(digits + fraction || '0');
  // apimachinery reads a text without digits as zero, except on its slow path (finer than nano, `Pi`, `Ei`): refused there.
  if (digits === '' && fraction === '' && ('two' in scale ? scale.two >= 50n : scale.ten < -9)) {
    return { refused: `'${clip(text)}' has no digits` };
  }
  let nanos: bigint;
  if ('two' in scale) {
    nanos = ceilDivide(unscaled * (1n << scale.two) * nano, 10n ** BigInt(fraction.length));
    if (nanos > maxBinary) nanos = maxBinary;
  } else {
    const power = 9 + Math.max(-maxPower, Math.min(maxPower, scale.ten)) - fraction.length;
    nanos = power >= 0 ? unscaled * 10n ** BigInt(power) : ceilDivide(unscaled, 10n ** BigInt(-power));
  }
  return { nanos: sign === '-' ? -nanos : nanos };
};

/** Nano-units as a number: exact up to 2^53 nano-units, rounded beyond; for ratios and display only. */
export const toNumber = (nanos: bigint): number => (nanos % nano === 0n ? Number(nanos / nano) : Number(nanos) / 1e9);

type Scale = { readonly ten: number } | { readonly two: bigint };

const nano = 1_000_000_000n;
const maxBinary = ((1n << 63n) - 1n) * nano;
const maxPower = 10_000;
const maxLength = 1024;
const decimal0: Scale = { ten: 0 };
const grammar = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/;

const suffixes: ReadonlyMap<string, Scale> = new Map<string, Scale>([
  ['n', { ten: -9 }],
  ['u', { ten: -6 }],
  ['m', { ten: -3 }],
  ['k', { ten: 3 }],
  ['M', { ten: 6 }],
  ['G', { ten: 9 }],
  ['T', { ten: 12 }],
  ['P', { ten: 15 }],
  ['E', { ten: 18 }],
  ['Ki', { two: 10n }],
  ['Mi', { two: 20n }],
  ['Gi', { two: 30n }],
  ['Ti', { two: 40n }],
  ['Pi', { two: 50n }],
  ['Ei', { two: 60n }],
]);

/** `e3`, `E-6`: a signed integer of 64 bits, of which apimachinery keeps the lower 32. */
const exponentOf = (suffix: string): Scale | undefined => {
  if (!/^[eE][+-]?\d+$/.test(suffix)) return undefined;
  const exponent = BigInt(suffix.slice(suffix[1] === '+' ? 2 : 1));
  if (exponent !== BigInt.asIntN(64, exponent)) return undefined;
  return { ten: Number(BigInt.asIntN(32, exponent)) };
};

/** Away from zero, for operands that are not negative. */
const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

const clip = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
