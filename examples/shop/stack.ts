import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  type Architecture,
  type Code,
  FunctionUrlAuthType,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { shopNames } from './names.ts';

export interface ShopStackProps extends StackProps {
  /** The bundled code of one service in `services/`. */
  readonly code: (service: string) => Code;
  readonly architecture: Architecture;
  /** Queue that the services' spans go to: tidemark's spans queue. */
  readonly spansQueueName: string;
  /** Queue that readings are pushed to: tidemark's readings queue. */
  readonly readingsQueueName: string;
}

/**
 * A small shop as it would exist without tidemark: a table, a bus, two queues with dead-letter queues and four functions.
 * Orders come in at users, go by SQS to orders, are charged by payments over HTTP, and reach inventory by the bus.
 */
export class ShopStack extends Stack {
  constructor(scope: Construct, id: string, props: ShopStackProps) {
    super(scope, id, props);
    const table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const bus = new EventBus(this, 'Bus', { eventBusName: shopNames.bus });
    const timeout = Duration.seconds(15);
    const queue = (name: string, queueName: string) =>
      new Queue(this, name, {
        queueName,
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
        deadLetterQueue: {
          maxReceiveCount: 5,
          queue: new Queue(this, `${name}DeadLetters`, {
            encryption: QueueEncryption.SQS_MANAGED,
            enforceSSL: true,
            retentionPeriod: Duration.days(14),
          }),
        },
      });
    const orders = queue('Orders', shopNames.orders);
    const inventory = queue('Inventory', shopNames.inventory);
    new Rule(this, 'OrderPlaced', {
      eventBus: bus,
      eventPattern: { source: ['shop.orders'], detailType: ['OrderPlaced'] },
      targets: [new SqsQueue(inventory)],
    });

    const queueOf = (name: string) => ({
      url: `https://sqs.${this.region}.${this.urlSuffix}/${this.account}/${name}`,
      arn: `arn:${this.partition}:sqs:${this.region}:${this.account}:${name}`,
    });
    const spans = queueOf(props.spansQueueName);
    const readings = queueOf(props.readingsQueueName);
    const service = (name: string, environment: Record<string, string> = {}) => {
      const made = new LambdaFunction(this, `${name[0]?.toUpperCase()}${name.slice(1)}Service`, {
        runtime: Runtime.NODEJS_24_X,
        architecture: props.architecture,
        handler: 'index.handler',
        code: props.code(name),
        memorySize: 512,
        timeout,
        loggingFormat: LoggingFormat.JSON,
        logGroup: new LogGroup(this, `${name}Logs`, {
          retention: RetentionDays.ONE_WEEK,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        environment: {
          SHOP_TABLE: table.tableName,
          OTEL_SERVICE_NAME: name,
          OTEL_TRACES_SAMPLER: 'always_on',
          TIDEMARK_OTLP_QUEUE: spans.url,
          ...environment,
        },
      });
      table.grantReadWriteData(made);
      made.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [spans.arn] }));
      return made;
    };

    const payments = service('payments');
    const paymentsUrl = payments.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    const users = service('users', { SHOP_ORDERS_QUEUE: orders.queueUrl });
    orders.grantSendMessages(users);
    const usersUrl = users.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    const orderService = service('orders', { SHOP_BUS: bus.eventBusName, SHOP_PAYMENTS_URL: paymentsUrl.url });
    bus.grantPutEventsTo(orderService);
    paymentsUrl.grantInvokeUrl(orderService);
    orderService.addEventSource(
      new SqsEventSource(orders, { batchSize: 5, reportBatchItemFailures: true, maxConcurrency: 4 }),
    );
    const inventoryService = service('inventory', { SHOP_READINGS_QUEUE: readings.url });
    inventoryService.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [readings.arn] }));
    inventoryService.addEventSource(
      new SqsEventSource(inventory, { batchSize: 5, reportBatchItemFailures: true, maxConcurrency: 4 }),
    );

    new CfnOutput(this, 'UsersUrl', { value: usersUrl.url });
    new CfnOutput(this, 'ShopTable', { value: table.tableName });
  }
}
