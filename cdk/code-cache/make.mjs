// Runs one bundle through its sample events and writes its code cache beside it. Started by cdk/code-cache.ts with the flags
// of the deployed runtime. Every AWS call ends at a loop-back server here, and no other connection leaves the process.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Script } from 'node:vm';

const outDir = process.argv[2];
const events = JSON.parse(readFileSync(0, 'utf8'));

const server = createServer((request, response) => {
  request.resume();
  const isList = request.method === 'GET' && /list-type=2/.test(request.url);
  response.writeHead(200, { 'content-type': isList ? 'application/xml' : 'application/x-amz-json-1.0' });
  response.end(isList ? '<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>' : '{}');
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const [{ host, port: to } = {}] = Array.isArray(args[0]) ? args[0] : args;
  if (host === '127.0.0.1' && Number(to) === port) return connect.apply(this, args);
  process.nextTick(() =>
    this.destroy(Object.assign(new Error('no network while warming up'), { code: 'ECONNREFUSED' })),
  );
  return this;
};

Object.assign(process.env, {
  AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'warm-up',
  AWS_SECRET_ACCESS_KEY: 'warm-up',
  AWS_MAX_ATTEMPTS: '1',
  AWS_LAMBDA_FUNCTION_NAME: 'warm-up',
  // Every span is recorded and sent, or nothing of how that is done would be in the cache.
  OTEL_TRACES_SAMPLER: 'always_on',
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  TIDEMARK_TABLE: 'warm-up',
  TIDEMARK_BUCKET: 'warm-up',
  TIDEMARK_BUS: 'warm-up',
  TIDEMARK_ALERTS_QUEUE: `http://127.0.0.1:${port}/000000000000/warm-up`,
  TIDEMARK_ALERTS_DEAD_LETTERS: `http://127.0.0.1:${port}/000000000000/warm-up`,
  TIDEMARK_WINDOWS_QUEUE: `http://127.0.0.1:${port}/000000000000/warm-up`,
});
// What the function logs about made-up answers is of no interest.
process.stdout.write = () => true;

const filename = join(outDir, 'bundle.js');
const script = new Script(readFileSync(filename, 'latin1'), { filename });
const made = { exports: {} };
const [run, tell] = script.runInThisContext();
run(made.exports, createRequire(filename), made, filename, outDir);
tell(false, () => undefined);
if (typeof made.exports.handler !== 'function') throw new Error(`${filename} exports no handler`);
const context = { awsRequestId: 'warm-up', functionName: 'warm-up', getRemainingTimeInMillis: () => 10_000 };
for (const event of events) {
  const late = new Promise((done) => setTimeout(done, 5000, 'late').unref());
  // A sample that fails has compiled most of its path all the same.
  const answer = await Promise.race([made.exports.handler(event, context), late]).catch((thrown) => thrown);
  if (process.env.TIDEMARK_WARM_UP_VERBOSE === 'true') console.error(answer);
}
writeFileSync(join(outDir, 'bundle.cache'), script.createCachedData());
process.exit(0);
