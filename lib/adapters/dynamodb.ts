import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Clock, Condition, Item, Table } from '../model/ports.ts';

/**
 * The state table on DynamoDB. The SDK is loaded at the first call, not at cold start. Expired items are filtered here as
 * well as by the service, since DynamoDB deletes them up to days late (and some emulators never do).
 */
export const dynamodbTable = (options: { readonly tableName: string; readonly clock: Clock }): Table => {
  const { tableName, clock } = options;
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-dynamodb'); client: DynamoDBClient }> | undefined;
  const dynamodb = () => {
    loaded ??= import('@aws-sdk/client-dynamodb').then((sdk) => ({ sdk, client: new sdk.DynamoDBClient({}) }));
    return loaded;
  };
  const alive = (item: Item): boolean => item.ttl === undefined || item.ttl * 1000 > clock();
  /** Answers false for a failed condition, throws a Failure for everything else. */
  const conditionally = async (write: () => Promise<unknown>, what: string): Promise<boolean> => {
    try {
      await write();
      return true;
    } catch (thrown) {
      if ((thrown as { name?: string }).name === 'ConditionalCheckFailedException') return false;
      throw unavailable(thrown, `${what} ${tableName}`);
    }
  };
  return {
    async get(pk, sk) {
      const { sdk, client } = await dynamodb();
      const answer = await client
        .send(
          new sdk.GetItemCommand({ TableName: tableName, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }),
        )
        .catch((thrown) => {
          throw unavailable(thrown, `GetItem ${tableName}`);
        });
      const item = answer.Item === undefined ? undefined : fromAttributes(answer.Item);
      return item !== undefined && alive(item) ? item : undefined;
    },
    async query(pk, { skPrefix, limit, descending } = {}) {
      const { sdk, client } = await dynamodb();
      const items: Item[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const answer = await client
          .send(
            new sdk.QueryCommand({
              TableName: tableName,
              KeyConditionExpression: skPrefix === undefined ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :sk)',
              ExpressionAttributeValues: {
                ':pk': { S: pk },
                ...(skPrefix === undefined ? {} : { ':sk': { S: skPrefix } }),
              },
              ConsistentRead: true,
              ScanIndexForward: descending !== true,
              ...given({ ExclusiveStartKey: start }),
            }),
          )
          .catch((thrown) => {
            throw unavailable(thrown, `Query ${tableName}`);
          });
        for (const attributes of answer.Items ?? []) {
          const item = fromAttributes(attributes);
          if (alive(item)) items.push(item);
        }
        start = answer.LastEvaluatedKey;
      } while (start !== undefined && (limit === undefined || items.length < limit));
      return limit === undefined ? items : items.slice(0, limit);
    },
    async put(item, condition) {
      const { sdk, client } = await dynamodb();
      return conditionally(
        () =>
          client.send(
            new sdk.PutItemCommand({
              TableName: tableName,
              Item: toAttributes(item),
              ...conditionOf(condition, clock()),
            }),
          ),
        'PutItem',
      );
    },
    async delete(pk, sk, condition) {
      const { sdk, client } = await dynamodb();
      return conditionally(
        () =>
          client.send(
            new sdk.DeleteItemCommand({
              TableName: tableName,
              Key: { pk: { S: pk }, sk: { S: sk } },
              ...conditionOf(condition, clock()),
            }),
          ),
        'DeleteItem',
      );
    },
  };
};

/** Keys and ttl as DynamoDB needs them; everything else as one native map, so that numbers, lists and nesting survive. */
const toAttributes = (item: Item): Record<string, AttributeValue> =>
  Object.fromEntries(
    Object.entries(item)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, toAttribute(value)]),
  );

const toAttribute = (value: unknown): AttributeValue => {
  if (typeof value === 'string') return { S: value };
  // DynamoDB numbers hold 38 digits but neither NaN nor Infinity; those would be a defect of the caller.
  if (typeof value === 'number' && Number.isFinite(value)) return { N: String(value) };
  if (typeof value === 'bigint') return { N: value.toString() };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (typeof value === 'object') {
    return {
      M: Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== undefined)
          .map(([name, inner]) => [name, toAttribute(inner)]),
      ),
    };
  }
  throw new Failure('internal', `cannot be stored: ${String(value)} (${typeof value})`);
};

const fromAttributes = (attributes: Record<string, AttributeValue>): Item =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, fromAttribute(value)]),
  ) as unknown as Item;

const fromAttribute = (value: AttributeValue): unknown => {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.L !== undefined) return value.L.map(fromAttribute);
  if (value.M !== undefined)
    return Object.fromEntries(Object.entries(value.M).map(([name, inner]) => [name, fromAttribute(inner)]));
  return null;
};

/** An expired item that is still there counts as absent, and never satisfies a condition on its attributes. */
const conditionOf = (condition: Condition | undefined, now: number) => {
  if (condition === undefined) return {};
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const clauses: string[] = [];
  const seconds = { N: String(Math.floor(now / 1000)) };
  const name = (attribute: string): string => {
    const key = `#n${Object.keys(names).length}`;
    names[key] = attribute;
    return key;
  };
  const value = (raw: AttributeValue): string => {
    const key = `:v${Object.keys(values).length}`;
    values[key] = raw;
    return key;
  };
  if (condition.absent === true) {
    const ttl = name('ttl');
    clauses.push(`(attribute_not_exists(pk) OR (attribute_exists(${ttl}) AND ${ttl} <= ${value(seconds)}))`);
  }
  if (condition.absent === false) {
    const ttl = name('ttl');
    clauses.push(`(attribute_exists(pk) AND (attribute_not_exists(${ttl}) OR ${ttl} > ${value(seconds)}))`);
  }
  for (const [attribute, expected] of Object.entries(condition.equals ?? {})) {
    if (expected === undefined) clauses.push(`attribute_not_exists(${name(attribute)})`);
    else clauses.push(`${name(attribute)} = ${value(toAttribute(expected))}`);
  }
  for (const [attribute, bound] of Object.entries(condition.below ?? {})) {
    const key = name(attribute);
    clauses.push(`(attribute_not_exists(${key}) OR ${key} < ${value({ N: String(bound) })})`);
  }
  if (clauses.length === 0) return {};
  return {
    ConditionExpression: clauses.join(' AND '),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
};

const unavailable = (thrown: unknown, where: string): Failure =>
  new Failure('unavailable', thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown), {
    where,
    cause: thrown,
  });
