/** tidemark and the shop, deployed on the embedded cloud: what peers talk to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { systemClock, systemRandom } from '../../../lib/adapters/clock.ts';
import { decompress, sniffEncoding } from '../../../lib/adapters/compression.ts';
import { s3Bucket } from '../../../lib/adapters/s3.ts';
import type { Span } from '../../../lib/model/span.ts';
import { decodeStored } from '../../../lib/trace/window.ts';
import { boot, type Cloud } from '../../../local/cloud.ts';
import { startSurroundings } from '../../../scripts/start/surroundings.ts';
import { run } from './process.ts';

const root = normalize(join(import.meta.dirname, '../../..'));

/** Short, so that windows are scored soon. */
export const deployedWindowSeconds = 2;

export interface Deployment {
  readonly cloud: Cloud;
  readonly surroundings: Awaited<ReturnType<typeof startSurroundings>>;
  /** Every line that the functions logged. */
  readonly lines: readonly string[];
  /** Where collect-spans takes OTLP over HTTP; the embedded cloud wants a signature of the right form. */
  readonly otlpUrl: string;
  readonly otlpHeaders: Readonly<Record<string, string>>;
  /** All spans that collect-spans has stored. */
  readonly storedSpans: () => Promise<Span[]>;
}

interface DeployedOptions {
  /** Adds to the assembly before it is booted. */
  readonly extend?: (assembly: string) => Promise<void>;
  /** The file that is compiled into the functions. @default the shop's own */
  readonly configFile?: string;
}

/** Synthesises the app and boots it for as long as the work takes. */
export const deployed = async <T>(
  work: (deployment: Deployment) => Promise<T>,
  { extend = async () => undefined, configFile }: DeployedOptions = {},
): Promise<T> => {
  const assembly = mkdtempSync(join(tmpdir(), 'tidemark-interop-app-'));
  const surroundings = await startSurroundings(false);
  const lines: string[] = [];
  try {
    await run(process.execPath, [join(root, 'examples/shop/app.ts')], {
      cwd: root,
      env: {
        CDK_OUTDIR: assembly,
        TIDEMARK_ARCHITECTURE: process.arch === 'arm64' ? 'arm64' : 'x86_64',
        ...(configFile === undefined ? {} : { SHOP_TIDEMARK_CONFIG: configFile }),
      },
    });
    await extend(assembly);
    const cloud = await boot({
      assembly,
      clock: systemClock,
      random: systemRandom,
      compress: 1,
      secrets: surroundings.secrets,
      env: {
        OTEL_TRACES_SAMPLER: 'always_on',
        TIDEMARK_WINDOW_SECONDS: String(deployedWindowSeconds),
        TIDEMARK_WINDOW_SLACK_SECONDS: '1',
        TIDEMARK_ALLOW_LOOPBACK: 'true',
        SHOP_KUBERNETES_API: surroundings.kubernetesUrl,
      },
      log: (line) => void lines.push(line),
    });
    // Our adapters find the cloud as the functions do.
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
    try {
      return await work({
        cloud,
        surroundings,
        lines,
        otlpUrl: new URL('/v1/traces', String(cloud.outputs['TidemarkFunctions']?.['CollectSpansUrl'])).href,
        otlpHeaders: { authorization: 'AWS4-HMAC-SHA256 Credential=local' },
        storedSpans: () => storedSpans(String(cloud.outputs['TidemarkState']?.['BucketName'])),
      });
    } finally {
      await cloud.stop();
    }
  } finally {
    await surroundings.stop();
    rmSync(assembly, { recursive: true, force: true });
  }
};

const storedSpans = async (bucketName: string): Promise<Span[]> => {
  const bucket = s3Bucket({ bucketName });
  const spans: Span[] = [];
  for (const key of await bucket.list('spans/')) {
    const bytes = await bucket.get(key);
    if (bytes !== undefined) spans.push(...decodeStored(key, await decompress(bytes, sniffEncoding(bytes))).spans);
  }
  return spans;
};
