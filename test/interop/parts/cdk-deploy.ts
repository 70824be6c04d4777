import { createServer, request, type Server } from 'node:http';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { systemClock } from '../../../lib/adapters/clock.ts';
import type { Alert } from '../../../lib/model/alert.ts';
import { progress } from '../../../scripts/progress.ts';
import { identityOf } from '../../../scripts/start/outcome.ts';
import { compress, faults, slackSeconds, windowSeconds } from '../../../scripts/start/plan.ts';
import { playScenario } from '../../../scripts/start/scenario.ts';
import { type Surroundings, startSurroundings } from '../../../scripts/start/surroundings.ts';
import { type Ministack, ministack, ministackVersion, startMinistack } from '../clouds/ministack.ts';
import { type Part, present, same } from '../part.ts';

/** A real `cdk bootstrap` and `cdk deploy` of tidemark and the shop, and the scenario of `npm start` on what was deployed. */
export const part: Part = {
  name: 'cdk-deploy',
  title: 'A real deployment',
  tools: [ministack],
  run: async (report) => {
    const peer = report.peer('ministack', ministackVersion);
    const cloud = await startMinistack();
    const surroundings = await startSurroundings(true);
    const former = { ...process.env };
    Object.assign(process.env, cloud.env);
    const closing: (() => Promise<void> | void)[] = [];
    try {
      const began = systemClock();
      const outputs = await peer.holds('cdk bootstrap and cdk deploy bring up tidemark and the shop', () =>
        cloud.deploy('test/interop/clouds/app.ts', { TIDEMARK_FUNCTIONS_ENVIRONMENT: environmentOf(surroundings) }),
      );
      await peer.holds('every queue has the dead-letter queue that its template gives it', redrivePolicies);
      await createSecrets(surroundings.secrets);
      const usersUrl = await reachable(cloud, present(outputs['Shop.UsersUrl'], 'the URL of users'), closing);
      await setPaymentsUrl(cloud, closing);
      const raised: Alert[] = [];
      const breaches = new Set<string>();
      closing.push(
        await listen((event) => {
          raised.push(event.detail);
          if (event.source === 'tidemark.evaluate-watermarks') breaches.add(identityOf(event.detail));
        }),
      );
      closing.push(await tickFaster(cloud));
      const { run, traffic } = await playScenario({
        where: {
          usersUrl,
          shopTable: present(outputs['Shop.ShopTable'], 'the table of the shop'),
          bucket: present(outputs['TidemarkState.BucketName'], 'the bucket'),
        },
        withFaults: true,
        surroundings,
        raised,
        watermarks: () => ({ readings: 0, breaches: breaches.size }),
        shown: progress({
          write: (text) => void process.stdout.write(`    ${text}`),
          isTerminal: false,
          clock: systemClock,
        }),
        began,
      });
      const { alerts, traces, findings } = run;
      await peer.holds('every trace of the shop is whole', () =>
        same(
          { broken: traces.broken, orders: traces.expected > 100, refused: traffic.refused },
          { broken: [], orders: true, refused: [] },
          'traces',
        ),
      );
      for (const { name, expected } of faults) {
        await peer.holds(`the fault ${name} is found as ${expected.kind} of ${expected.service}`, () =>
          present(
            findings.find(({ kind, service }) => kind === expected.kind && service === expected.service),
            `${expected.kind} of ${expected.service} among ${findings.map(({ summary }) => summary).join('; ')}`,
          ),
        );
      }
      await peer.holds('every alert reaches every destination, none twice', () =>
        same(
          { ...alerts, raised: alerts.raised > 0 },
          { raised: true, delivered: alerts.raised, lost: 0, duplicates: 0 },
          'alerts',
        ),
      );
      await peer.holds('ticks measure pods and queues, and the pod that runs full is a breach', async () => {
        same(
          { measured: (await seriesMeasured(cloud)) > 0, breached: breaches.size > 0 },
          { measured: true, breached: true },
        );
      });
      peer.leaves(
        'schedules: its Scheduler fires no universal targets; what the deployed schedules say is sent for it',
      );
      peer.leaves('Function URLs under their own host names: a local port forwards to each');
      peer.leaves('IAM: policies are created and not enforced');
    } catch (thrown) {
      throw new Error(`${(thrown as Error).message}\nministack said:\n${cloud.lastLines()}`, { cause: thrown });
    } finally {
      for (const close of closing.splice(0).reverse()) await close();
      await surroundings.stop();
      await cloud.stop();
      for (const name of Object.keys(cloud.env)) {
        if (former[name] === undefined) delete process.env[name];
        else process.env[name] = former[name];
      }
    }
  },
};

/** Short windows, as `npm start` has them, and the Kubernetes API of the run. */
const environmentOf = ({ kubernetesUrl }: Surroundings): string =>
  JSON.stringify({
    TIDEMARK_WINDOW_SECONDS: String(windowSeconds),
    TIDEMARK_WINDOW_SLACK_SECONDS: String(slackSeconds),
    TIDEMARK_ALLOW_LOOPBACK: 'true',
    SHOP_KUBERNETES_API: kubernetesUrl,
  });

const createSecrets = async (secrets: Readonly<Record<string, string>>): Promise<void> => {
  const client = new SecretsManagerClient({});
  for (const [reference, value] of Object.entries(secrets)) {
    await client.send(new CreateSecretCommand({ Name: reference.replace('secretsmanager:', ''), SecretString: value }));
  }
  client.destroy();
};

