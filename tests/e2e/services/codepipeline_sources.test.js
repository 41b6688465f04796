// Sources of pipelines: S3, CodeCommit, several at once, revisions that are asked for, and what of a
// repository starts a release. The second stage is an approval: nothing is built here.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { CreateBucketCommand, GetObjectCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { refuses, until } from '../lib/expect.js';
import { World, git, stages } from '../lib/release.js';
import { Server, temporary } from '../lib/server.js';

const action = (name, provider, configuration, extra = {}) => ({
    name, runOrder: 1, namespace: name, configuration, inputArtifacts: [], outputArtifacts: [{ name: `${name}Out` }],
    actionTypeId: { category: 'Source', owner: 'AWS', provider, version: '1' }, ...extra,
});
const sources = (...actions) => ({ name: 'Source', actions });

// Executions of the world's pipeline, oldest first, once there are `n`; no more than that.
async function started(world, n) {
    await world.newest(n);
    const all = (await world.executions()).reverse();
    assert.equal(all.length, n, JSON.stringify(all.map((e) => e.trigger)));
    return all;
}

const taken = (world, id, name) => until(`source ${name} of ${id}`, async () => {
    const found = (await world.actions(id)).find((a) => a.actionName === name);
    return found && found.status !== 'InProgress' ? found : null;
});

