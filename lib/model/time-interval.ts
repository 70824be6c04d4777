import type { TimeIntervalConfig } from './config/routing.ts';

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** Whether a moment lies in an interval: in one range of every field that is given, on the clock of its location. */
export const contains = (interval: TimeIntervalConfig, now: number): boolean => {
  const at = localTime(now, interval.location ?? 'UTC');
  const { times, weekdays: days, daysOfMonth, months: monthRanges, years } = interval;
  if (times !== undefined && !times.some(({ start, end }) => minutes(start) <= at.minute && at.minute < minutes(end)))
    return false;
  if (daysOfMonth !== undefined && !daysOfMonth.some((text) => isOnDay(text, at))) return false;
  if (monthRanges !== undefined && !monthRanges.some((text) => within(at.month, rangeOf(text, monthNumber))))
    return false;
  if (days !== undefined && !days.some((text) => within(at.weekday, rangeOf(text, weekdayNumber)))) return false;
  return years === undefined || years.some((text) => within(at.year, rangeOf(text, Number)));
};

/** Everything wrong with an interval, by field. */
export const intervalProblems = (
  interval: TimeIntervalConfig,
): readonly { readonly field: string; readonly allowed: string }[] => {
  const problems: { field: string; allowed: string }[] = [];
  const check = (field: string, texts: unknown, isGood: (text: string) => boolean, allowed: string) => {
    if (texts === undefined) return;
    if (!Array.isArray(texts) || texts.length === 0)
      return void problems.push({ field, allowed: 'a list is expected' });
    for (const [at, text] of texts.entries())
      if (typeof text !== 'string' || !isGood(text)) problems.push({ field: `${field}[${at}]`, allowed });
  };
  const inOrder = ([from, to]: readonly [number, number]) => from <= to;
  const span = (read: (text: string) => number, least: number, most: number) => (text: string) => {
    const range = rangeOf(text, read);
    return range.every((end) => Number.isInteger(end) && end >= least && end <= most) && inOrder(range);
  };
  for (const [at, range] of (interval.times ?? []).entries()) {
    const [from, to] = [minutes(String(range?.start)), minutes(String(range?.end))];
    if (!(from < to && to <= 24 * 60))
      problems.push({
        field: `times[${at}]`,
        allowed: 'start and end as HH:MM, the start before the end, are expected',
      });
  }
  check(
    'weekdays',
    interval.weekdays,
    span(weekdayNumber, 0, 6),
    'monday or monday:friday is expected, not across saturday',
  );
  check(
    'months',
    interval.months,
    span(monthNumber, 1, 12),
    'january, 3 or 1:3 is expected, the first before the last',
  );
  check('years', interval.years, span(Number, 1, 9999), '2026 or 2026:2028 is expected');
  check(
    'daysOfMonth',
    interval.daysOfMonth,
    (text) => {
      const [from, to] = rangeOf(text, Number);
      const isDay = (day: number) => Number.isInteger(day) && day !== 0 && Math.abs(day) <= 31;
      return isDay(from) && isDay(to) && (from > 0 === to > 0 ? from <= to : from > 0);
    },
    'a day, 1:5 or -3:-1 is expected, without 0',
  );
  if (interval.location !== undefined) {
    try {
      localTime(0, interval.location);
    } catch {
      problems.push({
        field: 'location',
        allowed: 'a name of the time zone database, such as Asia/Shanghai, is expected',
      });
    }
  }
  return problems;
};

interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly daysInMonth: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Of the day. */
  readonly minute: number;
}

const localTime = (now: number, location: string): LocalTime => {
  // Intl is asked only where a clock is not UTC: its first use costs milliseconds.
  const date = location === 'UTC' ? new Date(now) : inZone(now, location);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
  return {
    year,
    month,
    day: date.getUTCDate(),
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
    weekday: date.getUTCDay(),
    minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
  };
};

/** A date whose UTC fields read as the clock of the location. */
const inZone = (now: number, timeZone: string): Date => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(now);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return new Date(Date.UTC(read('year'), read('month') - 1, read('day'), read('hour'), read('minute')));
};

/** Negative days count from the end; a range is clamped to the month, and one that lies past its end holds no day. */
const isOnDay = (text: string, { day, daysInMonth }: LocalTime): boolean => {
  const fromStart = (value: number) => (value < 0 ? daysInMonth + value + 1 : value);
  const [from, to] = rangeOf(text, Number).map(fromStart) as [number, number];
  if (from > daysInMonth) return false;
  return within(day, [Math.max(1, from), Math.min(daysInMonth, to)]);
};

const within = (value: number, [from, to]: readonly [number, number]): boolean => from <= value && value <= to;

const rangeOf = (text: string, read: (text: string) => number): readonly [number, number] => {
  const [from = '', to = from] = text.toLowerCase().split(':');
  return [read(from.trim()), read(to.trim())];
};

const minutes = (text: string): number => {
  const [, hour, minute] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  return Number(minute) < 60 ? Number(hour) * 60 + Number(minute) : Number.NaN;
};

const weekdayNumber = (text: string): number => {
  const at = weekdays.indexOf(text);
  return at < 0 ? Number.NaN : at;
};

const monthNumber = (text: string): number =>
  /^\d+$/.test(text) ? Number(text) : months.indexOf(text) + 1 || Number.NaN;
