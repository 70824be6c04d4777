import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { minifySync } from '@swc/core';
import { buildSync, type Metafile } from 'esbuild';
import { Failure } from '../lib/model/failure.ts';
import { addCodeCache } from './code-cache.ts';
import { type Aliases, withLeftOut } from './left-out.ts';

export interface BundleOptions {
  /** The file whose default export is the configuration compiled in. @default tidemark.config.ts of this project */
  readonly configFile?: string;
  /** true: a V8 code cache beside the bundle, for this machine's architecture and Node version. @default false */
  readonly codeCache?: boolean;
  /** Variables that the function is given, besides tidemark's own: what they ask for is bundled. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** Packages that stay outside, to see how large the rest is: such a bundle is not deployed. @default none */
  readonly external?: readonly string[];
}

export const projectRoot = normalize(join(import.meta.dirname, '..'));

/** Bundles `functions/<name>.ts` into `outDir/index.js`, which exports `handler`. */
export const bundle = (functionName: string, outDir: string, options: BundleOptions = {}): Metafile => {
  const metafile = bundleFile(join(projectRoot, 'functions', `${functionName}.ts`), outDir, options);
  if (options.codeCache === true) addCodeCache(functionName, outDir);
  return metafile;
};

/**
 * Bundles one entry point for Node 24 on Lambda. CJS, since bundles of SDK size load faster so; `module` before `main`, since
 * the default order brings in all of the semantic conventions (180 KB instead of 42); the SDK inside, since it loads 1.35 to
 * 1.6 times as fast as the runtime's own copy. An entry in `functions/` holds only what its configuration switches on.
 */
export const bundleFile = (entry: string, outDir: string, options: BundleOptions = {}): Metafile => {
  for (const file of [entry, ...(options.configFile === undefined ? [] : [options.configFile])]) {
    if (!existsSync(file)) {
      throw new Failure('misconfigured', 'there is no such file to bundle', { where: relative(projectRoot, file) });
    }
  }
  mkdirSync(outDir, { recursive: true });
  const configFile = options.configFile ?? join(projectRoot, 'tidemark.config.ts');
  const { external = [] } = options;
  const build = (aliases: Aliases) =>
    buildFile(entry, outDir, { '#tidemark.config': configFile, ...aliases }, external);
  // Other entries may be configured otherwise than by the file.
  const ours = dirname(normalize(entry)) === join(projectRoot, 'functions');
  const metafile = ours
    ? withLeftOut(
        { root: projectRoot, functionName: basename(entry, '.ts'), configFile, environment: options.environment ?? {} },
        (aliases) => ownApi(build, aliases),
      )
    : ownApi(build, {});
  minifyFurther(join(outDir, 'index.js'));
  writeFileSync(join(outDir, 'package.json'), '{"type":"commonjs"}\n');
  refuseTwoApis(entry, metafile);
  return metafile;
};

/** With our own part of the API, unless the entry, what it imports, or the configuration uses the API itself, as a template may. */
const ownApi = (build: (aliases: Aliases) => Metafile, aliases: Aliases): Metafile => {
  const metafile = build({ ...aliases, [api]: join(projectRoot, 'lib/provider/opentelemetry-api.ts') });
  const isOurs = (file: string) => file.startsWith('lib/') || file.startsWith('functions/');
  const isUsed = Object.entries(metafile.inputs).some(
    ([file, { imports }]) => !isOurs(file) && imports.some(({ original }) => original === api),
  );
  return isUsed ? build(aliases) : metafile;
};

const api = '@opentelemetry/api';

const buildFile = (entry: string, outDir: string, alias: Aliases, external: readonly string[]): Metafile =>
  buildSync({
    // Of what the entry exports only the handler: an export of ES modules would bring in half a kilobyte of conversions.
    stdin: {
      contents: `import { handler } from ${JSON.stringify(entry)};\nexports.handler = handler;\n`,
      resolveDir: dirname(entry),
      loader: 'ts',
    },
    outfile: join(outDir, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    // `import('node:http')` becomes a require: code that was compiled from a code cache cannot import.
    supported: { 'dynamic-import': false },
    minify: true,
    define: { 'Number.POSITIVE_INFINITY': 'Infinity' },
    sourcemap: false,
    metafile: true,
    logLevel: 'error',
    absWorkingDir: projectRoot,
    alias: { ...alias },
    external: [...external],
  }).metafile;

/**
 * What esbuild leaves: it looks at one expression at a time, and 3.5 % of our code go when whole functions are looked at. ASCII alone, since
 * V8 holds a source with any other character in two bytes for each.
 */
export const minifyFurther = (file: string): void => {
  const { code } = minifySync(readFileSync(file, 'utf8'), {
    compress: { ecma: 2022, passes: 3, toplevel: true },
    mangle: { toplevel: true },
    ecma: 2022,
    module: false,
    format: { asciiOnly: true },
  });
  writeFileSync(file, code);
};

/** Two copies of the API each have their own globals: spans of one are no-ops for the other, silently. */
const refuseTwoApis = (entry: string, { inputs }: Metafile): void => {
  const copies = new Set(
    Object.keys(inputs)
      .map((input) => /^(.*node_modules\/@opentelemetry\/api)\//.exec(input)?.[1])
      .filter((copy) => copy !== undefined),
  );
  if (copies.size > 1) {
    throw new Failure('misconfigured', `holds ${copies.size} copies of @opentelemetry/api: ${[...copies].join(', ')}`, {
      where: entry,
    });
  }
};
