import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { freePort, run, serve } from '../support/process.ts';
import { pythonPackages } from '../tools.ts';

export const ministack = pythonPackages('ministack', 'clouds/requirements.txt');

/** The version that everything said of it here was seen on. */
export const ministackVersion =
  /^ministack==(\S+)/m.exec(readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8'))?.[1] ?? 'unknown';

const root = normalize(join(import.meta.dirname, '../../..'));

export interface Ministack {
  /** For `AWS_ENDPOINT_URL`. */
  readonly endpoint: string;
  /** What a client or the CDK needs in its environment to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** The last lines that it printed, for an error message. */
  readonly lastLines: () => string;
  /** A real `cdk bootstrap` and `cdk deploy --all` of an app; answers the outputs by `<stack>.<name>`. */
  readonly deploy: (app: string, env?: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>;
  readonly stop: () => Promise<void>;
}

/** Starts it on a free port of 127.0.0.1; functions run as processes of this Node. */
export const startMinistack = async (): Promise<Ministack> => {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'tidemark-ministack-'));
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
  const env = { ...credentials, AWS_ENDPOINT_URL: endpoint };
  const server = await serve(ministack.path, ['-m', 'ministack'], {
    cwd: data,
    env: {
      ...credentials,
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: 'localhost',
      LAMBDA_EXECUTOR: 'local',
      // Without these it opens further ports on every address.
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      S3_DATA_DIR: join(data, 's3'),
    },
    ready: async () => (await fetch(`${endpoint}/_ministack/health`)).ok,
  });
  const cdk = (cwd: string, own: Readonly<Record<string, string>>, ...args: string[]) =>
    run(
      process.execPath,
      [join(root, 'node_modules/aws-cdk/bin/cdk'), ...args, '--no-notices', '--output', join(data, 'cdk.out')],
      {
        cwd,
        env: { ...own, ...env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
      },
    );
  return {
    endpoint,
    env,
    lastLines: () => server.output().split('\n').slice(-30).join('\n'),
    deploy: async (app, own = {}) => {
      // Where no cdk.json is, so that nothing is synthesised for it.
      await cdk(data, own, 'bootstrap', 'aws://000000000000/us-east-1');
      const outputs = join(data, 'outputs.json');
      await cdk(
        root,
        own,
        ...['deploy', '--all', '--require-approval', 'never', '--outputs-file', outputs],
        ...['--app', `${process.execPath} ${app}`],
      );
      const stacks = JSON.parse(readFileSync(outputs, 'utf8')) as Record<string, Record<string, string>>;
      return Object.fromEntries(
        Object.entries(stacks).flatMap(([stack, values]) =>
          Object.entries(values).map(([name, value]) => [`${stack}.${name}`, value]),
        ),
      );
    },
    stop: async () => {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
