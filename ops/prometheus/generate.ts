/** `node ops/prometheus/generate.ts [--check] [config.ts]`: writes watermarks.rules.yml from the watermarks section of a configuration. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../lib/model/config.ts';
import { prometheusRules } from '../../lib/watermark/prometheus-rules.ts';

const args = process.argv.slice(2);
const named = args.find((arg) => !arg.startsWith('--'));
const source =
  named === undefined ? join(import.meta.dirname, '../../examples/shop/tidemark.config.ts') : resolve(named);
const target = join(import.meta.dirname, 'watermarks.rules.yml');
const { default: config } = (await import(source)) as { default: Config };
const text = prometheusRules(config.watermarks ?? {});
if (args.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    process.stderr.write(
      'ops/prometheus/watermarks.rules.yml is not up to date; run: node ops/prometheus/generate.ts\n',
    );
    process.exitCode = 1;
  }
} else writeFileSync(target, text);
