import { recordsOf } from '../../lib/message/records.ts';
import type { Config } from '../../lib/model/config.ts';
import { Failure } from '../../lib/model/failure.ts';
import type { Message } from '../../lib/model/message.ts';
import { type Candidate, type Explanation, explain } from '../../lib/propagation/explain.ts';
import { propagation } from '../../lib/propagation/propagation.ts';
import type { Command } from '../command.ts';
import { readJson } from '../read-json.ts';

const help = `usage: npm run tidemark -- doctor <event.json> [--with-context] [--json]

Every carrier found in the event, every candidate context, why each was taken or refused, who won, and what the producer should
change. Formats and policies are those of tidemark.config.ts; OTEL_PROPAGATORS counts where that file says nothing.
--with-context   the file holds { "event": …, "clientContext": … }: what arrives in the Lambda context is explained too
--json           an array, one entry a record: { record, traceId, spanId, sampled, format, path, refused }`;

export const command: Command = {
  summary: 'explain which trace context was found in an event, and why',
  help,
  run: async (args, io) => {
    const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--json' && arg !== '--with-context');
    if (unknown !== undefined) throw new Failure('bad-input', `unknown argument '${unknown}'; see --help`);
    const files = args.filter((arg) => !arg.startsWith('--'));
    if (files.length > 1) throw new Failure('bad-input', `takes one file, got ${files.length}; see --help`);
    const parsed = readJson(files[0]);
    const { event, context } = args.includes('--with-context')
      ? withContext(parsed)
      : { event: parsed, context: undefined };
    const { default: config } = (await import('#tidemark.config')) as { default: Config };
    const using = propagation(config.propagation, io.env['OTEL_PROPAGATORS']);
    const explained = recordsOf(event, context).map((message) => ({ message, explanation: explain(message, using) }));
    if (args.includes('--json')) {
      io.out(
        `${JSON.stringify(
          explained.map(({ explanation }) => answer(explanation)),
          undefined,
          2,
        )}\n`,
      );
      return 0;
    }
    if (explained.length === 0) io.out('The event holds no records.\n');
    for (const { message, explanation } of explained) io.out(`${story(message, explanation).join('\n')}\n\n`);
    return 0;
  },
};

/** The entry of one record in `--json`. */
export const answer = (explanation: Explanation): Record<string, unknown> => ({
  record: explanation.index,
  traceId: explanation.traceId ?? null,
  spanId: explanation.spanId ?? null,
  sampled: explanation.sampled ?? null,
  format: explanation.family ?? null,
  path: explanation.winner?.path ?? null,
  refused: explanation.losers.map(({ path, family, refused, format }) => ({
    path,
    format: format === '' ? null : family,
    reason: refused ?? '',
  })),
});

const withContext = (parsed: unknown): { event: unknown; context: { clientContext: unknown } } => {
  if (typeof parsed !== 'object' || parsed === null || !('event' in parsed)) {
    throw new Failure('bad-input', 'with --with-context the file has to hold { "event": …, "clientContext": … }');
  }
  const { event, clientContext } = parsed as { event: unknown; clientContext?: unknown };
  return { event, context: { clientContext } };
};

const story = (message: Message, explanation: Explanation): string[] => {
  const { winner, losers, extracted } = explanation;
  const lines = [`record ${explanation.index} (${explanation.source})`];
  if (winner === undefined) lines.push('  no context is continued from this record');
  else lines.push(`  taken:    ${winner.path} (${winner.format}): ${told(winner)}`);
  for (const link of extracted.links) lines.push(`  linked:   ${link.path} (${link.format}): ${link.reason}`);
  for (const loser of losers) {
    lines.push(`  refused:  ${loser.path}${loser.format === '' ? '' : ` (${loser.format})`}: ${loser.refused}`);
  }
  if (extracted.baggage !== undefined) {
    lines.push(`  baggage:  ${extracted.baggage.map(({ key }) => key).join(', ')}`);
  }
  for (const advice of advices(message, explanation)) lines.push(`  change:   ${advice}`);
  return lines;
};

const told = ({ context, start }: Candidate): string => {
  if (context !== undefined) {
    const decision =
      context.deferred === true ? 'sampling left open' : (context.flags & 1) === 1 ? 'sampled' : 'not sampled';
    return `trace ${context.traceId}, parent span ${context.spanId}, ${decision}`;
  }
  const decision = start?.sampled === undefined ? 'sampling left open' : start.sampled ? 'sampled' : 'not sampled';
  return start?.traceId === undefined
    ? `no ids, only a decision: a new trace starts, ${decision}`
    : `trace ${start.traceId} without a parent span, ${decision}`;
};

/** What the producer should change, as far as the event shows it. */
const advices = (message: Message, { winner, losers, source }: Explanation): string[] => {
  const found: string[] = [];
  const refused = (text: string) => losers.some((loser) => loser.refused?.includes(text) === true);
  if (refused('lower-case hex')) found.push('write the ids in lower-case hex: upper case is invalid in traceparent');
  if (refused('occurs more than once'))
    found.push('send traceparent once: a proxy or a second instrumentation adds it again');
  if (refused('shorter than 55') || refused('longer than the 55')) {
    found.push('write traceparent as 00-<32 hex>-<16 hex>-<2 hex>, as text, not as JSON and not in quotes');
  }
  if (refused('starts like JSON'))
    found.push('the body was cut or altered on its way: it no longer is the JSON it started as');
  if (winner?.path.endsWith('AWSTraceHeader') === true) {
    found.push(
      'only the X-Ray header came through: tracestate and baggage are lost; send traceparent as a message attribute too',
    );
  }
  if (winner?.context !== undefined && winner.context.deferred !== true && (winner.context.flags & 1) === 0) {
    found.push('the producer decided not to sample this trace: spans that follow it are not recorded either');
  }
  if (winner !== undefined) return found;
  const missing = missingAdvice(message, source);
  return missing === undefined ? found : [...found, missing];
};

const missingAdvice = ({ entry }: Message, source: string): string | undefined => {
  const record = entry as Record<string, unknown> | null;
  if (source === 'sqs') {
    const attributes = Object.keys((record?.['messageAttributes'] ?? record?.['MessageAttributes'] ?? {}) as object);
    if (attributes.length >= 10)
      return 'all 10 attribute slots are taken: free one for traceparent, or set AWSTraceHeader';
    const body = String(record?.['body'] ?? record?.['Body'] ?? '');
    if (body.includes('"detail-type"'))
      return 'let the producer put { traceparent } into detail._trace: the bus carries nothing else';
    if (body.includes('"TopicArn"'))
      return 'publish with the message attribute traceparent, or switch raw message delivery on';
    return 'send traceparent as a String message attribute; when receiving by the API, ask for MessageAttributeNames: ["All"]';
  }
  if (source === 'sns') return 'publish with the String message attribute traceparent';
  if (source === 'eventbridge') return 'put { traceparent } into detail._trace; an input transformer must keep detail';
  if (source === 'eventbridge-v2') return 'put traceparent into Metadata, and let the subscriber ask for WITH_METADATA';
  if (source === 'kinesis' || source === 'firehose' || source === 'nsq')
    return 'there are no headers here: wrap the payload in the envelope';
  if (source === 'dynamodb') return 'write traceparent into the item as _tp, and let the stream have the new image';
  if (source === 's3') return 'S3 events carry no context: link by bucket, key and ETag';
  if (source === 'http') return 'let the caller send the header traceparent';
  return source === 'invoke' ? 'put { traceparent } into _trace of the payload' : 'send the header traceparent';
};
