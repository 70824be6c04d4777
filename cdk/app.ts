import { App } from 'aws-cdk-lib';
import config from '#tidemark.config';
import { checkWithNag } from './nag.ts';
import { Tidemark } from './tidemark.ts';

const app = new App();
const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
new Tidemark(app, 'Tidemark', {
  config,
  ...(account === undefined || region === undefined ? {} : { env: { account, region } }),
});
checkWithNag(app);
app.synth();
