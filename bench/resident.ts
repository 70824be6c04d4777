import { existsSync, readFileSync } from 'node:fs';

/**
 * The most MiB that this process has had resident. On Linux `maxRSS` begins at what the parent had when it started this one; the
 * high-water mark of its own memory does not.
 */
export const residentPeak = (): number => {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const own = /^VmHWM:\s*(\d+) kB/m.exec(status)?.[1];
  return (own === undefined ? process.resourceUsage().maxRSS : Number(own)) / 1024;
};
