import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { presignedUrl } from '../../lib/adapters/presigned-url.ts';
import { credentialsOf, signedHeaders } from '../../lib/adapters/sigv4.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

test('signs the example of the AWS General Reference', () => {
  const { authorization } = signedHeaders({
    method: 'GET',
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    region: 'us-east-1',
    service: 'iam',
    credentials,
    at: Date.parse('2015-08-30T12:36:00Z'),
  });
  assert.equal(
    authorization,
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

test('a presigned URL carries a signature over its own query and the named header', () => {
  const text = presignedUrl({
    method: 'GET',
    url: 'https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15',
    headers: { 'x-k8s-aws-id': 'prod' },
    region: 'us-east-1',
    service: 'sts',
    credentials: { ...credentials, sessionToken: 'a/b+c=' },
    at: Date.parse('2026-11-23T12:00:00Z'),
    expiresSeconds: 60,
  });
  const [base = '', signature] = text.split('&X-Amz-Signature=');
  const query = base.slice(base.indexOf('?') + 1);
  assert.equal(query, [...query.split('&')].sort().join('&'), 'in canonical order');
  // Worked out here from the specification's own steps.
  const canonical = `GET\n/\n${query}\nhost:sts.us-east-1.amazonaws.com\nx-k8s-aws-id:prod\n\nhost;x-k8s-aws-id\n${sha('')}`;
  const toSign = `AWS4-HMAC-SHA256\n20261123T120000Z\n20261123/us-east-1/sts/aws4_request\n${sha(canonical)}`;
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`;
  for (const part of ['20261123', 'us-east-1', 'sts', 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest();
  assert.equal(signature, createHmac('sha256', key).update(toSign).digest('hex'));
  assert.match(query, /X-Amz-Security-Token=a%2Fb%2Bc%3D/);
});

test('credentials are those of the environment, or none', () => {
  assert.equal(credentialsOf({}), undefined);
  assert.equal(credentialsOf({ AWS_ACCESS_KEY_ID: 'a' }), undefined);
  assert.deepEqual(credentialsOf({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: '' }), {
    accessKeyId: 'a',
    secretAccessKey: 'b',
    sessionToken: undefined,
  });
});

const sha = (text: string) => createHash('sha256').update(text).digest('hex');
