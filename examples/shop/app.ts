/** The shop and tidemark in one CDK app: how a team that has services would add tidemark to its own app. */
import { join } from 'node:path';
import { App, type Environment } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { entryCode, Tidemark } from '../../cdk/tidemark.ts';
import { ShopStack } from './stack.ts';

const app = new App();
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region, SHOP_TIDEMARK_CONFIG } = process.env;
const env: { env?: Environment } = account === undefined || region === undefined ? {} : { env: { account, region } };
// Another file may stand in for ours: a local run knows its ports only when it starts.
const configFile = SHOP_TIDEMARK_CONFIG ?? join(import.meta.dirname, 'tidemark.config.ts');
const { default: config } = (await import(configFile)) as typeof import('./tidemark.config.ts');
const architecture = process.env['TIDEMARK_ARCHITECTURE'] === 'x86_64' ? Architecture.X86_64 : Architecture.ARM_64;

new Tidemark(app, 'Tidemark', { config, configFile, architecture, ...env });
new ShopStack(app, 'Shop', {
  ...env,
  architecture,
  code: (service) => entryCode(join(import.meta.dirname, 'services', `${service}.ts`)),
  spansQueueName: 'tidemark-spans',
  readingsQueueName: 'tidemark-readings',
});
app.synth();
