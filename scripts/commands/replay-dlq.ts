import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Letter, readLetter } from '../../lib/alert/give-up.ts';
import { environmentKeys, required } from '../../lib/model/environment.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Command } from '../command.ts';

const help = `usage: npm run tidemark -- replay-dlq [--dest RECEIVER] [--since RFC3339] [--reason TEXT] [--rate N] [--dry-run] [--json]

Sends dead letters of the alerts queue again. Only those that match every filter are taken; the others stay where they are.
--dest RECEIVER   meant for this receiver
--since TIME      dead since this time or later
--reason TEXT     whose reason contains this text
--rate N          messages a second (default 5)
--dry-run         only list them
--json            an array of { at, receiver, alerts, reason, sent }
Reads ${environmentKeys.alertsDeadLetters} and ${environmentKeys.alertsQueue} from the environment (queue URLs), with your AWS credentials.`;

export const command: Command = {
  summary: 'send dead letters again, filtered and rate limited',
  help,
  run: async (args, io) => {
    const { dest, since, reason, rate, dryRun, json } = parse(args);
    const from = required(io.env, environmentKeys.alertsDeadLetters);
    const to = required(io.env, environmentKeys.alertsQueue);
    const sqs = new SQSClient({ useQueueUrlAsEndpoint: io.env['AWS_ENDPOINT_URL'] === undefined });
    const seen = new Set<string>();
    const taken: Taken[] = [];
    const left: string[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: from,
          MaxNumberOfMessages: 10,
          // Long enough that a message which is left alone does not come round again in this run.
          VisibilityTimeout: 120,
          WaitTimeSeconds: 1,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['SentTimestamp'],
        }),
      );
      const fresh = Messages.filter(({ MessageId = '' }) => !seen.has(MessageId));
      if (fresh.length === 0) break;
      for (const message of fresh) {
        seen.add(message.MessageId ?? '');
        const body = message.Body ?? '';
        const letter = letterIn(body);
        const why = letter?.reason ?? message.MessageAttributes?.['reason']?.StringValue ?? '';
        const handle = message.ReceiptHandle ?? '';
        const deadAt = Date.parse(letter?.deadAt ?? '');
        const at = Number.isNaN(deadAt) ? Number(message.Attributes?.['SentTimestamp'] ?? 0) : deadAt;
        const isMeant =
          (dest === undefined || letter?.receiver === dest) &&
          (since === undefined || at >= since) &&
          (reason === undefined || why.includes(reason));
        if (!isMeant || dryRun) left.push(handle);
        if (!isMeant) continue;
        const shown: Taken = {
          at: new Date(at).toISOString(),
          receiver: letter?.receiver ?? null,
          alerts: namesIn(letter),
          reason: why,
          sent: !dryRun,
        };
        taken.push(shown);
        if (!json) io.out(lineOf(shown, message.MessageId ?? ''));
        if (dryRun) continue;
        await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: body }));
        await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: handle }));
        await new Promise((resume) => setTimeout(resume, 1000 / rate));
      }
    }
    // What stays is there for whoever looks next, and not only once its visibility timeout is over.
    for (const ReceiptHandle of left)
      await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: from, ReceiptHandle, VisibilityTimeout: 0 }));
    if (json) io.out(`${JSON.stringify(taken, undefined, 2)}\n`);
    else io.out(`${dryRun ? 'would send' : 'sent'} ${taken.length} of ${seen.size} dead letters again\n`);
    return 0;
  },
};

const letterIn = (body: string): Letter | undefined => {
  try {
    return readLetter(JSON.parse(body));
  } catch {
    return undefined;
  }
};

/** A dead letter that every filter matches. */
interface Taken {
  /** When it died, RFC 3339. */
  readonly at: string;
  /** Null for a body that could not be read. */
  readonly receiver: string | null;
  /** Names of its alerts, each once. */
  readonly alerts: readonly string[];
  readonly reason: string;
  readonly sent: boolean;
}

const lineOf = ({ at, receiver, alerts, reason }: Taken, messageId: string): string =>
  `${at}  ${receiver ?? '(unread)'}  ${alerts.slice(0, 5).join(', ') || messageId}  ${reason}\n`;

const namesIn = (letter: Letter | undefined): readonly string[] => [
  ...new Set(letter?.entries.map(({ alert }) => alert.labels['alertname'] ?? '') ?? []),
];

const parse = (args: readonly string[]) => {
  const value = (name: string): string | undefined => {
    const at = args.indexOf(name);
    if (at < 0) return undefined;
    const text = args[at + 1];
    if (text === undefined || text.startsWith('--'))
      throw new Failure('bad-input', `${name} needs a value; see --help`);
    return text;
  };
  const known = ['--dest', '--since', '--reason', '--rate', '--dry-run', '--json'];
  const unknown = args.find((arg) => arg.startsWith('--') && !known.includes(arg));
  if (unknown !== undefined) throw new Failure('bad-input', `unknown option ${unknown}; see --help`);
  const sinceText = value('--since');
  const since = sinceText === undefined ? undefined : Date.parse(sinceText);
  if (since !== undefined && Number.isNaN(since))
    throw new Failure('bad-input', `'${sinceText}' is not an RFC 3339 time`, { where: '--since' });
  const rate = Number(value('--rate') ?? 5);
  if (!(rate > 0 && rate <= 1000))
    throw new Failure('bad-input', 'a number from above 0 to 1000 is expected', { where: '--rate' });
  return {
    dest: value('--dest'),
    since,
    reason: value('--reason'),
    rate,
    dryRun: args.includes('--dry-run'),
    json: args.includes('--json'),
  };
};
