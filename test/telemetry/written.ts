/** How texts are written, and what may stand around them: a corpus for what looks for personal data in them. */

type Rewrite = (text: string) => string;

const escapedAs =
  (written: (code: string) => string, which: RegExp): Rewrite =>
  (text) =>
    text.replace(which, (each) => written(each.charCodeAt(0).toString(16).padStart(2, '0')));
const marks = /[^0-9A-Za-z]/g;

/** Spellings of the same text. */
export const spellings: Readonly<Record<string, Rewrite>> = {
  'as it is': (text) => text,
  'with no-break blanks and hyphens': (text) => text.replaceAll(' ', '\u00a0').replaceAll('-', '\u2011'),
  'with thin blanks and dashes': (text) => text.replaceAll(' ', '\u2009').replaceAll('-', '\u2013'),
  'in full width': (text) => text.replace(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)),
  'with full-width digits': (text) => text.replace(/\d/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)),
  'percent-encoded': encodeURIComponent,
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'percent-encoded, every mark of it': escapedAs((code) => `%${code}`, marks),
  'percent-encoded, all of it': escapedAs((code) => `%${code.toUpperCase()}`, /./gs),
  'as a form': (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  'as JSON in JSON': (text) => JSON.stringify(JSON.stringify({ text })),
  'escaped as in JSON': escapedAs((code) => `\\u00${code}`, marks),
  'escaped as in JavaScript': escapedAs((code) => `\\x${code}`, marks),
  'escaped as in HTML': escapedAs((code) => `&#x${code};`, marks),
  'escaped as in XML': (text) => text.replace(marks, (each) => `&#${each.charCodeAt(0)};`),
};

const delimiters = [
  ...'\t\n\r !"#$&\'()*,-./:;<=>?[\\]^`{|}~',
  ...['。', '、', '，', '“', '”', '\u3000', '\u00a0', '\u200b', '\ufeff', '→', '€', '«', '»', '--', '::', '=>'],
  ...['\\t', '\\n', '\\"', '%3D', '%26', '%0A', '&amp;', '&quot;', '\\u0022', '\\u003d'],
];

/** Where a text may stand. */
export const places: Readonly<Record<string, Rewrite>> = {
  ...Object.fromEntries(
    delimiters.flatMap((each) => [
      [`behind ${JSON.stringify(each)}`, (text: string) => `a${each}${text} b`],
      [`before ${JSON.stringify(each)}`, (text: string) => `a ${text}${each}b`],
      [`between ${JSON.stringify(each)}`, (text: string) => `${each}${text}${each}`],
    ]),
  ),
  'path of a URL': (text) => `https://shop.example/users/${text}/orders`,
  'query of a URL': (text) => `https://shop.example/?q=${text}&a=1`,
  'fragment of a URL': (text) => `https://shop.example/#${text}`,
  'user of a URL': (text) => `https://${text}:pw@shop.example/`,
  'parameter of a path': (text) => `/users;id=${text};a=1/x`,
  'request line': (text) => `GET /users/${text}?x=1 HTTP/1.1`,
  'literal of SQL': (text) => `SELECT * FROM t WHERE a='${text}'`,
  'comment of SQL': (text) => `SELECT 1 -- ${text}`,
  'block comment of SQL': (text) => `SELECT 1 /* ${text} */`,
  'dollar quotes of SQL': (text) => `SELECT $$${text}$$, $a$${text}$a$`,
  'escaped literal of SQL': (text) => `SELECT E'${text}', N'${text}'`,
  'pattern of SQL': (text) => `x LIKE '%${text}%'`,
  'line of CSV': (text) => `1,${text},2`,
  'pairs of keys and values': (text) => `k=${text};l=2`,
  'mailto and tel': (text) => `mailto:${text} tel:${text}`,
  XML: (text) => `<a b="${text}">${text}</a>`,
  JSON: (text) => `{"a":"${text}","b":["${text}"]}`,
  'JSON in JSON': (text) => `{\\"a\\":\\"${text}\\"}`,
  'after a name': (text) => `Jane <${text}>`,
  twice: (text) => `${text},${text}\n${text}`,
  'behind a time': (text) => `2026-11-24T19:27:36Z ${text}`,
};

/** What is left of a text when only its letters and digits count, however it is spelt. */
export const core = (text: string): string => {
  let plain = text.normalize('NFKC');
  for (let layer = 0; layer < 3; layer++) {
    plain = plain
      .replace(/%([0-7][0-9a-f])|\\u00([0-7][0-9a-f])|\\x([0-7][0-9a-f])|&#x([0-7][0-9a-f]);/gi, (_, a, b, c, d) =>
        String.fromCharCode(Number.parseInt(a ?? b ?? c ?? d, 16)),
      )
      .replace(/&#(\d{2,3});/g, (_, digits) => String.fromCharCode(Number(digits)));
  }
  return plain.replace(/[^0-9A-Za-z]/g, '');
};
