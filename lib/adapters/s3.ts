import type { S3Client } from '@aws-sdk/client-s3';
import { Failure } from '../model/failure.ts';
import type { Bucket } from '../model/ports.ts';

/** One S3 bucket; the SDK is loaded at the first call. */
export const s3Bucket = (options: { readonly bucketName: string }): Bucket => {
  const { bucketName } = options;
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | undefined;
  const s3 = () => {
    loaded ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      // Emulators on a loopback endpoint know no virtual-hosted buckets.
      client: new sdk.S3Client({ forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined }),
    }));
    return loaded;
  };
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
            ...(contentType === undefined ? {} : { ContentType: contentType }),
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
              ...(token === undefined ? {} : { ContinuationToken: token }),
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
