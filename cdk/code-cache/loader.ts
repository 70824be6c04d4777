/**
 * `index.js` of an asset that has a code cache: compiles `bundle.js` from `bundle.cache`. V8 itself checks version, flags and
 * length of the source and compiles anew when they differ. `handler` is assigned literally, since `import()` of CommonJS finds names by
 * reading the text. This text is compiled at each start: what can be in the cache is not here.
 */
export const loader = `'use strict';
const { readFileSync, writeSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = __dirname + '/bundle.js';
let cachedData;
try { cachedData = readFileSync(__dirname + '/bundle.cache'); } catch {}
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
const made = { exports: {} };
const [run, tell] = script.runInThisContext();
run(made.exports, require, made, filename, __dirname);
exports.handler = made.exports.handler;
tell(cachedData === undefined || script.cachedDataRejected === true, writeSync);
`;

/** `bundle.js`: the bundle as a function of what a module of CommonJS is given, and beside it what tells of the cache. */
export const wrapped = (source: string): string =>
  `[(function (exports, require, module, __filename, __dirname) {${source}\n}),\n${teller}]`;

/**
 * One line says at each cold start whether the cache was taken, as a metric too, since a new patch of Node at AWS voids the cache without
 * any other sign. The time is put together by hand: the first toISOString of a process takes 0.2 ms. Nor is process.stdout used, which
 * takes 3 ms to come into being; a pipe that is full must not fail the start.
 */
const teller = `(function (rejected, writeSync) {
  const now = new Date();
  const two = (number) => (number < 10 ? '0' : '') + number;
  const line = JSON.stringify({
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [{ Namespace: 'tidemark', Dimensions: [['function']], Metrics: [{ Name: 'CodeCacheRejected' }] }],
    },
    timestamp:
      now.getUTCFullYear() + '-' + two(now.getUTCMonth() + 1) + '-' + two(now.getUTCDate()) + 'T' +
      two(now.getUTCHours()) + ':' + two(now.getUTCMinutes()) + ':' + two(now.getUTCSeconds()) +
      '.' + String(1000 + now.getUTCMilliseconds()).slice(1) + 'Z',
    level: rejected ? 'warn' : 'info',
    message: rejected ? 'code cache rejected: synthesise again with the Node version named here' : 'code cache accepted',
    function: process.env.AWS_LAMBDA_FUNCTION_NAME,
    CodeCacheRejected: rejected ? 1 : 0,
    node: process.version,
    v8: process.versions.v8,
    arch: process.arch,
    flags: process.execArgv.join(' '),
  });
  try { writeSync(1, line + '\\n'); } catch {}
})`;
