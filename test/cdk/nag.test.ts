import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { checkWithNag } from '../../cdk/nag.ts';
import { Tidemark } from '../../cdk/tidemark.ts';
import shop from '../../examples/shop/tidemark.config.ts';
import { spanSources as sources } from '../support/span-sources.ts';

const watched = {
  watermarks: {
    rules: { Age: { gauge: 'queue-age', high: 0.9 } },
    queues: [{ arn: 'arn:aws:sqs:us-east-1:000000000000:q', capacity: 1, maxAgeSeconds: 60 }],
  },
} as const;

const pictures = {
  alerts: { receivers: { a: { channel: 'wecom', url: 'ssm:url', picture: true } }, default: ['a'] },
} as const;

for (const [name, config] of Object.entries({ empty: {}, shop, watched, pictures, reading: { traces: { sources } } })) {
  test(`both rule packs find nothing that is not acknowledged: ${name}`, () => {
    const outdir = mkdtempSync(join(tmpdir(), 'tidemark-nag-'));
    const exitCode = process.exitCode;
    try {
      const app = new App({ outdir });
      new Tidemark(app, 'Tidemark', { config, bundling: false });
      checkWithNag(app);
      app.synth();
      const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as {
        pluginReports: { pluginName?: string; violations: { ruleName: string }[] }[];
      };
      assert.ok(report.pluginReports.length >= 2, 'both packs ran');
      assert.deepEqual(
        report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName)),
        [],
      );
    } finally {
      // A finding sets the exit code of the CDK's own process; here the assertion speaks.
      process.exitCode = exitCode;
      rmSync(outdir, { recursive: true, force: true });
    }
  });
}
