import { normalize } from 'node:path';
import type { Part } from '../part.ts';
import { run } from '../support/process.ts';
import { program } from '../tools.ts';

const browser = program('chromium', 'apt-get install chromium', ['chromium']);
const suite = normalize(`${import.meta.dirname}/../../trace/report.test.ts`);

/** Chromium shows the report page: the suite of the page drives it, and skips what needs it elsewhere. */
export const part: Part = {
  name: 'browser',
  title: 'A browser for the report page',
  tools: [browser],
  run: async (report) => {
    const version = /([\d.]+)/.exec(await run(browser.path, ['--version', '--no-sandbox']))?.[1] ?? '?';
    const peer = report.peer('Chromium', version);
    await peer.holds('shows the four parts of a report with hostile names, without any network or error', async () => {
      const tap = await run(process.execPath, ['--test', '--test-reporter=tap', suite]);
      const line = tap.split('\n').find((each) => /^(not )?ok \d+ - a real browser/.test(each));
      if (line === undefined || !line.startsWith('ok') || line.includes('# SKIP')) {
        throw new Error(`the suite says '${line ?? 'nothing of a browser'}'`);
      }
    });
  },
};
