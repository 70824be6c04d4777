/** What the four services share: their table, the fault switches and the shape of an order. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

export interface Order {
  readonly id: string;
  readonly user: string;
  readonly sku: string;
  readonly quantity: number;
}

export interface Faults {
  readonly paymentErrors: number;
  readonly slowInventory: number;
  readonly oldPublisher: boolean;
}

const noFaults: Faults = { paymentErrors: 0, slowInventory: 0, oldPublisher: false };

let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-dynamodb'); client: DynamoDBClient }> | undefined;
const dynamodb = () => {
  loaded ??= import('@aws-sdk/client-dynamodb').then((sdk) => ({ sdk, client: new sdk.DynamoDBClient({}) }));
  return loaded;
};

const table = (): string => process.env['SHOP_TABLE'] ?? '';

/** Read at every message: a switch must work at once, and a shop this small can afford it. */
export const readFaults = async (): Promise<Faults> => {
  const { sdk, client } = await dynamodb();
  const { Item } = await client.send(
    new sdk.GetItemCommand({
      TableName: table(),
      Key: { pk: { S: 'faults' }, sk: { S: 'faults' } },
      ConsistentRead: true,
    }),
  );
  return Item?.['json']?.S === undefined
    ? noFaults
    : { ...noFaults, ...(JSON.parse(Item['json'].S) as Partial<Faults>) };
};

/** Writes the state that an order has reached. States only ever follow each other, so a redelivered message rewrites the same one. */
export const saveOrder = async (order: Order, state: string, traceId: string): Promise<void> => {
  const { sdk, client } = await dynamodb();
  await client.send(
    new sdk.PutItemCommand({
      TableName: table(),
      Item: {
        pk: { S: 'order' },
        sk: { S: order.id },
        state: { S: state },
        traceId: { S: traceId },
        json: { S: JSON.stringify(order) },
      },
    }),
  );
};

/** Remembers that an order was announced without its trace context, so that a run can tell what the fault broke from what broke by itself. */
export const markOldWay = async (order: Order): Promise<void> => {
  const { sdk, client } = await dynamodb();
  await client.send(
    new sdk.PutItemCommand({ TableName: table(), Item: { pk: { S: 'old-way' }, sk: { S: order.id } } }),
  );
};

/** Takes pieces off the shelf, once per order; answers what the shelf has reserved. */
export const reserve = async (order: Order): Promise<number> => {
  const { sdk, client } = await dynamodb();
  const claimed = await client
    .send(
      new sdk.PutItemCommand({
        TableName: table(),
        Item: { pk: { S: 'reservation' }, sk: { S: order.id } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    )
    .then(
      () => true,
      (thrown: { name?: string }) => {
        if (thrown.name === 'ConditionalCheckFailedException') return false;
        throw thrown;
      },
    );
  const { Attributes } = await client.send(
    new sdk.UpdateItemCommand({
      TableName: table(),
      Key: { pk: { S: 'shelf' }, sk: { S: order.sku } },
      UpdateExpression: 'ADD reserved :n',
      ExpressionAttributeValues: { ':n': { N: claimed ? String(order.quantity) : '0' } },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return Number(Attributes?.['reserved']?.N ?? 0);
};

/** The order in a message, or why it is none. */
export const parseOrder = (text: string): { readonly order: Order } | { readonly error: string } => {
  try {
    const value = JSON.parse(text) as Partial<Order>;
    if (typeof value?.id !== 'string' || typeof value.sku !== 'string' || typeof value.quantity !== 'number') {
      return { error: 'not an order: id, sku and quantity are needed' };
    }
    return { order: { id: value.id, user: String(value.user), sku: value.sku, quantity: value.quantity } };
  } catch (thrown) {
    return { error: `not JSON: ${(thrown as Error).message}` };
  }
};