test('sources', async (t) => {
    const dir = join(temporary(t), 'data');
    const root = join(dir, '../git/local');
    const server = await Server.start(t, {
        dir, config: `sources:\n  https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/: file://${root}/{repository}.git\n`,
    });
    const world = await World.make(server);
    const s3 = server.client(S3Client);
    const send = (Command, input) => world.pipelines.send(new Command(input));
    const put = async (Key, Body, Metadata) => (await s3.send(new PutObjectCommand({ Bucket: 'drops', Key, Body, Metadata }))).VersionId;
    await s3.send(new CreateBucketCommand({ Bucket: 'drops', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'drops', VersioningConfiguration: { Status: 'Enabled' } }));
    await s3.send(new CreateBucketCommand({ Bucket: 'plain', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    let first;
    let id;

    await t.test('three sources of three providers run at once, each with its revision and variables', async () => {
        first = await put('app.zip', 'zip one', { 'codepipeline-artifact-revision-summary': 'release 1' });
        await world.pipeline([sources(
            action('Git', 'CodeStarSourceConnection', { ConnectionArn: world.connectionArn, FullRepositoryId: 'local/app', BranchName: 'main' }),
            action('Commit', 'CodeCommit', { RepositoryName: 'app', BranchName: 'main' }),
            action('Drop', 'S3', { S3Bucket: 'drops', S3ObjectKey: 'app.zip', AllowOverrideForS3ObjectKey: 'true' }),
        ), stages.approval()]);
        id = await world.newest();
        await world.waiting(id);
        const head = await git(world.tree, 'rev-parse', 'HEAD');
        const { artifactRevisions } = await world.execution(id);
        const by = Object.fromEntries(artifactRevisions.map((r) => [r.name, r]));
        assert.equal(artifactRevisions.length, 3);
        assert.equal(by.GitOut.revisionId, head);
        assert.match(by.GitOut.revisionSummary, /^first/);
        assert.equal(by.CommitOut.revisionId, head);
        assert.equal(by.DropOut.revisionId, first);
        assert.equal(by.DropOut.revisionSummary, 'release 1');
        assert.ok(by.DropOut.created instanceof Date);
        const [summary] = await world.executions();
        assert.deepEqual(summary.sourceRevisions.map((r) => [r.actionName, r.revisionId]).sort(),
            [['Commit', head], ['Drop', first], ['Git', head]]);
        const outputs = Object.fromEntries((await world.actions(id)).map((a) => [a.actionName, a.output.outputVariables]));
        assert.deepEqual(Object.keys(outputs.Git).sort(),
            ['AuthorDate', 'BranchName', 'CommitId', 'CommitMessage', 'ConnectionArn', 'FullRepositoryName']);
        assert.deepEqual(Object.keys(outputs.Commit).sort(),
            ['AuthorDate', 'BranchName', 'CommitId', 'CommitMessage', 'CommitterDate', 'RepositoryName']);
        assert.deepEqual({ ...outputs.Drop, ETag: '' }, { BucketName: 'drops', ETag: '', ObjectKey: 'app.zip', VersionId: first });
        assert.match(outputs.Drop.ETag, /[0-9a-f]{32}/);
        const state = await world.stage('Source');
        assert.equal(state.actionStates.find((a) => a.actionName === 'Drop').currentRevision.revisionId, first);
    });

    await t.test('an S3 artifact is the object, byte by byte', async () => {
        const drop = await taken(world, id, 'Drop');
        const { bucket: Bucket, key: Key } = drop.output.outputArtifacts[0].s3location;
        assert.equal(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToString(), 'zip one');
    });

    await t.test('a new version of the object, and a new commit, each start one release of exactly that', async () => {
        const second = await put('app.zip', 'zip two');
        const [, byObject] = await started(world, 2);
        assert.equal(byObject.trigger.triggerType, 'PollForSourceChanges');
        const drop = await taken(world, byObject.pipelineExecutionId, 'Drop');
        assert.equal(drop.output.outputVariables.VersionId, second);
        assert.equal(drop.output.executionResult.externalExecutionSummary, `Amazon S3 version id: ${second}`);
        const commit = await world.push('both of them', { a: '1' });
        // the connection and CodeCommit are the same repository here: each tells of it
        const all = await started(world, 4);
        assert.deepEqual(all.slice(2).map((e) => e.trigger.triggerType).sort(), ['PollForSourceChanges', 'WebhookV2']);
        const hooked = all.find((e) => e.trigger.triggerType === 'WebhookV2');
        const detail = JSON.parse(hooked.trigger.triggerDetail);
        assert.equal(detail.CommitId, commit);
        assert.equal(detail.BranchName, 'main');
        assert.equal(detail.FullRepositoryName, 'local/app');
        assert.equal(detail.CommitMessage, 'both of them');
    });

    const start = (...sourceRevisions) => send(cp.StartPipelineExecutionCommand, { name: 'app', sourceRevisions });
    const override = (actionName, revisionType, revisionValue) => ({ actionName, revisionType, revisionValue });

    await t.test('a start takes the revisions that it names', async () => {
        const old = await git(world.tree, 'rev-parse', 'HEAD~1');
        const other = await put('other.zip', 'zip other');
        const { pipelineExecutionId } = await start(override('Git', 'COMMIT_ID', old), override('Drop', 'S3_OBJECT_KEY', 'other.zip'));
        assert.equal((await taken(world, pipelineExecutionId, 'Git')).output.outputVariables.CommitId, old);
        assert.notEqual((await taken(world, pipelineExecutionId, 'Commit')).output.outputVariables.CommitId, old);
        const drop = (await taken(world, pipelineExecutionId, 'Drop')).output.outputVariables;
        assert.equal(drop.ObjectKey, 'other.zip');
        assert.equal(drop.VersionId, other);
        const again = await start(override('Drop', 'S3_OBJECT_VERSION_ID', first));
        assert.equal((await taken(world, again.pipelineExecutionId, 'Drop')).output.outputVariables.VersionId, first);
    });

    await t.test('revisions that cannot be are refused', async () => {
        const refused = (message, ...revisions) => refuses(start(...revisions), 'ValidationException', { message });
        await refused(/no source action/, override('Nobody', 'COMMIT_ID', 'a'.repeat(40)));
        await refused(/no commit/, override('Git', 'COMMIT_ID', '--upload-pack=touch /tmp/x'));
        await refused(/no commit/, override('Git', 'COMMIT_ID', 'main'));
        await refused(/not one of the provider/, override('Git', 'S3_OBJECT_KEY', 'x'));
        await refused(/not one of the provider/, override('Drop', 'IMAGE_DIGEST', 'sha256:0'));
        await refused(/two revisions/, override('Git', 'COMMIT_ID', 'a'.repeat(40)), override('Git', 'COMMIT_ID', 'b'.repeat(40)));
        const gone = await start(override('Git', 'COMMIT_ID', 'a'.repeat(40)));
        const failed = await taken(world, gone.pipelineExecutionId, 'Git');
        assert.equal(failed.status, 'Failed');
        assert.match(failed.output.executionResult.errorDetails.message, /has no commit aaaa/);
    });

    const putRevision = (revisionId, extra = {}) => send(cp.PutActionRevisionCommand, {
        pipelineName: 'app', stageName: 'Source', actionName: 'Git',
        actionRevision: { revisionId, revisionChangeId: '1', created: new Date() }, ...extra,
    });

    await t.test('PutActionRevision starts a release of a revision that is new', async () => {
        await git(world.tree, 'checkout', '-q', '-b', 'side');
        const side = await world.push('on the side', { side: '1' }, 'side');
        await git(world.tree, 'checkout', '-q', 'main');
        const made = await putRevision(side);
        assert.equal(made.newRevision, true);
        assert.equal((await taken(world, made.pipelineExecutionId, 'Git')).output.outputVariables.CommitId, side);
        assert.equal((await world.execution(made.pipelineExecutionId)).trigger.triggerType, 'PutActionRevision');
        assert.deepEqual(await putRevision(side).then(({ newRevision, pipelineExecutionId }) => ({ newRevision, pipelineExecutionId })),
            { newRevision: false, pipelineExecutionId: made.pipelineExecutionId });
        await refuses(putRevision(side, { pipelineName: 'none' }), 'PipelineNotFoundException');
        await refuses(putRevision(side, { stageName: 'None' }), 'StageNotFoundException');
        await refuses(putRevision(side, { actionName: 'None' }), 'ActionNotFoundException');
        await refuses(putRevision(side, { stageName: 'Approve', actionName: 'Person' }), 'ValidationException');
    });

    await t.test('images are no source here', async () => {
        await refuses(send(cp.UpdatePipelineCommand, { pipeline: world.structure([sources(
            action('Image', 'ECR', { RepositoryName: 'app', ImageTag: 'latest' }),
        ), stages.approval()]) }), 'InvalidActionDeclarationException', { message: /Source\/AWS\/ECR is not available here/ });
    });

    await t.test('what cannot be taken says so', async () => {
        const count = (await world.executions()).length;
        await send(cp.UpdatePipelineCommand, { pipeline: world.structure([sources(
            action('Plain', 'S3', { S3Bucket: 'plain', S3ObjectKey: 'app.zip', PollForSourceChanges: 'false' }),
            action('Unmapped', 'CodeCommit', { RepositoryName: '../etc', BranchName: 'main', PollForSourceChanges: 'false' }),
        ), stages.approval()]) });
        await s3.send(new PutObjectCommand({ Bucket: 'plain', Key: 'app.zip', Body: 'x' }));
        const { pipelineExecutionId } = await start();
        const plain = await taken(world, pipelineExecutionId, 'Plain');
        assert.match(plain.output.executionResult.errorDetails.message, /enable versioning/);
        const unmapped = await taken(world, pipelineExecutionId, 'Unmapped');
        assert.match(unmapped.output.executionResult.errorDetails.message, /no repository name/);
        assert.equal((await world.executions()).length, count + 1);
    });
});

test('triggers', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { name: 'repo' });
    const trigger = (gitConfiguration) => ({ providerType: 'CodeStarSourceConnection', gitConfiguration: { sourceActionName: 'Trunk', ...gitConfiguration } });
    const names = async () => (await world.executions()).reverse().map((e) => {
        const detail = e.trigger.triggerType === 'WebhookV2' ? JSON.parse(e.trigger.triggerDetail) : {};
        return detail.TagName ? `tag ${detail.TagName}` : detail.BranchName ?? e.trigger.triggerType;
    });

    await t.test('branches and tags start by their filters, with that commit and branch', async () => {
        await world.push('v1 to be', { a: '1' }, 'release/1');
        await git(world.tree, 'push', '-q', 'origin', 'HEAD:main');
        await world.pipeline([stages.source(world), stages.approval()], { triggers: [trigger({
            push: [{ branches: { includes: ['release/*'], excludes: ['release/old*'] }, filePaths: { excludes: ['docs/**'] } }, { tags: { includes: ['v*'] } }],
        })] });
        await world.waiting(await world.newest());
        const commit = await world.push('code', { b: '1' }, 'release/1');
        const id = await world.newest(2);
        const variables = (await taken(world, id, 'Trunk')).output.outputVariables;
        assert.equal(variables.CommitId, commit);
        assert.equal(variables.BranchName, 'release/1');
        await world.push('documents only', { 'docs/x': '1' }, 'release/1');
        await git(world.tree, 'push', '-q', 'origin', 'HEAD:main', 'HEAD:release/old1');
        await git(world.tree, 'tag', 'x1');
        await git(world.tree, 'tag', '-am', 'annotated', 'v1');
        await git(world.tree, 'push', '-q', '--tags', 'origin');
        await world.newest(3);
        assert.deepEqual(await names(), ['CreatePipeline', 'release/1', 'tag v1']);
        const tagged = await world.execution(await world.newest(3));
        assert.equal(JSON.parse(tagged.trigger.triggerDetail).CommitId, await git(world.tree, 'rev-parse', 'v1^{commit}'));
    });

    await t.test('a restart misses nothing and starts nothing twice', async () => {
        await server.stop();
        await world.push('while nobody looked', { c: '1' }, 'release/1');
        await server.launch();
        await world.newest(4);
        assert.deepEqual((await names()).slice(3), ['release/1']);
    });

    await t.test('a commit message is text, whatever it holds', async () => {
        const message = '$(touch /tmp/x) `id` \u001b[31mred\u001b[0m "quoted" \\ #{variables.x}';
        await world.push(message, { d: '1' }, 'release/1');
        const id = await world.newest(5);
        await taken(world, id, 'Trunk');
        const { artifactRevisions, trigger: told } = await world.execution(id);
        assert.equal(artifactRevisions[0].revisionSummary, message);
        assert.equal(JSON.parse(told.triggerDetail).CommitMessage, message);
    });

    await t.test('broken filters and branch names that are options are refused or harmless', async () => {
        const update = (gitConfiguration, source = stages.source(world)) => world.pipelines.send(new cp.UpdatePipelineCommand({
            pipeline: world.structure([source, stages.approval()], { triggers: [trigger(gitConfiguration)] }),
        }));
        await refuses(update({ push: [{ branches: { includes: ['a['] } }] }), 'InvalidStructureException', { message: /has no '\]'/ });
        await refuses(update({ push: [{ tags: { includes: ['{a,{b}}'] } }] }), 'InvalidStructureException');
        const source = stages.source(world);
        source.actions[0].configuration.BranchName = '--upload-pack=touch x';
        await update({ push: [{ branches: { includes: ['main'] } }] }, source);
        const { pipelineExecutionId } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'repo' }));
        assert.equal(await world.ended(pipelineExecutionId), 'Failed');
    });
});
