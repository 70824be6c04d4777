import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from 'aws-cdk-lib';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config } from '../lib/model/config.ts';
import { bundle, bundleFile } from './bundle.ts';
import { validated } from './config.ts';
import { FunctionsStack } from './stacks/functions.ts';
import { MessagingStack } from './stacks/messaging.ts';
import { StateStack } from './stacks/state.ts';

export interface TidemarkProps {
  /** What `configFile` exports, for what synthesis has to know of it. Validated here; a wrong one stops synthesis. */
  readonly config: Config;
  /** The file that is compiled into the functions. @default tidemark.config.ts of this project */
  readonly configFile?: string;
  /** @default arm64, a fifth cheaper for the same work */
  readonly architecture?: Architecture;
  readonly env?: Environment;
  /** More environment for every function. */
  readonly environment?: Readonly<Record<string, string>>;
  /** false: no bundling, for tests that only read templates. @default true */
  readonly bundling?: boolean;
}

/** All of tidemark, as three stacks that another app can make part of itself. */
export class Tidemark extends Construct {
  readonly messaging: MessagingStack;
  readonly state: StateStack;
  readonly functions: FunctionsStack;

  constructor(scope: Construct, id: string, props: TidemarkProps) {
    super(scope, id);
    const config = validated(props.config);
    const stackProps = props.env === undefined ? {} : { env: props.env };
    this.messaging = new MessagingStack(scope, `${id}Messaging`, stackProps);
    this.state = new StateStack(scope, `${id}State`, stackProps);
    this.functions = new FunctionsStack(scope, `${id}Functions`, {
      ...stackProps,
      config,
      messaging: this.messaging,
      state: this.state,
      architecture: props.architecture ?? Architecture.ARM_64,
      ...(props.environment === undefined ? {} : { environment: props.environment }),
      code: (name) =>
        props.bundling === false
          ? Code.fromInline('exports.handler = async () => undefined;')
          : bundledCode((outDir) =>
              bundle(name, outDir, props.configFile === undefined ? {} : { configFile: props.configFile }),
            ),
    });
  }
}

/** The code of any entry point, bundled as the functions are. */
export const entryCode = (entry: string): Code => bundledCode((outDir) => bundleFile(entry, outDir));

const bundledCode = (make: (outDir: string) => unknown): Code => {
  const outDir = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  make(outDir);
  return Code.fromAsset(outDir);
};
