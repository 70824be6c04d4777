import { constants, PerformanceObserver } from 'node:perf_hooks';
import { residentPeak } from '../resident.ts';
import { messages, variants, work } from './variants.ts';

/** One process under load: what its collector did meanwhile, as one JSON line. `node load.ts <variant> <invocations>` */
const [name = '', count = ''] = process.argv.slice(2);
const invoke = variants[name]?.();
if (invoke === undefined) throw new Error(`no such variant: ${name}`);
const invocations = Number(count);

let minor = 0;
let major = 0;
let collectorMs = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) minor += 1;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) major += 1;
    collectorMs += entry.duration;
  }
});
for (let at = 0; at < 500; at++) await invoke();
observer.observe({ entryTypes: ['gc'] });
const cpu = process.cpuUsage();
let peakHeap = 0;
for (let at = 0; at < invocations; at++) {
  await invoke();
  // As between two invocations: lets the observer report.
  if (at % 50 === 0) {
    await new Promise((done) => setImmediate(done));
    peakHeap = Math.max(peakHeap, process.memoryUsage().heapUsed);
  }
}
const used = process.cpuUsage(cpu);
await new Promise((done) => setTimeout(done, 20));
observer.disconnect();
const thousands = (invocations * messages) / 1000;
process.stdout.write(
  `${JSON.stringify({
    minor: minor / thousands,
    major: major / thousands,
    collectorMs: collectorMs / thousands,
    cpuMicros: (used.user + used.system) / (thousands * 1000),
    heapMegabytes: peakHeap / 2 ** 20,
    rssMegabytes: residentPeak(),
    work: work(),
  })}\n`,
);
