/** Makes the bundles: ours as they are deployed, peers in the same way, each of them with and without a V8 code cache. */
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundleFile, minifyFurther, projectRoot } from '../../cdk/bundle.ts';
import { addCodeCache } from '../../cdk/code-cache.ts';
import { peersFolder } from '../peers.ts';

export interface Built {
  readonly file: string;
  /** Of the bundle, without its cache. */
  readonly bytes: number;
}

/** An entry of ours. `cached`: with the code cache that is shipped, made after these events. */
export const ours = (entry: string, outDir: string, cached?: readonly unknown[]): Built => {
  bundleFile(entry, outDir);
  return finished(outDir, cached);
};

/** A peer by the same settings of esbuild. */
export const peerBundle = (entry: string, outDir: string, cached?: readonly unknown[]): Built => {
  buildSync({
    entryPoints: [entry],
    outfile: join(outDir, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
    nodePaths: [join(peersFolder, 'node_modules')],
    // Optional native parts of dd-trace, none of them needed for tracing.
    external: ['@datadog/*', '@openfeature/*', 'graphql'],
    logLevel: 'error',
  });
  minifyFurther(join(outDir, 'index.js'));
  writeFileSync(join(outDir, 'package.json'), '{"type":"commonjs"}\n');
  return finished(outDir, cached);
};

/** One of the functions with its SDK clients imported at the top, as most functions have them, and no code cache. */
export const plainSdk = (functionName: string, clients: readonly string[], outDir: string): Built => {
  mkdirSync(outDir, { recursive: true });
  const entry = join(projectRoot, 'functions', `.plain-${functionName}.ts`);
  const { outputFiles } = buildSync({
    stdin: {
      contents: [
        ...clients.map((client, at) => `import * as client${at} from '@aws-sdk/${client}';`),
        `globalThis.clients = [${clients.map((_, at) => `client${at}`).join(', ')}];`,
        `export { handler } from './${functionName}.ts';`,
      ].join('\n'),
      resolveDir: join(projectRoot, 'functions'),
      sourcefile: entry,
      loader: 'ts',
    },
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    supported: { 'dynamic-import': false },
    minify: true,
    absWorkingDir: projectRoot,
    alias: { '#tidemark.config': join(projectRoot, 'tidemark.config.ts') },
    logLevel: 'error',
  });
  writeFileSync(join(outDir, 'index.js'), outputFiles[0]?.contents ?? '');
  minifyFurther(join(outDir, 'index.js'));
  writeFileSync(join(outDir, 'package.json'), '{"type":"commonjs"}\n');
  return finished(outDir, undefined);
};

const finished = (outDir: string, cached: readonly unknown[] | undefined): Built => {
  const file = join(outDir, 'index.js');
  const bytes = statSync(file).size;
  if (cached !== undefined) {
    copyFileSync(file, join(outDir, 'uncached.js'));
    addCodeCache('bench', outDir, cached);
  }
  return { file, bytes };
};
