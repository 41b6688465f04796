// Actions in two regions: artifacts travel from store to store, encrypted with each one's key.
import assert from 'node:assert/strict';
import test from 'node:test';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as cb from '@aws-sdk/client-codebuild';
import { IMAGE, World, action, buildspec, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const FAR = 'us-east-1';

test('a pipeline of two regions', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const w = await World.make(server, { files: { 'a.txt': 'from the trunk\n' } });
    const key = async (region) => (await server.client(KMSClient, 'shared-services', { region }).send(new CreateKeyCommand({}))).KeyMetadata.Arn;
    const s3 = (region) => server.client(S3Client, 'shared-services', { region });
    await s3(FAR).send(new CreateBucketCommand({ Bucket: 'app-far' }));
    await s3('eu-west-2').send(new CreateBucketCommand({ Bucket: 'app-site', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    const keys = { 'eu-west-2': await key('eu-west-2'), [FAR]: await key(FAR) };
    const store = (location, region) => ({ type: 'S3', location, encryptionKey: { id: keys[region], type: 'KMS' } });
    await server.client(cb.CodeBuildClient, 'shared-services', { region: FAR }).send(new cb.CreateProjectCommand({
        name: 'far', serviceRole: 'arn:aws:iam::111111111111:role/app-build', artifacts: { type: 'CODEPIPELINE' },
        source: { type: 'CODEPIPELINE', buildspec: buildspec(['echo "$(cat a.txt) in $AWS_REGION" >b.txt'], 'artifacts: {files: b.txt}\n') },
        environment: { type: 'LINUX_CONTAINER', image: IMAGE, computeType: 'BUILD_GENERAL1_SMALL' },
    }));
    await w.pipeline([stages.source(w),
        { name: 'Far', actions: [{ ...action('Build', 'CodeBuild', { ProjectName: 'far' }), name: 'Far', region: FAR, outputArtifacts: [{ name: 'Made' }] }] },
        stages.action('Deploy', 'S3', { BucketName: 'app-site', Extract: 'true' }, { inputArtifacts: [{ name: 'Made' }] }),
    ], { artifactStore: undefined, artifactStores: { 'eu-west-2': store(w.bucket, 'eu-west-2'), [FAR]: store('app-far', FAR) } });
    const id = await w.newest();
    assert.equal(await w.ended(id), 'Succeeded', JSON.stringify((await w.state()).stageStates.map((s) => s.actionStates)));
    const actions = await w.actions(id);
    const of = (stage) => actions.find((a) => a.stageName === stage);
    const at = (o) => o.s3location;
    assert.equal(at(of('Source').output.outputArtifacts[0]).bucket, w.bucket);
    assert.equal(at(of('Far').input.inputArtifacts[0]).bucket, 'app-far');
    assert.equal(at(of('Far').output.outputArtifacts[0]).bucket, 'app-far');
    assert.equal(at(of('Deploy').input.inputArtifacts[0]).bucket, w.bucket);
    assert.equal(of('Far').input.region, FAR);
    for (const [region, place] of [['eu-west-2', at(of('Source').output.outputArtifacts[0])], [FAR, at(of('Far').input.inputArtifacts[0])],
        [FAR, at(of('Far').output.outputArtifacts[0])], ['eu-west-2', at(of('Deploy').input.inputArtifacts[0])]]) {
        const head = await s3(region).send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }));
        assert.equal(head.SSEKMSKeyId, keys[region], `${place.bucket}/${place.key}`);
    }
    const got = await s3('eu-west-2').send(new GetObjectCommand({ Bucket: 'app-site', Key: 'b.txt' }));
    assert.equal(await got.Body.transformToString(), `from the trunk in ${FAR}\n`);
});
