import fc from 'fast-check';

/** Generated personal data, valid down to its checksums. */
const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((all) => all.join(''));
const from = (alphabet: string, least: number, most: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: least, maxLength: most }).map((all) => all.join(''));

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const numerals = '0123456789';

export const anEmail = fc
  .tuple(
    from(lower + numerals, 1, 10),
    fc.constantFrom('', '.', '_', '+', '-'),
    from(lower + upper + numerals, 1, 8),
    fc.constantFrom('@', '%40'),
    from(lower, 2, 10),
    fc.constantFrom('.com', '.co.uk', '.example', '.com.cn', '.museum'),
  )
  .map((parts) => parts.join(''));

export const aMobile = fc
  .tuple(
    fc.constantFrom('', '+86', '+86 ', '86', '0086', '86-'),
    fc.integer({ min: 3, max: 9 }),
    digits(9),
    fc.boolean(),
  )
  .map(([prefix, second, rest, grouped]) => {
    const number = `1${second}${rest}`;
    return grouped && (prefix === '' || prefix.startsWith('+'))
      ? `${prefix}${number.slice(0, 3)}-${number.slice(3, 7)}-${number.slice(7)}`
      : `${prefix}${number}`;
  });

const nanp = fc
  .tuple(fc.integer({ min: 201, max: 989 }), fc.integer({ min: 200, max: 999 }), digits(4), fc.constantFrom(0, 1, 2, 3))
  .map(([area, exchange, line, form]) =>
    form === 0
      ? `(${area}) ${exchange}-${line}`
      : form === 1
        ? `${area}-${exchange}-${line}`
        : form === 2
          ? `+1 ${area} ${exchange} ${line}`
          : `+1${area}${exchange}${line}`,
  );

const international = fc
  .tuple(
    fc.constantFrom('44', '49', '33', '81', '91', '55', '7', '852', '971'),
    digits(9),
    fc.constantFrom('', ' ', '-'),
  )
  .map(([code, rest, separator]) => `+${code}${separator}${rest}`);

const luhnDigit = (payload: string): string => {
  for (let check = 0; check < 10; check++) {
    const text = `${payload}${check}`;
    let sum = 0;
    for (const [index, each] of [...text].reverse().entries()) {
      const digit = Number(each);
      sum += index % 2 === 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    }
    if (sum % 10 === 0) return text;
  }
  throw new Error('one of ten digits fits');
};

export const aCard = fc
  .tuple(
    fc.constantFrom(
      ['4', 16],
      ['51', 16],
      ['55', 16],
      ['2221', 16],
      ['34', 15],
      ['37', 15],
      ['6011', 16],
      ['62', 16],
      ['62', 19],
      ['3528', 16],
      ['36', 14],
    ) as fc.Arbitrary<[string, number]>,
    digits(19),
    fc.constantFrom('', ' ', '-'),
  )
  .map(([issuer, random, separator]) => {
    const [prefix, length] = issuer;
    const number = luhnDigit(`${prefix}${random}`.slice(0, length - 1));
    if (separator === '') return number;
    const groups =
      length === 15 ? [4, 6, 5] : length === 14 ? [4, 6, 4] : length === 19 ? [4, 4, 4, 4, 3] : [4, 4, 4, 4];
    let at = 0;
    return groups.map((size) => number.slice(at, (at += size))).join(separator);
  });

export const aResidentId = fc
  .tuple(
    fc.constantFrom('110105', '310115', '440106', '650102', '820000'),
    fc.date({ min: new Date('1920-01-01'), max: new Date('2025-01-01'), noInvalidDate: true }),
    digits(3),
  )
  .map(([place, born, order]) => {
    const payload = `${place}${born.toISOString().slice(0, 10).replaceAll('-', '')}${order}`;
    const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const sum = weights.reduce((total, weight, index) => total + weight * Number(payload[index]), 0);
    return `${payload}${'10X98765432'[sum % 11]}`;
  });

export const anIban = fc
  .tuple(
    fc.constantFrom(['DE', 18], ['GB', 18], ['FR', 23], ['NL', 14], ['NO', 11], ['MT', 27]) as fc.Arbitrary<
      [string, number]
    >,
    digits(27),
    fc.boolean(),
  )
  .map(([country, random, grouped]) => {
    const [code, length] = country;
    const rest = (code === 'GB' ? `WEST${random}` : code === 'NL' ? `ABNA${random}` : random).slice(0, length);
    const numeric = [...`${rest}${code}00`].map((each) => Number.parseInt(each, 36)).join('');
    const check = 98n - (BigInt(numeric) % 97n);
    const iban = `${code}${String(check).padStart(2, '0')}${rest}`;
    return grouped ? (iban.match(/.{1,4}/g) ?? []).join(' ') : iban;
  });

const base64url = `${lower}${upper}${numerals}-_`;
export const aJwt = fc
  .tuple(from(base64url, 10, 40), from(base64url, 10, 80), from(base64url, 20, 43))
  .map(([header, payload, signature]) => `eyJ${header}.eyJ${payload}.${signature}`);

const anAccessKey = fc
  .tuple(fc.constantFrom('AKIA', 'ASIA'), from(`${upper}234567`, 16, 16))
  .map((parts) => parts.join(''));

/** Random ones: what happens to have no digit at all, or hardly a change of case, is one in some ten thousand. */
export const aSecretKey = from(`${lower}${upper}${numerals}/+`, 40, 40).filter((key) => {
  const changes = [...key].filter((each, at) => classOf(each) !== classOf(key[at - 1])).length;
  return changes >= 17 && /[a-z]/.test(key) && /[A-Z]/.test(key) && /[0-9]/.test(key);
});
const classOf = (each: string | undefined): number =>
  each === undefined ? -1 : lower.includes(each) ? 0 : upper.includes(each) ? 1 : numerals.includes(each) ? 2 : 3;

export const personal = {
  'e-mail address': anEmail,
  'mobile number': aMobile,
  'phone number': fc.oneof(nanp, international),
  card: aCard,
  'resident id': aResidentId,
  IBAN: anIban,
  JWT: aJwt,
  'access key': anAccessKey,
  'secret key': aSecretKey,
} as const;
