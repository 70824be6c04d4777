import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { App } from 'aws-cdk-lib';
import type { Config } from '../lib/model/config.ts';
import { Failure } from '../lib/model/failure.ts';
import { projectRoot } from './bundle.ts';
import { validateContext } from './constructs/validate-context.ts';
import { checkWithNag } from './nag.ts';
import { configFileOf, Tidemark } from './tidemark.ts';

const app = new App();
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
try {
  const configFile = configFileOf(app, join(projectRoot, 'tidemark.config.ts'));
  const { default: config } = (await import(pathToFileURL(configFile).href)) as { readonly default: Config };
  new Tidemark(app, 'Tidemark', {
    config,
    configFile,
    ...(account === undefined || region === undefined ? {} : { env: { account, region } }),
  });
  checkWithNag(app);
  validateContext(app);
  app.synth();
} catch (thrown) {
  if (!(thrown instanceof Failure)) throw thrown;
  // What is wrong is the user's to mend: the message says it all, a stack trace would bury it.
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 1;
}
