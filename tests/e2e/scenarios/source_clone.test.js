// CODEBUILD_CLONE_REF: builds of a pipeline that clone the repository instead of unpacking its files.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { StartPipelineExecutionCommand, UpdatePipelineCommand } from '@aws-sdk/client-codepipeline';
import { until } from '../lib/expect.js';
import { GitHost } from '../lib/githost.js';
import { World, buildspec, git, stages } from '../lib/release.js';
import { Server, temporary } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const source = (name, provider, configuration) => ({
    name, runOrder: 1, namespace: name, inputArtifacts: [], outputArtifacts: [{ name: `${name}Out` }],
    actionTypeId: { category: 'Source', owner: 'AWS', provider, version: '1' },
    configuration: { BranchName: 'main', OutputArtifactFormat: 'CODEBUILD_CLONE_REF', ...configuration },
});

test('sources that builds clone', { skip: withoutBuilds() }, async (t) => {
    const dir = join(temporary(t), 'data');
    const server = await Server.start(t, {
        dir, config: `sources:\n  https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/: file://${join(dir, '../git/local')}/{repository}.git\n`,
    });
    const host = await GitHost.start(t);
    const world = await World.make(server);
    const app = await host.repository('team/app', { 'a.txt': 'one\n' });
    await server.tl('connection', 'complete', 'app-trunk', '--url', `${host.url}/{repository}.git`);
    await app.push('second', { 'a.txt': 'two\n' });
    await git(app.tree, 'tag', 'v1');
    await git(app.tree, 'push', '-q', '--tags', 'origin');
    const commands = [
        'echo "here $(pwd)"', 'echo "commits $(git rev-list --count HEAD)"', 'echo "head $(git rev-parse HEAD)"',
        'echo "resolved $CODEBUILD_RESOLVED_SOURCE_VERSION"', 'echo "tag $(git describe --tags --abbrev=0)"',
        'echo "origin $(git remote get-url origin)"', 'cat a.txt', 'echo "side $(git -C "$CODEBUILD_SRC_DIR_CommitOut" rev-list --count HEAD)"',
    ];
    await world.project('app', buildspec(commands));
    await world.pipeline([{
        name: 'Source', actions: [
            source('Commit', 'CodeCommit', { RepositoryName: 'app', PollForSourceChanges: 'false' }),
            source('Git', 'CodeStarSourceConnection', { ConnectionArn: world.connectionArn, FullRepositoryId: 'team/app', DetectChanges: 'false' }),
        ],
    }, stages.build('Build', 'app', { inputArtifacts: [{ name: 'CommitOut' }, { name: 'GitOut' }] }, { PrimarySource: 'GitOut' })]);

    const built = async (id) => {
        const action = await until('the build', async () => {
            const found = (await world.actions(id)).find((a) => a.actionName === 'Build');
            return found?.output.executionResult?.externalExecutionId ? found : null;
        });
        const build = await world.built(action.output.executionResult.externalExecutionId);
        return { build, log: await world.log(build) };
    };

    await t.test('the build has the history, the commit and both repositories', async () => {
        const { build, log } = await built(await world.newest());
        assert.equal(build.buildStatus, 'SUCCEEDED', log);
        const head = await git(app.tree, 'rev-parse', 'HEAD');
        for (const line of ['commits 2', `head ${head}`, `resolved ${head}`, 'tag v1', `origin ${host.url}/team/app.git`, 'two', 'side 1']) {
            assert.ok(log.split('\n').includes(line), `${line} is not in\n${log}`);
        }
        assert.equal(build.resolvedSourceVersion, head);
        assert.equal(build.source.type, 'CODEPIPELINE');
    });

    await t.test('a commit that was asked for is the one that is cloned', async () => {
        const old = await git(app.tree, 'rev-parse', 'HEAD~1');
        const { pipelineExecutionId } = await world.pipelines.send(new StartPipelineExecutionCommand({
            name: 'app', sourceRevisions: [{ actionName: 'Git', revisionType: 'COMMIT_ID', revisionValue: old }],
        }));
        const { build, log } = await built(pipelineExecutionId);
        assert.match(log, new RegExp(`^head ${old}$`, 'm'));
        assert.match(log, /^commits 1$/m);
        assert.match(log, /^one$/m);
        assert.equal(build.resolvedSourceVersion, old);
    });

    await t.test('variables of the action change the build\'s own shell, not the clone', async () => {
        const hostile = {
            LD_PRELOAD: '/nowhere.so', BASH_ENV: '/nowhere', GIT_DIR: '/nowhere', GIT_SSH_COMMAND: 'touch /tmp/canary',
            GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.hooksPath', GIT_CONFIG_VALUE_0: '/nowhere', AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
        };
        await world.project('hostile', buildspec(['echo "endpoint $AWS_ENDPOINT_URL"', 'cat a.txt', 'test ! -e /tmp/canary']));
        await world.pipelines.send(new UpdatePipelineCommand({ pipeline: world.structure([
            { name: 'Source', actions: [source('Git', 'CodeStarSourceConnection', { ConnectionArn: world.connectionArn, FullRepositoryId: 'team/app', DetectChanges: 'false' })] },
            stages.build('Build', 'hostile', { inputArtifacts: [{ name: 'GitOut' }] }, {
                EnvironmentVariables: JSON.stringify(Object.entries(hostile).map(([name, value]) => ({ name, value, type: 'PLAINTEXT' }))),
            }),
        ]) }));
        const { pipelineExecutionId } = await world.pipelines.send(new StartPipelineExecutionCommand({ name: 'app' }));
        const { build, log } = await built(pipelineExecutionId);
        assert.equal(build.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^endpoint http:\/\/127.0.0.1:9$/m);
        assert.match(log, /^two$/m);
        assert.ok(!existsSync('/tmp/canary'));
    });
});
