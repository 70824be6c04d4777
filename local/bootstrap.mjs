// The runtime inside a function's process: asks for the next event, calls the handler, posts its answer.
// What the real runtime client does with the same API; see local/README.md for what is left out.
import { request } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const {
  AWS_LAMBDA_RUNTIME_API: api,
  _HANDLER: handlerName = '',
  LAMBDA_TASK_ROOT: root = '',
  ...environment
} = process.env;
const [host, port] = api.split(':');

const call = (method, path, body) =>
  new Promise((resolve, reject) => {
    const made = request({ host, port, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    made.on('error', reject);
    made.end(body);
  });

const errorBody = (thrown) =>
  JSON.stringify({
    errorType: thrown?.name ?? typeof thrown,
    errorMessage: thrown?.message ?? String(thrown),
    trace: String(thrown?.stack ?? '').split('\n'),
  });

let handler;
try {
  const at = handlerName.lastIndexOf('.');
  const module = await import(pathToFileURL(join(root, `${handlerName.slice(0, at)}.js`)).href);
  const name = handlerName.slice(at + 1);
  handler = module[name] ?? module.default?.[name];
  if (typeof handler !== 'function') throw new TypeError(`${handlerName} is not a function`);
} catch (thrown) {
  console.error(thrown);
  await call('POST', 'init/error', errorBody(thrown));
  process.exit(1);
}

for (;;) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  process.env['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id'] ?? '';
  const clientContext = headers['lambda-runtime-client-context'];
  const context = {
    awsRequestId: id,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    ...(clientContext === undefined ? {} : { clientContext: JSON.parse(clientContext) }),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const answer = await handler(JSON.parse(body), context);
    await call('POST', `invocation/${id}/response`, JSON.stringify(answer ?? null));
  } catch (thrown) {
    console.error(thrown);
    await call('POST', `invocation/${id}/error`, errorBody(thrown));
  }
}