/** Function URLs are told apart by the host name, which nothing resolves here: a port of 127.0.0.1 stands for each. */
const reachable = async (
  cloud: Ministack,
  functionUrl: string,
  closing: (() => Promise<void> | void)[],
): Promise<string> => {
  const { host } = new URL(functionUrl);
  const { hostname, port } = new URL(cloud.endpoint);
  const server: Server = createServer((incoming, response) => {
    const outgoing = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: { ...incoming.headers, host } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on('error', (error) => response.writeHead(502).end(error.message));
    incoming.pipe(outgoing);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
};

interface FunctionConfiguration {
  readonly FunctionName: string;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
}

/** The orders service calls payments by its Function URL: it gets the port that stands for it. */
const setPaymentsUrl = async (cloud: Ministack, closing: (() => Promise<void> | void)[]): Promise<void> => {
  const functions = `${cloud.endpoint}/2015-03-31/functions`;
  const { Functions = [] } = (await (await fetch(`${functions}/`, signed('lambda'))).json()) as {
    Functions?: readonly FunctionConfiguration[];
  };
  const orders = Functions.find(({ Environment }) => Environment?.Variables?.['SHOP_PAYMENTS_URL'] !== undefined);
  if (orders === undefined) throw new Error(`no function knows SHOP_PAYMENTS_URL among ${Functions.length}`);
  const Variables = { ...orders.Environment?.Variables };
  Variables['SHOP_PAYMENTS_URL'] = await reachable(cloud, Variables['SHOP_PAYMENTS_URL'] ?? '', closing);
  const answer = await fetch(`${functions}/${orders.FunctionName}/configuration`, {
    ...signed('lambda'),
    method: 'PUT',
    body: JSON.stringify({ Environment: { Variables } }),
  });
  if (!answer.ok) throw new Error(`UpdateFunctionConfiguration answered ${answer.status}: ${await answer.text()}`);
};

/** It looks for the service in the credential scope and verifies no signature. */
const signed = (service: string): { readonly headers: Record<string, string> } => ({
  headers: {
    authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=x`,
    'content-type': 'application/json',
  },
});

interface AlertEvent {
  readonly source: string;
  readonly detail: Alert;
}

/** Hears every alert on the bus through a rule and a queue of its own; answers how to stop. */
const listen = async (heard: (event: AlertEvent) => void): Promise<() => Promise<void>> => {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const events = new EventBridgeClient({});
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'alerts-heard' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const rule = { EventBusName: 'tidemark', Name: 'alerts-heard', EventPattern: '{"detail-type":["Alert"]}' };
  await events.send(new PutRuleCommand(rule));
  await events.send(
    new PutTargetsCommand({
      EventBusName: 'tidemark',
      Rule: rule.Name,
      Targets: [{ Id: 'heard', Arn: Attributes?.['QueueArn'] }],
    }),
  );
  events.destroy();
  let goesOn = true;
  const polling = (async () => {
    while (goesOn) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      if (Messages.length === 0) continue;
      for (const { Body } of Messages) heard(JSON.parse(Body ?? '{}') as AlertEvent);
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle })),
        }),
      );
    }
  })();
  return async () => {
    goesOn = false;
    await polling;
    sqs.destroy();
  };
};

/** Sends what the deployed schedules would send, `compress` times as often. */
const tickFaster = async (cloud: Ministack): Promise<() => void> => {
  const inputs: { QueueUrl: string; DelaySeconds: number; MessageBody: string }[] = [];
  for (const name of ['tidemark-tick-0', 'tidemark-tick-30']) {
    const answer = await fetch(`${cloud.endpoint}/schedules/${name}`, signed('scheduler'));
    const { Target } = (await answer.json()) as { Target?: { Arn?: string; Input?: string } };
    if (Target?.Arn?.endsWith(':aws-sdk:sqs:sendMessage') !== true || Target.Input === undefined)
      throw new Error(`the schedule ${name} is not as it was deployed: ${JSON.stringify(Target)}`);
    inputs.push(JSON.parse(Target.Input) as (typeof inputs)[number]);
  }
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const minute = 60_000 / compress;
  const timer = setInterval(() => {
    const now = new Date(systemClock()).toISOString();
    for (const { QueueUrl, DelaySeconds, MessageBody } of inputs) {
      const send = () =>
        sqs
          .send(
            new SendMessageCommand({
              QueueUrl,
              MessageBody: MessageBody.replace('<aws.scheduler.scheduled-time>', now),
            }),
          )
          .catch(() => undefined);
      setTimeout(send, (DelaySeconds * 1000) / compress);
    }
  }, minute);
  return () => {
    clearInterval(timer);
    setTimeout(() => sqs.destroy(), minute);
  };
};

/** Series that the deployed evaluate-watermarks says it measured, in its log. */
const seriesMeasured = async (cloud: Ministack): Promise<number> => {
  const headers = {
    ...signed('logs').headers,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Logs_20140328.FilterLogEvents',
  };
  let series = 0;
  let nextToken: string | undefined;
  do {
    const answer = await fetch(cloud.endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify({ logGroupName: '/aws/lambda/tidemark-evaluate-watermarks', nextToken }),
    });
    const page = (await answer.json()) as { events?: readonly { message: string }[]; nextToken?: string };
    for (const { message } of page.events ?? []) series += Number(/"series":(\d+)/.exec(message)?.[1] ?? 0);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return series;
};

const redrivePolicies = async (): Promise<void> => {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  for (const name of ['ticks', 'readings', 'spans', 'windows', 'alerts']) {
    const QueueUrl = `${process.env['AWS_ENDPOINT_URL']}/000000000000/tidemark-${name}`;
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['RedrivePolicy'] }),
    );
    const policy = JSON.parse(present(Attributes?.['RedrivePolicy'], `the redrive policy of tidemark-${name}`)) as {
      deadLetterTargetArn?: string;
    };
    same(policy.deadLetterTargetArn?.split(':').at(-1), `tidemark-${name}-dead-letters`, `dead letters of ${name}`);
  }
  sqs.destroy();
};
