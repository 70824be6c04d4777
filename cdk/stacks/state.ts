import { type CfnElement, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** The two places where state lives: one table, one bucket. */
export class StateStack extends Stack {
  readonly table: Table;
  readonly bucket: Bucket;
  /** For the function that collects spans. */
  readonly writeSpans: ManagedPolicy;
  /** For the function that scores windows. */
  readonly readSpansWriteReports: ManagedPolicy;

  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'ttl',
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        // A window is scored minutes after it closed; a week is for looking back and scoring again.
        { prefix: 'spans/', expiration: Duration.days(7) },
        { prefix: 'reports/', expiration: Duration.days(90) },
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions::AwsSolutions-S1',
      reason:
        'Only the functions read and write it, with keys derived from content; access logs would need a second bucket that outweighs this one.',
    });
    new CfnOutput(this, 'TableName', { value: this.table.tableName });
    new CfnOutput(this, 'BucketName', { value: this.bucket.bucketName });
    this.writeSpans = this.#policy('WriteSpans', [{ actions: ['s3:PutObject'], prefix: 'spans/' }]);
    this.readSpansWriteReports = this.#policy('ReadSpansWriteReports', [
      { actions: ['s3:GetObject'], prefix: 'spans/' },
      { actions: ['s3:GetObject', 's3:PutObject'], prefix: 'reports/' },
      { actions: ['s3:ListBucket'] },
    ]);
  }

  /** For messages that show the heat map of a window. */
  readReports(): ManagedPolicy {
    return this.#policy('ReadReports', [{ actions: ['s3:GetObject'], prefix: 'reports/' }]);
  }

  #policy(id: string, statements: readonly { readonly actions: string[]; readonly prefix?: string }[]): ManagedPolicy {
    const policy = new ManagedPolicy(this, id, {
      statements: statements.map(
        ({ actions, prefix }) =>
          new PolicyStatement({
            actions,
            resources: [prefix === undefined ? this.bucket.bucketArn : this.bucket.arnForObjects(`${prefix}*`)],
          }),
      ),
    });
    const bucket = this.getLogicalId(this.bucket.node.defaultChild as CfnElement);
    for (const { prefix } of statements) {
      if (prefix === undefined) continue;
      Validations.of(policy).acknowledge({
        id: `AwsSolutions::AwsSolutions-IAM5[Resource::<${bucket}.Arn>/${prefix}*]`,
        reason:
          'Objects under one prefix of our own bucket; their keys derive from what arrives and cannot be listed here.',
      });
    }
    return policy;
  }
}
