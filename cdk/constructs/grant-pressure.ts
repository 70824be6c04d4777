import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';

/**
 * Lets a function read how full watched queues are, for `backlogSampler`: GetItem on the items under `pressure` in the state table, and
 * nothing of what else is there. IAM looks at partition keys only, so it cannot tell one queue from another; an item holds no more than
 * a queue's name and four numbers. A condition over all values also holds for a request without any, which `Null` excludes.
 */
export const grantPressure = (grantee: IGrantable, table: { readonly tableArn: string }): Grant =>
  Grant.addToPrincipal({
    grantee,
    actions: ['dynamodb:GetItem'],
    resourceArns: [table.tableArn],
    conditions: {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['pressure'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    },
  });
