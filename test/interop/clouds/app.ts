/** tidemark and the shop for a deployment whose windows are short: what `cdk deploy --app` runs in the interop test. */
import { join, normalize } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { entryCode, Tidemark } from '../../../cdk/tidemark.ts';
import { ShopStack } from '../../../examples/shop/stack.ts';
import config from '../../../examples/shop/tidemark.config.ts';

const app = new App();
const shop = normalize(join(import.meta.dirname, '../../../examples/shop'));
const architecture = process.arch === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64;
const env = { account: '000000000000', region: 'us-east-1' };
new Tidemark(app, 'Tidemark', {
  config,
  configFile: join(shop, 'tidemark.config.ts'),
  architecture,
  env,
  environment: JSON.parse(process.env['TIDEMARK_FUNCTIONS_ENVIRONMENT'] ?? '{}') as Record<string, string>,
});
new ShopStack(app, 'Shop', {
  env,
  architecture,
  code: (service) => entryCode(join(shop, 'services', `${service}.ts`)),
  spansQueueName: 'tidemark-spans',
  readingsQueueName: 'tidemark-readings',
});
