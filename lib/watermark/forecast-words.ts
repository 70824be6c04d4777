import { type Forecast, fewest } from './forecast.ts';

/** `420 s (300 s to 900 s)`: likely, at the earliest, at the latest. */
export const timeToFull = ({ seconds, earliest, latest }: Forecast): string =>
  `${inSeconds(seconds)} (${inSeconds(earliest)} to ${inSeconds(latest)})`;

const inSeconds = (value: number | undefined): string => (value === undefined ? 'never' : `${Math.round(value)} s`);

/** Why no trend is told. */
export const unknownTrend = (samples: number): string =>
  `not known yet: ${samples} of the ${fewest} samples that it takes, or a restart among them`;
