import { Failure } from '../lib/model/failure.ts';

export interface Schedule {
  readonly name: string;
  /** `rate(n unit)` or `at(yyyy-mm-ddThh:mm:ss)`. */
  readonly expression: string;
  readonly fire: (scheduledTime: string) => Promise<void>;
}

const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Fires schedules. `compress` divides every rate: 30 makes a minute two seconds. */
export const startScheduler = (
  schedules: readonly Schedule[],
  options: { readonly clock: () => number; readonly compress: number; readonly log: (line: string) => void },
): { readonly stop: () => void } => {
  const { clock, compress, log } = options;
  const timers = schedules.map((schedule) => {
    const fire = () => {
      const scheduledTime = new Date(clock()).toISOString().replace(/\.\d{3}Z$/, 'Z');
      schedule.fire(scheduledTime).catch((thrown) => log(`schedule ${schedule.name}: ${String(thrown)}`));
    };
    const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule.expression);
    if (rate !== null) {
      const period = (Number(rate[1]) * (unitMs[rate[2] ?? ''] ?? 0)) / compress;
      if (compress === 1) fire();
      return setInterval(fire, period);
    }
    const at = /^at\((.+)\)$/.exec(schedule.expression);
    if (at !== null) return setTimeout(fire, Math.max(0, Date.parse(`${at[1]}Z`) - clock()));
    throw new Failure('bad-input', `${schedule.expression} is not known here: rate(…) and at(…) are`, {
      where: `schedule ${schedule.name}`,
    });
  });
  return { stop: () => timers.forEach((timer) => void clearInterval(timer)) };
};
