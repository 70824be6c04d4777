/**
 * `index.js` of an asset that has a code cache: compiles `bundle.js` from `bundle.cache`. V8 itself checks version, flags and
 * length of the source and compiles anew when they differ; one line says at each cold start whether it did, as a metric too,
 * since a new patch of Node at AWS voids the cache without any other sign. `handler` is assigned literally, since `import()` of
 * CommonJS finds names by reading the text.
 */
export const loader = `'use strict';
const { readFileSync, writeSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = __dirname + '/bundle.js';
let cachedData;
try { cachedData = readFileSync(__dirname + '/bundle.cache'); } catch {}
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
const made = { exports: {} };
script.runInThisContext()(made.exports, require, made, filename, __dirname);
exports.handler = made.exports.handler;
const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
const rejected = cachedData === undefined || script.cachedDataRejected === true;
const now = new Date();
const two = (number) => (number < 10 ? '0' : '') + number;
const line = JSON.stringify({
  _aws: {
    Timestamp: now.getTime(),
    CloudWatchMetrics: [{ Namespace: 'tidemark', Dimensions: [['function']], Metrics: [{ Name: 'CodeCacheRejected' }] }],
  },
  // By hand: the first toISOString of a process takes 0.2 ms.
  timestamp: [now.getUTCFullYear(), two(now.getUTCMonth() + 1), two(now.getUTCDate())].join('-') + 'T' +
    [two(now.getUTCHours()), two(now.getUTCMinutes()), two(now.getUTCSeconds())].join(':') +
    '.' + String(1000 + now.getUTCMilliseconds()).slice(1) + 'Z',
  level: rejected ? 'warn' : 'info',
  message: rejected ? 'code cache rejected: synthesise again with the Node version named here' : 'code cache accepted',
  function: name,
  CodeCacheRejected: rejected ? 1 : 0,
  node: process.version,
  v8: process.versions.v8,
  arch: process.arch,
  flags: process.execArgv.join(' '),
});
// process.stdout takes 3 ms to come into being; a pipe that is full must not fail the start.
try { writeSync(1, line + '\\n'); } catch {}
`;
