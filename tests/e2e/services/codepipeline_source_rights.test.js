// Whose right it is to read a repository: the pipeline's role needs it for the connection, or for
// the CodeCommit repository, that its source names.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { StartPipelineExecutionCommand } from '@aws-sdk/client-codepipeline';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { until } from '../lib/expect.js';
import { World, stages } from '../lib/release.js';
import { Server, temporary } from '../lib/server.js';

const source = (name, provider, configuration) => ({
    name, runOrder: 1, configuration, inputArtifacts: [], outputArtifacts: [{ name: `${name}Out` }],
    actionTypeId: { category: 'Source', owner: 'AWS', provider, version: '1' },
});

test('rights of sources', async (t) => {
    const dir = join(temporary(t), 'data');
    const server = await Server.start(t, {
        dir, config: `sources:\n  https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/: file://${join(dir, '../git/local')}/{repository}.git\n`,
    });
    const world = await World.make(server);
    const iam = server.client(IAMClient);
    const RoleName = 'app-pipeline';
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'all' }));
    const allow = (...statements) => iam.send(new PutRolePolicyCommand({
        RoleName, PolicyName: 'some', PolicyDocument: JSON.stringify({
            Version: '2012-10-17', Statement: [
                { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::${world.bucket}/*` }, ...statements,
            ].map((s) => ({ Effect: 'Allow', ...s })),
        }),
    }));
    const ended = (name, id) => until(`source ${name}`, async () => {
        const found = (await world.actions(id)).find((a) => a.actionName === name);
        return found && found.status !== 'InProgress' ? found : null;
    });

    await t.test('a role that may use neither connection nor repository gets nothing of them', async () => {
        await allow({ Action: 'codestar-connections:UseConnection', Resource: 'arn:aws:codestar-connections:*:*:connection/another' });
        await world.pipeline([{
            name: 'Source', actions: [
                source('Git', 'CodeStarSourceConnection', { ConnectionArn: world.connectionArn, FullRepositoryId: 'local/app', BranchName: 'main' }),
                source('Commit', 'CodeCommit', { RepositoryName: 'app', BranchName: 'main' }),
            ],
        }, stages.approval()]);
        const id = await world.newest();
        const git = await ended('Git', id);
        assert.equal(git.status, 'Failed');
        assert.equal(git.output.executionResult.errorDetails.code, 'PermissionError');
        assert.match(git.output.executionResult.errorDetails.message, /Unable to use Connection: arn:aws:codestar-connections:.*does not have sufficient permissions/);
        const commit = await ended('Commit', id);
        assert.equal(commit.output.executionResult.errorDetails.code, 'PermissionError');
        assert.match(commit.output.executionResult.errorDetails.message, /codecommit:UploadArchive on resource: arn:aws:codecommit:eu-west-2:111111111111:app/);
    });

    await t.test('the connection may be allowed under either name of its service', async () => {
        for (const name of ['codestar-connections', 'codeconnections']) {
            await allow({ Action: `${name}:UseConnection`, Resource: world.connectionArn },
                { Action: 'codecommit:UploadArchive', Resource: 'arn:aws:codecommit:eu-west-2:111111111111:app' });
            const { pipelineExecutionId: id } = await world.pipelines.send(new StartPipelineExecutionCommand({ name: 'app' }));
            await world.answer(await world.waiting(id));
        }
    });
});
