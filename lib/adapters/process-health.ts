import { constants, PerformanceObserver, type PerformanceObserverEntryList, performance } from 'node:perf_hooks';

/** Told what the process is short of; the breaker of `lib/telemetry`. Times in milliseconds of one monotonic clock. */
export interface HealthListener {
  readonly cpu: (share: number, from: number, to: number) => void;
  readonly collected: (at: number) => void;
  readonly tick: (at: number) => void;
}

export interface ProcessHealthOptions {
  readonly listener: HealthListener;
  /** CPUs that the process has, by which the share is told; a fraction below a whole one. @default 1 */
  readonly cpus?: number;
  /** Monotonic milliseconds. @default those of the process */
  readonly monotonic?: () => number;
  /** CPU time of the process so far, in microseconds. @default process.cpuUsage */
  readonly cpuMicros?: () => number;
}

export interface ProcessHealth {
  /** Looks now, unless it has within the last second. Called at each flush: timers do not run while a sandbox is frozen. */
  readonly look: () => void;
  /** Lets go of the timer and the observer. */
  readonly stop: () => void;
}

/** What Node reports of a collection, which its types leave out. */
type CollectionEntry = ReturnType<PerformanceObserverEntryList['getEntries']>[number] & {
  readonly detail?: { readonly kind?: number };
};

/** Shorter spans of time say more of the clock's steps than of the load. */
const leastMs = 1000;
const everyMs = 5000;

/**
 * Watches the process: the share of its CPU between two looks, and each major collection as V8 reports it. Nothing here keeps the
 * process alive, and nothing runs in between but a timer every five seconds.
 */
export const processHealth = (options: ProcessHealthOptions): ProcessHealth => {
  const { listener, cpus = 1, monotonic = () => performance.now(), cpuMicros = processMicros } = options;
  let lastAt = monotonic();
  let lastMicros = cpuMicros();

  const look = (): void => {
    const at = monotonic();
    const elapsed = at - lastAt;
    if (elapsed < leastMs) return;
    const micros = cpuMicros();
    const share = (micros - lastMicros) / 1000 / (elapsed * cpus);
    const from = lastAt;
    lastAt = at;
    lastMicros = micros;
    // More than all of it: the compiler and the collector have threads of their own.
    listener.cpu(Math.min(1, share), from, at);
  };

  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as readonly CollectionEntry[]) {
      if (entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) listener.collected(entry.startTime);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    look,
    stop: () => {
      clearInterval(timer);
      observer.disconnect();
    },
  };
};

/** CPUs of a Lambda function that work on JavaScript: a whole one from 1769 MB on (AWS documents it), and one thread uses no more. */
export const lambdaCpus = (env: Readonly<Record<string, string | undefined>>): number => {
  const megabytes = Number(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']);
  return megabytes > 0 ? Math.min(1, megabytes / 1769) : 1;
};

const processMicros = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
