import type { S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Bucket, Objects } from '../model/ports.ts';
import { maxInflatedBytes } from './compression.ts';

/** One S3 bucket; the SDK is loaded at the first call. */
export const s3Bucket = (options: { readonly bucketName: string }): Bucket => {
  const { bucketName } = options;
  const s3 = lazyClient();
  const failed = (operation: string, key: string) => (thrown: unknown) => {
    throw new Failure('unavailable', (thrown as Error).message, {
      where: `${operation} s3://${bucketName}/${key}`,
      cause: thrown,
    });
  };
  return {
    async get(key) {
      const { sdk, client } = await s3();
      try {
        const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucketName, Key: key }));
        return await answer.Body?.transformToByteArray();
      } catch (thrown) {
        if (['NoSuchKey', 'NotFound'].includes((thrown as { name?: string }).name ?? '')) return undefined;
        return failed('GetObject', key)(thrown);
      }
    },
    async put(key, body, contentType) {
      const { sdk, client } = await s3();
      await client
        .send(
          new sdk.PutObjectCommand({
            Bucket: bucketName,
            Key: key,
            Body: body,
            ...given({ ContentType: contentType }),
          }),
        )
        .catch(failed('PutObject', key));
    },
    async list(prefix) {
      const { sdk, client } = await s3();
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const answer = await client
          .send(
            new sdk.ListObjectsV2Command({
              Bucket: bucketName,
              Prefix: prefix,
              ...given({ ContinuationToken: token }),
            }),
          )
          .catch(failed('ListObjectsV2', prefix));
        for (const { Key } of answer?.Contents ?? []) if (Key !== undefined) keys.push(Key);
        token = answer?.NextContinuationToken;
      } while (token !== undefined);
      return keys.sort();
    },
  };
};

/** Objects of any bucket that the role may read. */
export const s3Objects = (maxBytes = maxInflatedBytes): Objects => {
  const s3 = lazyClient();
  return async (bucket, key) => {
    const { sdk, client } = await s3();
    const where = `GetObject s3://${bucket}/${key}`;
    try {
      const { Body, ContentLength = 0 } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
      if (ContentLength > maxBytes) {
        throw new Failure('too-large', `has ${ContentLength} bytes; ${maxBytes} are read`, { where });
      }
      return await Body?.transformToByteArray();
    } catch (thrown) {
      if (thrown instanceof Failure) throw thrown;
      const { name = '', message } = thrown as Error;
      if (name === 'NoSuchKey' || name === 'NotFound') return undefined;
      const code = name === 'AccessDenied' ? 'unauthorised' : 'unavailable';
      throw new Failure(code, message, { where, cause: thrown });
    }
  };
};

/** The SDK is loaded at the first call. */
const lazyClient = () => {
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | undefined;
  return () => {
    loaded ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      // Emulators on a loopback endpoint know no virtual-hosted buckets.
      client: new sdk.S3Client({ forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined }),
    }));
    return loaded;
  };
};
