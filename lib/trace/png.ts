/** A picture in colours of a palette, one byte a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export const picture = (width: number, height: number, colour: number): Picture => ({
  width,
  height,
  pixels: new Uint8Array(width * height).fill(colour),
});

/** Fills a rectangle; what lies outside of the picture is left out. */
export const fill = (
  { width, height, pixels }: Picture,
  x: number,
  y: number,
  wide: number,
  high: number,
  colour: number,
): void => {
  const [from, to] = [Math.max(0, x), Math.min(width, x + wide)];
  for (let row = Math.max(0, y); row < Math.min(height, y + high); row += 1) {
    if (to > from) pixels.fill(colour, row * width + from, row * width + to);
  }
};

/** Pixels that a dot of a letter is wide and high. */
const dot = 2;
const columnsOfGlyph = 5;
const rowsOfGlyph = 8;
export const glyphHeight = 7 * dot;
const advance = (columnsOfGlyph + 1) * dot;

export const textWidth = (text: string): number => [...text].length * advance;

/** Writes a line with its upper left corner at x, y. Characters beyond ASCII are drawn as a box. */
export const drawText = (canvas: Picture, x: number, y: number, text: string, colour: number): void => {
  [...text].forEach((character, place) => {
    const code = character.codePointAt(0) ?? 0;
    const glyph = code >= firstGlyph && code <= lastGlyph ? code - firstGlyph : boxGlyph;
    for (let column = 0; column < columnsOfGlyph; column += 1) {
      const bits = Number.parseInt(glyphs.slice(2 * (glyph * columnsOfGlyph + column)).slice(0, 2), 16);
      for (let row = 0; row < rowsOfGlyph; row += 1) {
        if ((bits >> row) & 1) fill(canvas, x + place * advance + column * dot, y + row * dot, dot, dot, colour);
      }
    }
  });
};

/** Encodes a picture of at most 256 colours (PNG 1.2: IHDR, PLTE, IDAT, IEND; filter 0, which suits flat areas). */
export const encodePng = (
  { width, height, pixels }: Picture,
  palette: readonly (readonly [number, number, number])[],
  deflate: (bytes: Uint8Array) => Uint8Array,
): Uint8Array => {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Eight bits a pixel, of a palette; the three zeros after them are the only values that the standard knows.
  header.set([8, 3], 8);
  const lines = new Uint8Array(height * (width + 1));
  for (let row = 0; row < height; row += 1) {
    lines.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('PLTE', Uint8Array.from(palette.flat())),
    chunk('IDAT', deflate(lines)),
    chunk('IEND', new Uint8Array()),
  ];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let at = 0; at < 4; at += 1) bytes[4 + at] = type.charCodeAt(at);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
};

/** CRC-32 of ISO 3309, as the standard asks, bit by bit: there are few bytes. */
const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
};

const firstGlyph = 0x20;
const lastGlyph = 0x7e;
const boxGlyph = lastGlyph - firstGlyph + 1;

/** Letters of 5 × 7 dots, ASCII 32 to 126 and a box: five columns each, two hex digits a column, the lowest bit on top. */
const glyphs = [
  '0000000000',
  '00005f0000',
  '0007000700',
  '147f147f14',
  '242a7f2a12',
  '2313086462',
  '3649562050',
  '0008070300',
  '001c224100',
  '0041221c00',
  '2a1c7f1c2a',
  '08083e0808',
  '0080703000',
  '0808080808',
  '0000606000',
  '2010080402',
  '3e5149453e',
  '00427f4000',
  '7249494946',
  '2141494d33',
  '1814127f10',
  '2745454539',
  '3c4a494931',
  '4121110907',
  '3649494936',
  '464949291e',
  '0000140000',
  '0040340000',
  '0008142241',
  '1414141414',
  '0041221408',
  '0201590906',
  '3e415d594e',
  '7c1211127c',
  '7f49494936',
  '3e41414122',
  '7f4141413e',
  '7f49494941',
  '7f09090901',
  '3e41415173',
  '7f0808087f',
  '00417f4100',
  '2040413f01',
  '7f08142241',
  '7f40404040',
  '7f021c027f',
  '7f0408107f',
  '3e4141413e',
  '7f09090906',
  '3e4151215e',
  '7f09192946',
  '2649494932',
  '03017f0103',
  '3f4040403f',
  '1f2040201f',
  '3f4038403f',
  '6314081463',
  '0304780403',
  '6159494d43',
  '007f414141',
  '0204081020',
  '004141417f',
  '0402010204',
  '4040404040',
  '0003070800',
  '2054547840',
  '7f28444438',
  '3844444428',
  '384444287f',
  '3854545418',
  '00087e0902',
  '18a4a49c78',
  '7f08040478',
  '00447d4000',
  '2040403d00',
  '7f10284400',
  '00417f4000',
  '7c04780478',
  '7c08040478',
  '3844444438',
  'fc18242418',
  '18242418fc',
  '7c08040408',
  '4854545424',
  '04043f4424',
  '3c4040207c',
  '1c2040201c',
  '3c4030403c',
  '4428102844',
  '4c9090907c',
  '4464544c44',
  '0008364100',
  '0000770000',
  '0041360800',
  '0201020402',
  '7f4141417f',
].join('');
