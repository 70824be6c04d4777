import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Annotations, AssetHashType, type Environment } from 'aws-cdk-lib';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config } from '../lib/model/config.ts';
import { Failure } from '../lib/model/failure.ts';
import { bundle, bundleFile } from './bundle.ts';
import { codeCacheHindrance, runtimeFlags } from './code-cache.ts';
import { validated } from './config.ts';
import { FunctionsStack } from './stacks/functions.ts';
import { MessagingStack } from './stacks/messaging.ts';
import { StateStack } from './stacks/state.ts';

export interface TidemarkProps {
  /** What `configFile` exports, for what synthesis has to know of it. Validated here; a wrong one stops synthesis. */
  readonly config: Config;
  /** The file that is compiled into the functions. @default tidemark.config.ts of this project */
  readonly configFile?: string;
  /** @default the context value `tidemark:architecture` (`arm64` or `x86_64`), else arm64, a fifth cheaper for the same work */
  readonly architecture?: Architecture;
  /**
   * Whether the functions ship a V8 code cache, which halves the time that their code takes to load.
   * @default where this machine can make a valid one (see code-cache.ts), unless the context value `tidemark:codeCache` is false
   */
  readonly codeCache?: boolean;
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
  /** Why no code cache is shipped although one is wanted. */
  #hindrance: string | undefined;

  constructor(scope: Construct, id: string, props: TidemarkProps) {
    super(scope, id);
    const config = validated(props.config);
    const architecture = props.architecture ?? architectureOf(this);
    const codeCache = props.bundling !== false && this.#codeCache(props, architecture);
    const { configFile, environment = {} } = props;
    const stackProps = props.env === undefined ? {} : { env: props.env };
    this.messaging = new MessagingStack(scope, `${id}Messaging`, { ...stackProps, config });
    this.state = new StateStack(scope, `${id}State`, stackProps);
    this.functions = new FunctionsStack(scope, `${id}Functions`, {
      ...stackProps,
      config,
      messaging: this.messaging,
      state: this.state,
      architecture,
      environment,
      code: (name) =>
        props.bundling === false
          ? Code.fromInline('exports.handler = async () => undefined;')
          : bundledCode((outDir) =>
              bundle(name, outDir, { codeCache, environment, ...(configFile === undefined ? {} : { configFile }) }),
            ),
    });
    if (this.#hindrance !== undefined) Annotations.of(this.functions).addInfo(this.#hindrance);
  }

  #codeCache({ codeCache }: TidemarkProps, architecture: Architecture): boolean {
    const wanted = codeCache ?? `${this.node.tryGetContext('tidemark:codeCache')}` !== 'false';
    if (wanted) this.#hindrance = codeCacheHindrance(architecture === Architecture.ARM_64 ? 'arm64' : 'x86_64');
    return wanted && this.#hindrance === undefined;
  }
}

const architectureOf = (scope: Construct): Architecture => {
  const given: unknown = scope.node.tryGetContext('tidemark:architecture') ?? 'arm64';
  if (given === 'arm64') return Architecture.ARM_64;
  if (given === 'x86_64') return Architecture.X86_64;
  throw new Failure('misconfigured', `is ${JSON.stringify(given)}; arm64 or x86_64 is expected`, {
    where: 'context tidemark:architecture',
  });
};

/** The file that the context value `tidemark:config` names, relative to where the command runs; else the project's own. */
export const configFileOf = (scope: Construct, projectFile: string): string => {
  const given: unknown = scope.node.tryGetContext('tidemark:config');
  if (given === undefined) return projectFile;
  const file = isAbsolute(String(given)) ? String(given) : join(process.cwd(), String(given));
  if (existsSync(file)) return file;
  throw new Failure('misconfigured', `there is no such file: ${file}`, { where: 'context tidemark:config' });
};

/** The code of any entry point, bundled as the functions are. */
export const entryCode = (entry: string): Code => bundledCode((outDir) => bundleFile(entry, outDir));

const bundledCode = (make: (outDir: string) => unknown): Code => {
  const outDir = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  make(outDir);
  return Code.fromAsset(outDir, { assetHashType: AssetHashType.CUSTOM, assetHash: hashOf(outDir) });
};

/** A code cache has other bytes each time that it is made; what it is made from and by is what counts as a change. */
const hashOf = (folder: string): string => {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    hash.update(`${name}\0`);
    if (name.endsWith('.cache')) hash.update(`${process.version} ${process.arch} ${runtimeFlags.join(' ')}`);
    else hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
};
