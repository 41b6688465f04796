// Deploy/S3: what an artifact becomes in a bucket, with the AWS SDK on an embedded account.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
    CreateBucketCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutBucketPolicyCommand, S3Client,
} from '@aws-sdk/client-s3';
import * as cp from '@aws-sdk/client-codepipeline';
import { World, everything, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';

const files = { 'index.html': '<h1>hi</h1>\n', 'css/site.css': 'h1 {}\n', 'data/blob': '\x00\x01' };

async function bucket(server, Bucket, account) {
    const s3 = server.client(S3Client, account);
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    return s3;
}

test('a deployment to S3', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files });
    const s3 = await bucket(server, 'app-site');
    const { KeyMetadata: { Arn: key } } = await server.client(KMSClient).send(new CreateKeyCommand({}));
    const deploy = (configuration) => stages.action('Deploy', 'S3', { BucketName: 'app-site', ...configuration });
    const redefine = async (configuration) => {
        await world.pipelines.send(new cp.UpdatePipelineCommand(
            { pipeline: world.structure([stages.source(world), deploy(configuration)]) }));
        const { pipelineExecutionId } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
        return pipelineExecutionId;
    };
    const only = async (id) => (await world.actions(id)).find((a) => a.stageName === 'Deploy');
    const text = async (Key) => (await s3.send(new GetObjectCommand({ Bucket: 'app-site', Key }))).Body.transformToString();
    await world.pipeline([stages.source(world), deploy({
        Extract: 'true', ObjectKey: 'v/#{SourceVariables.CommitId}', CacheControl: 'max-age=60', CannedACL: 'bucket-owner-full-control',
        KMSEncryptionKeyARN: key,
    })]);

    await t.test('file by file, with the key resolved, cached and encrypted as asked', async () => {
        const id = await world.newest();
        assert.equal(await world.ended(id), 'Succeeded');
        const commit = (await world.execution(id)).artifactRevisions[0].revisionId;
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'app-site' }));
        assert.deepEqual(Contents.map((o) => o.Key),
            ['README.md', 'css/site.css', 'data/blob', 'index.html'].map((k) => `v/${commit}/${k}`));
        assert.equal(await text(`v/${commit}/index.html`), files['index.html']);
        const head = await s3.send(new HeadObjectCommand({ Bucket: 'app-site', Key: `v/${commit}/css/site.css` }));
        assert.deepEqual([head.ContentType, head.CacheControl, head.ServerSideEncryption, head.SSEKMSKeyId],
            ['text/css', 'max-age=60', 'aws:kms', key]);
        const action = await only(id);
        assert.equal(action.input.resolvedConfiguration.ObjectKey, `v/${commit}`);
        assert.equal(action.input.inputArtifacts[0].name, 'Source');
    });
    await t.test('as one object', async () => {
        const id = await redefine({ Extract: 'false', ObjectKey: 'app.zip' });
        assert.equal(await world.ended(id), 'Succeeded');
        const head = await s3.send(new HeadObjectCommand({ Bucket: 'app-site', Key: 'app.zip' }));
        assert.equal(head.ContentType, 'application/zip');
        const body = (await s3.send(new GetObjectCommand({ Bucket: 'app-site', Key: 'app.zip' }))).Body;
        assert.equal(Buffer.from(await body.transformToByteArray()).subarray(0, 2).toString(), 'PK');
    });
    for (const [name, configuration, message, code] of [
        ['a variable that nothing sets', { Extract: 'true', ObjectKey: '#{SourceVariables.Nope}' }, /#\{SourceVariables.Nope\} is not set/, 'ConfigurationError'],
        ['a bucket that is not there', { Extract: 'true', BucketName: 'no-such-bucket-here' }, /no-such-bucket-here/, undefined],
    ]) {
        await t.test(`fails with a reason: ${name}`, async () => {
            const id = await redefine(configuration);
            assert.equal(await world.ended(id), 'Failed');
            const { errorDetails, executionResult } = { ...(await only(id)).output };
            const state = (await world.stage('Deploy')).actionStates[0].latestExecution;
            assert.match(state.errorDetails.message, message);
            assert.match(executionResult?.externalExecutionSummary ?? errorDetails?.message ?? state.summary, message);
            if (code) {
                assert.equal(state.errorDetails.code, code);
            }
        });
    }
});

test('a deployment to another account', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files });
    const there = server.client(IAMClient, 'production');
    await bucket(server, 'prod-site', 'production');
    await there.send(new CreateRoleCommand({
        RoleName: 'deployer', AssumeRolePolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNTS['shared-services']}:role/app-pipeline` }, Action: 'sts:AssumeRole' }],
        }),
    }));
    await there.send(new PutRolePolicyCommand({ RoleName: 'deployer', PolicyName: 'all', PolicyDocument: everything }));
    const roleArn = `arn:aws:iam::${ACCOUNTS.production}:role/deployer`;
    await server.client(S3Client).send(new PutBucketPolicyCommand({
        Bucket: world.bucket, Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { AWS: roleArn }, Action: 's3:*', Resource: [`arn:aws:s3:::${world.bucket}`, `arn:aws:s3:::${world.bucket}/*`] }],
        }),
    }));
    await world.pipeline([stages.source(world),
        stages.action('Deploy', 'S3', { BucketName: 'prod-site', Extract: 'true' }, { roleArn })]);
    assert.equal(await world.ended(await world.newest()), 'Succeeded');
    const got = await server.client(S3Client, 'production').send(new GetObjectCommand({ Bucket: 'prod-site', Key: 'index.html' }));
    assert.equal(await got.Body.transformToString(), files['index.html']);
});
