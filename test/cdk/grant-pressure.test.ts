import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { grantPressure } from '../../cdk/constructs/index.ts';

test('a function of the user may get the items of pressure and nothing else of the table', () => {
  const stack = new Stack(new App(), 'Users');
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const tableArn = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tidemark';
  grantPressure(role, Table.fromTableArn(stack, 'State', tableArn)).assertSuccess();
  const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'));
  assert.equal(policies.length, 1);
  assert.deepEqual(policies[0]?.['Properties'].PolicyDocument.Statement, [
    {
      Effect: 'Allow',
      Action: 'dynamodb:GetItem',
      Resource: tableArn,
      Condition: {
        'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['pressure'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    },
  ]);
});
