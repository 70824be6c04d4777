import type { HeatMap } from './heat-map.ts';
import { drawText, encodePng, fill, glyphHeight, type Picture, picture, textWidth } from './png.ts';

export interface HeatMapPngOptions {
  readonly title: string;
  /** zlib's deflate, handed in since a room does no I/O. */
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
  /** Services drawn, those with the largest share of the critical path first. @default 16 */
  readonly maxRows?: number;
}

/** Positions in the palette. */
const colours = { paper: 0, ink: 1, soft: 2, empty: 3, quick: 4, slow: 12 } as const;
const steps = 8;
/** Durations from here on are drawn in the colour of what is slow. */
const slowSeconds = 2;
const note = 'darker: more spans; %: share of the critical path';

const cell = { width: 26, height: 24, gap: 2 } as const;
const margin = 16;
const labelCharacters = 22;

/**
 * The heat map as a PNG for chats that show no SVG: a service a row, half octaves of duration as columns, darker the more spans (on a
 * logarithmic scale, so that one slow span among a thousand quick ones is seen), and each service's share of the critical path.
 * A pure function of its input; a picture of 16 services is about 4 KB.
 */
export const heatMapPng = (map: HeatMap, { title, deflate, maxRows = 16 }: HeatMapPngOptions): Uint8Array => {
  const rows = [...map.rows]
    .sort((a, b) => b.pathShare - a.pathShare || (a.service < b.service ? -1 : 1))
    .slice(0, maxRows);
  const left = margin + textWidth('M'.repeat(labelCharacters)) + 12;
  const right = textWidth('100 %') + 12;
  const width = Math.max(
    left + map.edges.length * cell.width + right + margin,
    2 * margin + Math.max(textWidth(title), textWidth(`${note}; 999 more services`)),
  );
  const top = margin + glyphHeight + 14;
  const hidden = map.rows.length - rows.length;
  const bottom = top + Math.max(1, rows.length) * cell.height + 8;
  const canvas = picture(width, bottom + 2 * (glyphHeight + 8) + margin, colours.paper);
  drawText(canvas, margin, margin, title, colours.ink);
  if (rows.length === 0) drawText(canvas, margin, top, 'no span was seen', colours.soft);
  const most = Math.max(1, ...rows.flatMap(({ counts }) => counts));
  rows.forEach(({ service, counts, pathShare }, at) => {
    const y = top + at * cell.height;
    const label = shorten(service, labelCharacters);
    drawText(canvas, left - 12 - textWidth(label), y + 5, label, colours.ink);
    counts.forEach((count, column) => {
      fill(
        canvas,
        left + column * cell.width,
        y,
        cell.width - cell.gap,
        cell.height - cell.gap,
        colourOf(count, column),
      );
    });
    drawText(canvas, left + counts.length * cell.width + 8, y + 5, `${Math.round(pathShare * 100)} %`, colours.ink);
  });
  axis(canvas, map.edges, left, bottom);
  const more = hidden > 0 ? `; ${hidden} more services` : '';
  drawText(canvas, margin, bottom + glyphHeight + 10, `${note}${more}`, colours.soft);
  return encodePng(canvas, palette, deflate);

  function colourOf(count: number, column: number): number {
    if (count === 0) return colours.empty;
    const step = Math.min(steps - 1, Math.floor((steps * Math.log1p(count)) / Math.log1p(most)));
    return ((map.edges[column] ?? 0) >= slowSeconds ? colours.slow : colours.quick) + step;
  }
};

/** Lower edges of whole octaves, as many as fit side by side. */
const axis = (canvas: Picture, edges: readonly number[], left: number, y: number): void => {
  let free = 0;
  edges.forEach((edge, at) => {
    const x = left + at * cell.width;
    if (x < free || Math.round(Math.log2(edge) * 2) % 2 !== 0) return;
    const text = inWords(edge);
    fill(canvas, x, y - 7, 2, 4, colours.soft);
    drawText(canvas, x, y, text, colours.soft);
    free = x + textWidth(text) + 16;
  });
};

const inWords = (seconds: number): string => {
  const [value, unit] =
    seconds >= 1 ? [seconds, 's'] : seconds >= 0.001 ? [seconds * 1e3, 'ms'] : [seconds * 1e6, 'us'];
  return `${value >= 10 ? value.toFixed(0) : Number(value.toPrecision(2))} ${unit}`;
};

const shorten = (text: string, length: number): string => {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 2).join('')}..`;
};

type Colour = readonly [number, number, number];

const blend = (from: Colour, to: Colour): Colour[] =>
  Array.from({ length: steps }, (_, at) => {
    const share = at / (steps - 1);
    const mix = (a: number, b: number) => Math.round(a + (b - a) * share);
    return [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])];
  });

const palette: readonly Colour[] = [
  [255, 255, 255],
  [28, 39, 51],
  [91, 104, 117],
  [243, 245, 247],
  ...blend([205, 224, 246], [16, 78, 160]),
  ...blend([250, 219, 190], [178, 66, 10]),
];
