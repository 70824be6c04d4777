// Loads one handler and invokes it when there is an event; writes the CPU milliseconds of both to its third channel. One process a
// measurement: nothing is cold twice.
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
cpu();
const [, , handlerFile, eventText] = process.argv;
const before = cpu();
const { handler } = require(handlerFile);
const loaded = cpu();
if (typeof handler !== 'function') throw new Error(`${handlerFile} exports no handler`);
const report = (invoke) => {
  require('node:fs').writeSync(3, JSON.stringify({ load: loaded - before, invoke, rss: process.memoryUsage.rss() }));
  process.exit(0);
};
if (eventText === undefined) report(0);
else {
  const context = { awsRequestId: 'a', functionName: 'f', getRemainingTimeInMillis: () => 10_000 };
  const start = cpu();
  const done = () => report(cpu() - start);
  Promise.resolve(handler(JSON.parse(eventText), context)).then(done, done);
}
