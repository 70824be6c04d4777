import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, serve } from '../support/process.ts';
import { jars, java } from '../tools.ts';

export const elasticmq = jars('elasticmq', 'clouds/elasticmq/pom.xml');

export const elasticmqVersion =
  /elasticmq-server_2\.13<\/artifactId>\s*<version>([^<]+)/.exec(
    readFileSync(join(import.meta.dirname, 'elasticmq/pom.xml'), 'utf8'),
  )?.[1] ?? 'unknown';

/** Starts it on a free port of 127.0.0.1. */
export const startElasticmq = async (): Promise<{ readonly endpoint: string; readonly stop: () => Promise<void> }> => {
  const port = await freePort();
  const data = mkdtempSync(join(tmpdir(), 'tidemark-elasticmq-'));
  const endpoint = `http://127.0.0.1:${port}`;
  writeFileSync(
    join(data, 'elasticmq.conf'),
    `include classpath("application.conf")
node-address { protocol = http, host = 127.0.0.1, port = ${port}, context-path = "" }
rest-sqs { enabled = true, bind-port = ${port}, bind-hostname = "127.0.0.1", sqs-limits = strict }
rest-stats { enabled = false }
aws { region = us-east-1, accountId = 000000000000 }
`,
  );
  const server = await serve(
    java.path,
    [`-Dconfig.file=${join(data, 'elasticmq.conf')}`, '-cp', join(elasticmq.path, '*'), 'org.elasticmq.server.Main'],
    { cwd: data, ready: async () => (await fetch(`${endpoint}/?Action=ListQueues`)).status > 0 },
  );
  return {
    endpoint,
    stop: async () => {
      await server.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
};
