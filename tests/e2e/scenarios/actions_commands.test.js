// Compute/Commands: commands without a project, with the rights of the pipeline's or the action's role.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import * as cp from '@aws-sdk/client-codepipeline';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { until } from '../lib/expect.js';
import { World, action, everything, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const commands = (name, list, extra = {}) => ({ ...action('Compute', 'Commands', {}), name, commands: list, ...extra });
const stage = (name, ...actions) => ({ name, actions });

test('commands as an action', { skip }, async (t) => {
    const server = await Server.start(t);
    const w = await World.make(server, { files: { 'message.txt': 'from the trunk\n' } });
    await server.client(SecretsManagerClient).send(new CreateSecretCommand({ Name: 'app/secret', SecretString: 'hush-hush-22' }));
    const find = async (id, name) => (await w.actions(id)).find((a) => a.actionName === name);
    const release = async (...list) => {
        await w.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: w.structure([stages.source(w), ...list]) }));
        return (await w.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    await w.pipeline([stages.source(w),
        stage('Make', commands('Make', [
            'cd "$CODEBUILD_SRC_DIR" && word=kept', 'mkdir -p out/deep && echo "$word for #{SourceVariables.BranchName}" >out/deep/a.txt && echo no >out/b.log',
            'export SAID="$(cat message.txt) by $WHO" SECRET_LENGTH="${#SECRET}"', 'echo "the secret is $SECRET"',
            'export WHO_AM_I="$(aws sts get-caller-identity --query Arn --output text)"',
        ], {
            namespace: 'Make', outputVariables: ['SAID', 'SECRET_LENGTH', 'WHO_AM_I', 'CODEBUILD_BUILD_ID'],
            environmentVariables: [{ name: 'WHO', value: '#{SourceVariables.CommitId}', type: 'PLAINTEXT' }, { name: 'SECRET', value: 'app/secret', type: 'SECRETS_MANAGER' }],
            outputArtifacts: [{ name: 'Out', files: ['out/**/*.txt'] }],
        })),
        stage('Use', commands('Use', ['find . -type f | sort', 'cat out/deep/a.txt', 'echo "$SAID"', 'ls $CODEBUILD_SRC_DIR_Source'], {
            inputArtifacts: [{ name: 'Out' }, { name: 'Source' }],
            environmentVariables: [{ name: 'SAID', value: '#{Make.SAID}' }],
        })),
    ]);

    await t.test('run one after the other in one place, and leave variables and files', async () => {
        const id = await w.newest();
        assert.equal(await w.ended(id), 'Succeeded', JSON.stringify((await w.stage('Make')).actionStates));
        const commit = (await w.execution(id)).artifactRevisions[0].revisionId;
        const made = await find(id, 'Make');
        const { outputVariables: vars, executionResult: result } = made.output;
        assert.equal(vars.SAID, `from the trunk by ${commit}`);
        assert.equal(vars.SECRET_LENGTH, '12');
        assert.match(vars.WHO_AM_I, /assumed-role\/app-pipeline\/AWSCodeBuild-/);
        assert.equal(vars.CODEBUILD_BUILD_ID, result.externalExecutionId);
        const uuid = result.externalExecutionId.split(':')[1];
        const { events } = await server.client(logs.CloudWatchLogsClient).send(new logs.GetLogEventsCommand(
            { logGroupName: '/aws/codepipeline/app', logStreamName: uuid, startFromHead: true }));
        const log = events.map((e) => e.message).join('');
        assert.match(log, /the secret is \*\*\*/);
        assert.doesNotMatch(log, /hush-hush/);
        assert.match(result.logStreamARN ?? '', /log-group:\/aws\/codepipeline\/app:log-stream:/);
        const used = await w.log(await w.built((await find(id, 'Use')).output.executionResult.externalExecutionId));
        assert.match(used, /\n\.\/out\/deep\/a\.txt\n/);
        assert.doesNotMatch(used, /b\.log/);
        assert.match(used, /\nkept for main\n/);
        assert.match(used, new RegExp(`from the trunk by ${commit}`));
        assert.match(used, /\nmessage\.txt\n/);
    });
    await t.test('end at the first one that fails', async () => {
        const id = await release(stage('Make', commands('Make', ['echo before', 'false', 'aws ssm put-parameter --name /after --value x --type String'])));
        assert.equal(await w.ended(id), 'Failed');
        const { latestExecution: state } = (await w.stage('Make')).actionStates[0];
        assert.equal(state.errorDetails.code, 'JobFailed');
        assert.match(state.errorDetails.message, /^Build terminated with state: FAILED.*false/s);
        const log = await w.log(await w.built(state.externalExecutionId));
        assert.match(log, /before/);
        assert.doesNotMatch(log, /put-parameter/);
    });
    await t.test('die when they are abandoned', async () => {
        const id = await release(stage('Make', commands('Make', ['while true; do sleep 1; done'])));
        const external = await until('the commands run', async () => {
            const got = (await find(id, 'Make'))?.output?.executionResult?.externalExecutionId;
            const build = got && (await w.builds.send(new cb.BatchGetBuildsCommand({ ids: [got] }))).builds[0];
            return build?.currentPhase === 'BUILD' ? got : null;
        });
        await w.pipelines.send(new cp.StopPipelineExecutionCommand({ pipelineName: 'app', pipelineExecutionId: id, abandon: true }));
        assert.equal(await w.ended(id), 'Stopped');
        assert.equal((await w.built(external)).buildStatus, 'STOPPED');
    });
    await t.test('of an unset variable do not run', async () => {
        const id = await release(stage('Make', commands('Make', ['echo #{SourceVariables.Nope}'])));
        assert.equal(await w.ended(id), 'Failed');
        const { errorDetails } = (await w.stage('Make')).actionStates[0].latestExecution;
        assert.equal(errorDetails.code, 'ConfigurationError');
        assert.match(errorDetails.message, /#\{SourceVariables.Nope\} is not set/);
    });
    await t.test('act as the role of the action, through that of the pipeline', async () => {
        const there = server.client(IAMClient, 'development');
        await there.send(new CreateRoleCommand({
            RoleName: 'runner', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111111111111:role/app-pipeline' }, Action: 'sts:AssumeRole' }] }),
        }));
        await there.send(new PutRolePolicyCommand({ RoleName: 'runner', PolicyName: 'all', PolicyDocument: everything }));
        const roleArn = `arn:aws:iam::${ACCOUNTS.development}:role/runner`;
        await server.client(S3Client).send(new PutBucketPolicyCommand({
            Bucket: w.bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: roleArn }, Action: 's3:*', Resource: [`arn:aws:s3:::${w.bucket}`, `arn:aws:s3:::${w.bucket}/*`] }] }),
        }));
        const id = await release(stage('Make', commands('Make', ['export ME="$(aws sts get-caller-identity --query Arn --output text)"'], { roleArn, outputVariables: ['ME'], namespace: 'Make' })));
        assert.equal(await w.ended(id), 'Succeeded', JSON.stringify((await w.stage('Make')).actionStates));
        assert.match((await find(id, 'Make')).output.outputVariables.ME, new RegExp(`^arn:aws:sts::${ACCOUNTS.development}:assumed-role/runner/`));
    });
});
