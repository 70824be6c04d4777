import type { Phase, Rule, Transition } from '../lib/watermark/evaluate.ts';
import type { Recorded } from '../lib/watermark/replay.ts';

const width = 72;
const height = 10;

/**
 * Readings as columns of equal time (the highest of each), the marks as lines, what there was of data and the phase below, then each
 * transition and how long it fired in all.
 */
export const plot = (rule: Rule, readings: readonly Recorded[], transitions: readonly Transition[]): string => {
  if (readings.length === 0) return 'no readings';
  const columns = columnsOf(readings);
  return [
    ...chart(rule, columns.map(highest)),
    ...(readings.some(({ value }) => typeof value !== 'number') ? [dataLine(columns)] : []),
    phaseLine(columns, transitions),
    axis(readings),
    ...transitions.map(({ at, from, to, reason }) => `${moment(at).padStart(24)}  ${from} → ${to}  (${reason})`),
    total(readings, transitions),
  ].join('\n');
};

type Column = readonly Recorded[];

/** By time, so that a gap is as wide as it was long; by order where the clock went back. */
const columnsOf = (readings: readonly Recorded[]): readonly Column[] => {
  const times = readings.map(({ at }) => at);
  const [from, to] = [least(times), most(times)];
  const isOrdered = to > from && times.every((at, index) => index === 0 || at >= (times[index - 1] ?? at));
  const count = Math.min(width, readings.length);
  const columns: Recorded[][] = Array.from({ length: count }, () => []);
  for (const [index, each] of readings.entries()) {
    const share = isOrdered ? (each.at - from) / (to - from) : index / readings.length;
    columns[Math.min(count - 1, Math.floor(share * count))]?.push(each);
  }
  return columns;
};

/** Undefined where a column has no number. */
const highest = (column: Column): number | undefined => {
  const values = column.map(({ value }) => value).filter((value) => typeof value === 'number' && !Number.isNaN(value));
  return values.length === 0 ? undefined : most(values as number[]);
};

const chart = (rule: Rule, values: readonly (number | undefined)[]): readonly string[] => {
  const finite = [...values, rule.high, rule.low].filter((value) => value !== undefined && Number.isFinite(value));
  const top = most(finite as number[]);
  const bottom = Math.min(0, least(finite as number[]));
  const rowOf = (value: number) => {
    const share = (Math.max(bottom, Math.min(top, value)) - bottom) / (top - bottom || 1);
    return Math.round(share * (height - 1));
  };
  return Array.from({ length: height }, (_, index) => {
    const row = height - 1 - index;
    const mark = row === rowOf(rule.high) ? 'high' : row === rowOf(rule.low) ? 'low' : '';
    const value = mark === 'high' ? rule.high : mark === 'low' ? rule.low : row === height - 1 ? top : bottom;
    const label = mark !== '' || row === height - 1 || row === 0 ? short(value) : '';
    const cells = values.map((each) => (each !== undefined && rowOf(each) >= row ? '█' : mark === '' ? ' ' : '·'));
    return `${mark.padStart(5)} ${label.padStart(8)} │${cells.join('')}`;
  });
};

const gutter = (name: string): string => `${name.padStart(5)} ${''.padStart(8)} │`;

const dataLine = (columns: readonly Column[]): string => {
  const cells = columns.map((column) => {
    if (column.some(({ value }) => value === 'error')) return 'x';
    return column.some(({ value }) => value === null) ? '-' : ' ';
  });
  return `${gutter('data')}${cells.join('')}   (x failed, - no data)`;
};

const phaseLine = (columns: readonly Column[], transitions: readonly Transition[]): string => {
  let phase: Phase = 'inactive';
  let next = 0;
  const cells = columns.map((column) => {
    for (const { at } of column) {
      while (transitions[next]?.at === at) {
        phase = transitions[next]?.to ?? phase;
        next += 1;
      }
    }
    return letters[phase];
  });
  return `${gutter('phase')}${cells.join('')}   (· inactive, p pending, F firing, b blind)`;
};

const letters = { inactive: '·', pending: 'p', firing: 'F', blind: 'b' } as const;

const axis = (readings: readonly Recorded[]): string => {
  const times = readings.map(({ at }) => at);
  return `${''.padStart(16)}${moment(least(times))} to ${moment(most(times))}, ${readings.length} readings`;
};

const total = (readings: readonly Recorded[], transitions: readonly Transition[]): string => {
  const end = most(readings.map(({ at }) => at));
  const fired = transitions.filter(({ to, from }) => to === 'firing' && from !== 'blind');
  if (fired.length === 0) return 'it never fires';
  let seconds = 0;
  for (const [index, { at, to }] of transitions.entries()) {
    // Where the clock went back in between, nobody knows how long it was.
    if (to === 'firing') seconds += Math.max(0, (transitions[index + 1]?.at ?? end) - at);
  }
  return `it fires ${fired.length === 1 ? 'once' : `${fired.length} times`}, for ${Math.round(seconds)} s in all`;
};

/** A time of this century is told as a date, anything less as the seconds that it is. */
const moment = (seconds: number): string =>
  seconds >= 946_684_800 && seconds < 4_102_444_800 ? new Date(seconds * 1000).toISOString() : `${seconds}`;

const short = (value: number): string => String(Number(value.toPrecision(4)));

const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
