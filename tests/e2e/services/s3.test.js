import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import test from 'node:test';
import * as s3 from '@aws-sdk/client-s3';
import { pages, refuses, until } from '../lib/expect.js';
import { Server, run } from '../lib/server.js';
import { without } from '../lib/tools.js';

const text = async (answer) => answer.Body.transformToString();
const md5 = (bytes) => createHash('md5').update(bytes).digest('hex');

test('s3', async (t) => {
    const server = await Server.start(t);
    const client = server.client(s3.S3Client);
    const send = (Command, input) => client.send(new Command(input));
    const Bucket = 'e2e-bucket';
    await send(s3.CreateBucketCommand,
        { Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } });

    await t.test('bucket names are one space over all accounts', async () => {
        await refuses(send(s3.CreateBucketCommand,
            { Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }),
        'BucketAlreadyOwnedByYou', { status: 409 });
        const other = server.client(s3.S3Client, 'production');
        await refuses(other.send(new s3.CreateBucketCommand(
            { Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } })),
        'BucketAlreadyExists', { status: 409 });
        await refuses(send(s3.ListObjectsV2Command, { Bucket: 'no-such-bucket' }), 'NoSuchBucket', { status: 404 });
        await refuses(send(s3.CreateBucketCommand, { Bucket: 'Bad_Name' }), 'InvalidBucketName', { status: 400 });
    });

    await t.test('bytes come back with their digest and metadata', async () => {
        const put = await send(s3.PutObjectCommand, {
            Bucket, Key: 'dir/a b+ü.txt', Body: 'hello', ContentType: 'text/plain', Metadata: { who: 'ada' },
        });
        assert.equal(put.ETag, `"${md5('hello')}"`);
        const got = await send(s3.GetObjectCommand, { Bucket, Key: 'dir/a b+ü.txt' });
        assert.equal(await text(got), 'hello');
        assert.equal(got.ContentType, 'text/plain');
        assert.deepEqual(got.Metadata, { who: 'ada' });
        const head = await send(s3.HeadObjectCommand, { Bucket, Key: 'dir/a b+ü.txt' });
        assert.equal(head.ContentLength, 5);
        await refuses(send(s3.GetObjectCommand, { Bucket, Key: 'none' }), 'NoSuchKey', { status: 404 });
        await refuses(send(s3.HeadObjectCommand, { Bucket, Key: 'none' }), 'NotFound', { status: 404 });
    });

    await t.test('ranges', async () => {
        const part = await send(s3.GetObjectCommand, { Bucket, Key: 'dir/a b+ü.txt', Range: 'bytes=1-3' });
        assert.equal(part.$metadata.httpStatusCode, 206);
        assert.equal(part.ContentRange, 'bytes 1-3/5');
        assert.equal(await text(part), 'ell');
        assert.equal(await text(await send(s3.GetObjectCommand,
            { Bucket, Key: 'dir/a b+ü.txt', Range: 'bytes=-2' })), 'lo');
        await refuses(send(s3.GetObjectCommand, { Bucket, Key: 'dir/a b+ü.txt', Range: 'bytes=9-' }),
            'InvalidRange', { status: 416 });
    });

    await t.test('writes can be conditional', async () => {
        await refuses(send(s3.PutObjectCommand, { Bucket, Key: 'dir/a b+ü.txt', Body: 'x', IfNoneMatch: '*' }),
            'PreconditionFailed', { status: 412 });
        await refuses(send(s3.PutObjectCommand, { Bucket, Key: 'dir/a b+ü.txt', Body: 'x', IfMatch: '"0"' }),
            'PreconditionFailed', { status: 412 });
        await send(s3.PutObjectCommand, { Bucket, Key: 'lock', Body: '1', IfNoneMatch: '*' });
        await send(s3.PutObjectCommand, { Bucket, Key: 'lock', Body: '2', IfMatch: `"${md5('1')}"` });
        const same = client.send(new s3.GetObjectCommand({ Bucket, Key: 'lock', IfNoneMatch: `"${md5('2')}"` }));
        await assert.rejects(same, (error) => error.$metadata.httpStatusCode === 304);
    });

    await t.test('of two writers who both say "only if there is none" one wins', async () => {
        const tries = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => send(s3.PutObjectCommand,
            { Bucket, Key: 'race', Body: `${i}`, IfNoneMatch: '*' })));
        assert.equal(tries.filter((r) => r.status === 'fulfilled').length, 1);
    });

    await t.test('checksums are verified and given back', async () => {
        const right = createHash('sha256').update('sum').digest('base64');
        await send(s3.PutObjectCommand, { Bucket, Key: 'sum', Body: 'sum', ChecksumSHA256: right });
        const got = await send(s3.GetObjectCommand, { Bucket, Key: 'sum', ChecksumMode: 'ENABLED' });
        assert.equal(got.ChecksumSHA256, right);
        const wrong = createHash('sha256').update('else').digest('base64');
        await refuses(send(s3.PutObjectCommand, { Bucket, Key: 'sum2', Body: 'sum', ChecksumSHA256: wrong }),
            'BadDigest', { status: 400 });
        await refuses(send(s3.HeadObjectCommand, { Bucket, Key: 'sum2' }), 'NotFound');
    });

    await t.test('a stream of unknown checksum arrives chunked', async () => {
        const body = Buffer.alloc(300_000, 'chunk');
        await send(s3.PutObjectCommand, {
            Bucket, Key: 'stream', Body: Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]),
            ContentLength: body.length, ChecksumAlgorithm: 'CRC32',
        });
        const got = await send(s3.GetObjectCommand, { Bucket, Key: 'stream' });
        assert.equal(md5(Buffer.from(await got.Body.transformToByteArray())), md5(body));
    });

    await t.test('parts become one object', async () => {
        const { UploadId } = await send(s3.CreateMultipartUploadCommand, { Bucket, Key: 'parts' });
        const first = Buffer.alloc(5 << 20, 1);
        const second = Buffer.from('tail');
        const Parts = [];
        for (const [i, Body] of [first, second].entries()) {
            const { ETag } = await send(s3.UploadPartCommand,
                { Bucket, Key: 'parts', UploadId, PartNumber: i + 1, Body });
            Parts.push({ ETag, PartNumber: i + 1 });
        }
        const listed = await send(s3.ListPartsCommand, { Bucket, Key: 'parts', UploadId });
        assert.deepEqual(listed.Parts.map((p) => p.Size), [first.length, 4]);
        await refuses(send(s3.CompleteMultipartUploadCommand, {
            Bucket, Key: 'parts', UploadId, MultipartUpload: { Parts: [{ ETag: '"0"', PartNumber: 1 }] },
        }), 'InvalidPart', { status: 400 });
        const done = await send(s3.CompleteMultipartUploadCommand,
            { Bucket, Key: 'parts', UploadId, MultipartUpload: { Parts } });
        assert.match(done.ETag, /-2"$/);
        const head = await send(s3.HeadObjectCommand, { Bucket, Key: 'parts' });
        assert.equal(head.ContentLength, first.length + 4);
        const { UploadId: dropped } = await send(s3.CreateMultipartUploadCommand, { Bucket, Key: 'dropped' });
        await send(s3.AbortMultipartUploadCommand, { Bucket, Key: 'dropped', UploadId: dropped });
        await refuses(send(s3.ListPartsCommand, { Bucket, Key: 'dropped', UploadId: dropped }),
            'NoSuchUpload', { status: 404 });
    });

    await t.test('keys are listed in order, in pages, by folder', async () => {
        for (const Key of ['l/a/1', 'l/a/2', 'l/b', 'l/c/1', 'l/d', 'l/e']) {
            await send(s3.PutObjectCommand, { Bucket, Key, Body: '' });
        }
        const { all, count } = await pages(
            (ContinuationToken) => send(s3.ListObjectsV2Command, { Bucket, Prefix: 'l/', MaxKeys: 4, ContinuationToken }),
            (page) => page.Contents.map((o) => o.Key), (page) => page.NextContinuationToken);
        assert.deepEqual(all, ['l/a/1', 'l/a/2', 'l/b', 'l/c/1', 'l/d', 'l/e']);
        assert.equal(count, 2);
        const folders = await send(s3.ListObjectsV2Command, { Bucket, Prefix: 'l/', Delimiter: '/' });
        assert.deepEqual(folders.CommonPrefixes.map((p) => p.Prefix), ['l/a/', 'l/c/']);
        assert.deepEqual(folders.Contents.map((o) => o.Key), ['l/b', 'l/d', 'l/e']);
    });

    await t.test('versions, delete markers, and reading an old one', async () => {
        await send(s3.PutBucketVersioningCommand, { Bucket, VersioningConfiguration: { Status: 'Enabled' } });
        const one = await send(s3.PutObjectCommand, { Bucket, Key: 'v', Body: '1' });
        const two = await send(s3.PutObjectCommand, { Bucket, Key: 'v', Body: '2' });
        assert.notEqual(one.VersionId, two.VersionId);
        const gone = await send(s3.DeleteObjectCommand, { Bucket, Key: 'v' });
        assert.equal(gone.DeleteMarker, true);
        await refuses(send(s3.GetObjectCommand, { Bucket, Key: 'v' }), 'NoSuchKey');
        const old = await send(s3.GetObjectCommand, { Bucket, Key: 'v', VersionId: one.VersionId });
        assert.equal(await text(old), '1');
        const all = await send(s3.ListObjectVersionsCommand, { Bucket, Prefix: 'v' });
        assert.equal(all.Versions.length, 2);
        assert.equal(all.DeleteMarkers.length, 1);
        await send(s3.DeleteObjectCommand, { Bucket, Key: 'v', VersionId: gone.VersionId });
        assert.equal(await text(await send(s3.GetObjectCommand, { Bucket, Key: 'v' })), '2');
    });

    await t.test('objects are copied, tagged, and deleted many at once', async () => {
        await send(s3.CopyObjectCommand, { Bucket, Key: 'copy', CopySource: `${Bucket}/lock` });
        assert.equal(await text(await send(s3.GetObjectCommand, { Bucket, Key: 'copy' })), '2');
        await send(s3.PutObjectTaggingCommand, { Bucket, Key: 'copy', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } });
        assert.deepEqual((await send(s3.GetObjectTaggingCommand, { Bucket, Key: 'copy' })).TagSet,
            [{ Key: 'a', Value: 'b' }]);
        const done = await send(s3.DeleteObjectsCommand,
            { Bucket, Delete: { Objects: [{ Key: 'copy' }, { Key: 'never-was' }] } });
        assert.equal(done.Deleted.length, 2);
    });

    await t.test('settings that were never made say so by their own names', async () => {
        const none = { Bucket };
        await refuses(send(s3.GetBucketPolicyCommand, none), 'NoSuchBucketPolicy', { status: 404 });
        await refuses(send(s3.GetBucketLifecycleConfigurationCommand, none), 'NoSuchLifecycleConfiguration', { status: 404 });
        await refuses(send(s3.GetBucketCorsCommand, none), 'NoSuchCORSConfiguration', { status: 404 });
        await refuses(send(s3.GetBucketTaggingCommand, none), 'NoSuchTagSet', { status: 404 });
        await refuses(send(s3.GetBucketWebsiteCommand, none), 'NoSuchWebsiteConfiguration', { status: 404 });
        await refuses(send(s3.GetBucketReplicationCommand, none), 'ReplicationConfigurationNotFoundError', { status: 404 });
        const sse = await send(s3.GetBucketEncryptionCommand, none);
        assert.equal(sse.ServerSideEncryptionConfiguration.Rules[0]
            .ApplyServerSideEncryptionByDefault.SSEAlgorithm, 'AES256');
    });

    await t.test('settings are kept as they were made', async () => {
        const Policy = JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::444444444444:root' },
                Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/lock` }],
        });
        await send(s3.PutBucketPolicyCommand, { Bucket, Policy });
        assert.deepEqual(JSON.parse((await send(s3.GetBucketPolicyCommand, { Bucket })).Policy), JSON.parse(Policy));
        const PublicAccessBlockConfiguration = {
            BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true,
        };
        await send(s3.PutPublicAccessBlockCommand, { Bucket, PublicAccessBlockConfiguration });
        assert.deepEqual((await send(s3.GetPublicAccessBlockCommand, { Bucket })).PublicAccessBlockConfiguration,
            PublicAccessBlockConfiguration);
        const other = server.client(s3.S3Client, 'production');
        assert.equal(await text(await other.send(new s3.GetObjectCommand({ Bucket, Key: 'lock' }))), '2');
        await refuses(other.send(new s3.GetObjectCommand({ Bucket, Key: 'sum' })), 'AccessDenied', { status: 403 });
    });

    await t.test('a bucket with objects is not deleted', async () => {
        await refuses(send(s3.DeleteBucketCommand, { Bucket }), 'BucketNotEmpty', { status: 409 });
        await send(s3.CreateBucketCommand,
            { Bucket: 'e2e-empty', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } });
        await send(s3.DeleteBucketCommand, { Bucket: 'e2e-empty' });
        await refuses(send(s3.HeadBucketCommand, { Bucket: 'e2e-empty' }), 'NotFound', { status: 404 });
    });

    await t.test('what is not built says so', async () => {
        await refuses(send(s3.GetObjectLegalHoldCommand, { Bucket, Key: 'lock' }), 'NotImplemented', { status: 501 });
    });

    await t.test('a body cut off in the middle leaves nothing', async () => {
        const net = await import('node:net');
        const before = await send(s3.ListObjectsV2Command, { Bucket, Prefix: 'cut' });
        assert.equal(before.KeyCount, 0);
        const command = new s3.PutObjectCommand({ Bucket, Key: 'cut', Body: Buffer.alloc(1 << 20) });
        let head = '';
        command.middlewareStack.add((next) => async (args) => {
            const { request } = args;
            head = `PUT ${request.path} HTTP/1.1\r\n${Object.entries(request.headers)
                .map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
            return next(args);
        }, { step: 'finalizeRequest', priority: 'low' });
        await client.send(command);
        await send(s3.DeleteObjectCommand, { Bucket, Key: 'cut' });
        const { hostname, port } = new URL(server.url);
        await new Promise((done) => {
            const socket = net.connect(Number(port), hostname, () => {
                socket.write(head);
                socket.write(Buffer.alloc(1000), () => socket.destroy());
            });
            socket.on('close', done);
        });
        const { readdirSync } = await import('node:fs');
        await until('the staged bytes are gone', () => {
            const staged = readdirSync(`${server.dir}/s3`, { recursive: true }).filter((n) => /stage|tmp/.test(n));
            return staged.every((n) => !/[0-9a-f]{16}/.test(n));
        }, { timeout_ms: 10_000 });
        await refuses(send(s3.HeadObjectCommand, { Bucket, Key: 'cut' }), 'NotFound');
    });

    await t.test('the command line copies there and back', { skip: without('aws') }, async () => {
        const sent = await run('aws', ['--endpoint-url', server.url, 's3', 'cp', '-', `s3://${Bucket}/cli`],
            { env: server.env(), input: 'from a pipe' });
        assert.equal(sent.status, 0, sent.stderr);
        const back = await server.aws('shared-services', 's3', 'cp', `s3://${Bucket}/cli`, '-');
        assert.equal(back.stdout, 'from a pipe', back.stderr);
    });
});
