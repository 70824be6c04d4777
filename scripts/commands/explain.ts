import { systemClock } from '../../lib/adapters/clock.ts';
import { dynamodbTable } from '../../lib/adapters/dynamodb.ts';
import { readLedger } from '../../lib/alert/ledger.ts';
import { environmentKeys, required } from '../../lib/model/environment.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Command } from '../command.ts';

const help = `usage: npm run tidemark -- explain <fingerprint> [--json]

Prints what became of one alert: when it was received and into which groups, when it was told to its receivers, each attempt and its
verdict, and where it ended.
The fingerprint is the 16 hex digits that every message carries. Reads the state table named by ${environmentKeys.table}, with your AWS
credentials (AWS_ENDPOINT_URL points it at a local cloud).
--json   one JSON array, a step an entry`;

export const command: Command = {
  summary: 'the chain of one alert, from arrival to verdict',
  help,
  run: async (args, io) => {
    const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json');
    if (unknown !== undefined) throw new Failure('bad-input', `unknown option ${unknown}; see --help`);
    const fingerprint = args.find((arg) => !arg.startsWith('--'))?.toLowerCase();
    if (fingerprint === undefined || !/^[0-9a-f]{16}$/.test(fingerprint)) {
      throw new Failure('bad-input', `'${fingerprint ?? ''}' is not a fingerprint: 16 hex digits are expected`);
    }
    const table = dynamodbTable({ tableName: required(io.env, environmentKeys.table), clock: systemClock });
    const entries = await readLedger(table, fingerprint);
    if (args.includes('--json')) io.out(`${JSON.stringify(entries, undefined, 2)}\n`);
    else if (entries.length === 0)
      io.out(`no alert with fingerprint ${fingerprint} is in the ledger (it keeps 30 days)\n`);
    else {
      const [first] = entries;
      io.out(`${first?.alert.labels['alertname']} ${fingerprint}\n`);
      const trace = entries.findLast(({ alert }) => alert.trace !== undefined)?.alert.trace;
      if (trace !== undefined) io.out(`  trace ${trace.traceId}\n`);
      for (const entry of entries) {
        const what = [
          entry.step,
          entry.alert.status,
          entry.receiver,
          entry.groupKey === undefined || entry.attempt !== undefined ? undefined : `group ${entry.groupKey}`,
          entry.attempt === undefined ? undefined : `attempt ${entry.attempt}`,
          entry.verdict,
          entry.reason,
          entry.deliveryId === undefined ? undefined : `delivery ${entry.deliveryId}`,
        ];
        io.out(`  ${entry.at}  ${what.filter((part) => part !== undefined).join(' · ')}\n`);
      }
    }
    return 0;
  },
};
