import type { WatermarkRule } from '../model/config/watermarks.ts';
import { forecast, type Point } from './forecast.ts';

/** Whether the cautious end of a forecast says that the series will be full within the time that the rule looks ahead. */
export const isPredicted = (options: {
  readonly ahead: WatermarkRule['forecast'];
  readonly low: number;
  readonly full: number;
  readonly value: number | undefined;
  /** Samples of late, oldest first; the newest is this one. */
  readonly recent: readonly Point[];
}): boolean => {
  const { ahead, low, full, value, recent } = options;
  if (ahead === undefined || value === undefined || !(value > (ahead.from ?? low))) return false;
  const latest = forecast(recent, full)?.latest;
  return latest !== undefined && latest <= ahead.withinSeconds;
};
