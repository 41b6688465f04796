// Releases of a small repository through the public API: what moves, what waits, what is refused.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { refuses, until } from '../lib/expect.js';
import { World, buildspec, git, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();

test('a release', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files: { 'message.txt': 'from the trunk\n' } });
    await server.client(SSMClient).send(new PutParameterCommand(
        { Name: '/app/greeting', Value: 'good morning', Type: 'String' }));
    await world.project('app-build', buildspec(
        ['cat message.txt', 'echo "secret $GREETING"', 'export SUMMARY="$(cat message.txt), $CODEBUILD_RESOLVED_SOURCE_VERSION"', 'test -n "$CODEBUILD_BUILD_ARN"'],
        'env:\n  parameter-store:\n    GREETING: /app/greeting\n  exported-variables: [SUMMARY]\n'));
    await world.project('app-deploy', buildspec(['echo "deploying $WHAT"']), { variables: [{ name: 'WHAT', value: 'x' }] });
    await world.pipeline([
        stages.source(world), stages.build('Build', 'app-build'), stages.approval('Approve', { CustomData: 'Look first' }),
        stages.build('Deploy', 'app-deploy', {}, {
            EnvironmentVariables: JSON.stringify([{ name: 'WHAT', value: '#{BuildVariables.SUMMARY}', type: 'PLAINTEXT' }]),
        }),
    ]);
    const commit = await git(world.tree, 'rev-parse', 'HEAD');
    const first = await world.newest();

    await t.test('runs from the commit to the approval by itself', async () => {
        await world.waiting(first);
        const execution = await world.execution(first);
        assert.equal(execution.status, 'InProgress');
        assert.equal(execution.artifactRevisions[0].revisionId, commit);
        assert.match(execution.artifactRevisions[0].revisionSummary, /first/);
        const build = (await world.actions(first)).find((a) => a.actionName === 'Build');
        assert.equal(build.status, 'Succeeded');
        assert.equal(build.output.outputVariables.SUMMARY, `from the trunk, ${commit}`);
        assert.match(build.output.executionResult.externalExecutionId, /^app-build:/);
        const built = await world.built(build.output.executionResult.externalExecutionId);
        assert.equal(built.buildStatus, 'SUCCEEDED');
        assert.equal(built.initiator, 'codepipeline/app');
        const log = await world.log(built);
        assert.match(log, /from the trunk/);
        assert.match(log, /^secret \*\*\*$/m);
        for (const phase of ['SUBMITTED', 'PROVISIONING', 'DOWNLOAD_SOURCE', 'BUILD', 'COMPLETED']) {
            assert.ok(built.phases.some((p) => p.phaseType === phase), `phase ${phase}`);
        }
    });

    await t.test('shows where it stands', async () => {
        const state = await world.state();
        assert.deepEqual(state.stageStates.map((s) => [s.stageName, s.latestExecution?.status]),
            [['Source', 'Succeeded'], ['Build', 'Succeeded'], ['Approve', 'InProgress'], ['Deploy', undefined]]);
        assert.equal(state.stageStates[0].actionStates[0].currentRevision.revisionId, commit);
    });

    await t.test('a wrong token and a strange action are refused; the approval still waits', async () => {
        await refuses(world.answer('00000000-0000-0000-0000-000000000000'), 'InvalidApprovalTokenException', { status: 400 });
        await refuses(world.answer(await world.waiting(first), 'Approved', 'x', 'Deploy'), 'ActionNotFoundException', { status: 400 });
        await world.waiting(first);
    });

    await t.test('goes on when somebody approves, once, and says who', async () => {
        const token = await world.waiting(first);
        const answers = await Promise.allSettled([world.answer(token), world.answer(token)]);
        assert.equal(answers.filter((a) => a.status === 'fulfilled').length, 1);
        const refused = answers.find((a) => a.status === 'rejected').reason;
        assert.equal(refused.name, 'ApprovalAlreadyCompletedException');
        assert.equal(await world.ended(first), 'Succeeded');
        const approval = (await world.actions(first)).find((a) => a.actionName === 'Person');
        assert.match(approval.updatedBy ?? '', /^arn:aws:iam::111111111111:/);
        assert.equal(approval.output.executionResult.externalExecutionSummary, 'looks right');
        const deploy = (await world.actions(first)).find((a) => a.stageName === 'Deploy');
        const built = await world.built(deploy.output.executionResult.externalExecutionId);
        assert.match(await world.log(built), new RegExp(`deploying from the trunk, ${commit}`));
    });

    await t.test('a second commit is found without being told, and a rejection ends it', async () => {
        const second = await world.push('second', { 'message.txt': 'again\n' });
        const id = await world.newest(2);
        const token = await world.waiting(id);
        const execution = await world.execution(id);
        assert.equal(execution.artifactRevisions[0].revisionId, second);
        assert.notEqual(execution.trigger?.triggerType, 'StartPipelineExecution');
        await world.answer(token, 'Rejected', 'not on a Friday');
        assert.equal(await world.ended(id), 'Failed');
        const stage = await world.stage('Approve');
        assert.equal(stage.latestExecution.status, 'Failed');
        assert.match(stage.actionStates[0].latestExecution.summary ?? '', /not on a Friday/);
        await refuses(world.answer(token), 'ApprovalAlreadyCompletedException', { status: 400 });
    });

    await t.test('a failed stage is retried from where it failed', async () => {
        const id = await world.newest(2);
        await refuses(world.pipelines.send(new cp.RetryStageExecutionCommand(
            { pipelineName: 'app', stageName: 'Build', pipelineExecutionId: id, retryMode: 'FAILED_ACTIONS' })),
        'StageNotRetryableException', { status: 400 });
        await world.pipelines.send(new cp.RetryStageExecutionCommand(
            { pipelineName: 'app', stageName: 'Approve', pipelineExecutionId: id, retryMode: 'FAILED_ACTIONS' }));
        await world.answer(await world.waiting(id));
        assert.equal(await world.ended(id), 'Succeeded');
    });

    await t.test('a closed transition holds the release, and the newest one waits', async () => {
        const transition = { pipelineName: 'app', stageName: 'Build', transitionType: 'Inbound' };
        await world.pipelines.send(new cp.DisableStageTransitionCommand({ ...transition, reason: 'freeze' }));
        await world.push('third', { 'message.txt': '3\n' });
        const third = await world.newest(3);
        await until('the third one waits at the stage', async () => {
            const stage = await world.stage('Build');
            return [stage.inboundExecution, ...(stage.inboundExecutions ?? [])].some((e) => e?.pipelineExecutionId === third);
        });
        await world.push('fourth', { 'message.txt': '4\n' });
        const fourth = await world.newest(4);
        assert.equal(await world.ended(third), 'Superseded');
        await world.pipelines.send(new cp.EnableStageTransitionCommand(transition));
        await world.waiting(fourth);
    });

    await t.test('an approval that is passed by a newer release is superseded with it', async () => {
        const fourth = await world.newest(4);
        await world.push('fifth', { 'message.txt': '5\n' });
        const fifth = await world.newest(5);
        // The fourth one holds the approval stage; the fifth waits before it until it is answered.
        await until('the fifth one waits', async () => {
            const stage = await world.stage('Approve');
            return [stage.inboundExecution, ...(stage.inboundExecutions ?? [])].some((e) => e?.pipelineExecutionId === fifth);
        });
        await world.answer(await world.waiting(fourth), 'Rejected', 'an older one');
        assert.equal(await world.ended(fourth), 'Failed');
        await world.waiting(fifth);
    });

    await t.test('a stop waits for what runs or abandons it; both are remembered', async () => {
        const fifth = await world.newest(5);
        await world.pipelines.send(new cp.StopPipelineExecutionCommand(
            { pipelineName: 'app', pipelineExecutionId: fifth, abandon: true, reason: 'enough' }));
        assert.equal(await world.ended(fifth), 'Stopped');
        assert.equal((await world.executions())[0].stopTrigger?.reason, 'enough');
        await refuses(world.pipelines.send(new cp.StopPipelineExecutionCommand(
            { pipelineName: 'app', pipelineExecutionId: fifth, abandon: true })),
        'PipelineExecutionNotStoppableException', { status: 400 });
    });

    await t.test('what a person starts takes the branch as it is', async () => {
        const { pipelineExecutionId } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
        const token = await world.waiting(pipelineExecutionId);
        const execution = await world.execution(pipelineExecutionId);
        assert.equal(execution.trigger.triggerType, 'StartPipelineExecution');
        assert.equal(execution.artifactRevisions[0].revisionId, await git(world.tree, 'rev-parse', 'HEAD'));
        await world.answer(token);
        assert.equal(await world.ended(pipelineExecutionId), 'Succeeded');
    });

    await t.test('an update of the pipeline ends what is under way', async () => {
        const { pipelineExecutionId: id } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
        await world.waiting(id);
        const { pipeline } = await world.pipelines.send(new cp.GetPipelineCommand({ name: 'app' }));
        pipeline.stages[2].actions[0].configuration.CustomData = 'changed';
        await world.pipelines.send(new cp.UpdatePipelineCommand({ pipeline }));
        assert.equal(await world.ended(id), 'Cancelled');
    });

    await t.test('the command line tells the same story', async () => {
        const status = await server.tl('status', '--json');
        assert.equal(status.status, 0, status.stderr);
        JSON.parse(status.stdout);
        const history = JSON.parse((await server.tl('history', '--json')).stdout);
        assert.equal(history.executions[0].id, await world.newest());
        const show = await server.tl('show', first);
        assert.equal(show.status, 0, show.stderr);
        assert.match(show.stdout, /first/);
        const logsOf = await server.tl('logs', first);
        assert.equal(logsOf.status, 0, logsOf.stderr);
        assert.match(logsOf.stdout, /from the trunk/);
    });
});

test('what a build leaves is what the next stage gets', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.project('app-build', buildspec(['echo "made by $CODEBUILD_BUILD_ID" >made.txt'], 'artifacts: {files: made.txt}\n'));
    await world.project('app-deploy', buildspec(['cat made.txt']));
    await world.pipeline([
        stages.source(world), stages.build('Build', 'app-build', { outputArtifacts: [{ name: 'Made' }] }),
        stages.approval(), stages.build('Deploy', 'app-deploy', { inputArtifacts: [{ name: 'Made' }] }),
    ]);
    const of = async (id, stage) => (await world.actions(id)).find((a) => a.stageName === stage);
    const built = async (id, stage) => world.built((await of(id, stage)).output.executionResult.externalExecutionId);

    await t.test('a file from one build to another', async () => {
        const id = await world.newest();
        await world.answer(await world.waiting(id));
        assert.equal(await world.ended(id), 'Succeeded');
        const made = await built(id, 'Build');
        assert.ok((await world.log(await built(id, 'Deploy'))).includes(`\nmade by ${made.id}\n`));
    });
    await t.test('one bit of it that changes in between fails the stage, and nothing of it runs', async () => {
        const { pipelineExecutionId: id } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
        const token = await world.waiting(id);
        const s3 = server.client(S3Client);
        const { s3location: { bucket: Bucket, key: Key } } = (await of(id, 'Build')).output.outputArtifacts[0];
        const bytes = await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body.transformToByteArray();
        bytes[10] ^= 1; // the time of the entry, which no checksum of a zip covers
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: bytes }));
        await world.answer(token);
        assert.equal(await world.ended(id), 'Failed');
        const phase = (await built(id, 'Deploy')).phases.find((p) => p.phaseStatus === 'FAILED');
        assert.equal(phase.phaseType, 'DOWNLOAD_SOURCE');
        assert.match(phase.contexts[0].message, new RegExp(`s3://${Bucket}/${Key} was changed after an action stored it`));
    });
});

test('a stop while a build runs', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const marks = join(server.dir, '..', 'marks');
    await world.project('app-build', buildspec(['echo started', 'while ! aws ssm get-parameter --name /go >/dev/null 2>&1; do sleep 0.2; done', 'echo finished']));
    await world.project('app-deploy', buildspec(['echo never']));
    await world.pipeline([stages.source(world), stages.build('Build', 'app-build'), stages.build('Deploy', 'app-deploy')]);
    assert.ok(!existsSync(marks));
    const running = async (id) => until('the build runs', async () => {
        const action = (await world.actions(id)).find((a) => a.stageName === 'Build');
        const buildId = action?.output?.executionResult?.externalExecutionId;
        if (!buildId) {
            return null;
        }
        const { builds: [build] } = await world.builds.send(new (await import('@aws-sdk/client-codebuild')).BatchGetBuildsCommand({ ids: [buildId] }));
        return build.currentPhase === 'BUILD' ? build : null;
    }, { timeout_ms: 60_000 });

    await t.test('abandoned, the build is killed and the stage is free', async () => {
        const id = await world.newest();
        const build = await running(id);
        await world.pipelines.send(new cp.StopPipelineExecutionCommand(
            { pipelineName: 'app', pipelineExecutionId: id, abandon: true, reason: 'now' }));
        assert.equal(await world.ended(id), 'Stopped');
        const built = await world.built(build.id);
        assert.equal(built.buildStatus, 'STOPPED');
        const action = (await world.actions(id)).find((a) => a.stageName === 'Build');
        assert.equal(action.status, 'Abandoned');
    });

    await t.test('a push while a build runs waits, and the newest of the waiting wins', async () => {
        const { pipelineExecutionId: id } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
        await running(id);
        await world.push('a', { a: 'a' });
        const a = await world.newest(3);
        await until('a waits', async () => (await world.execution(a)).status === 'InProgress'
            && (await world.stage('Source')).latestExecution.pipelineExecutionId === a
            && (await world.stage('Source')).latestExecution.status === 'Succeeded');
        await world.push('b', { b: 'b' });
        const b = await world.newest(4);
        assert.equal(await world.ended(a), 'Superseded');
        await world.pipelines.send(new cp.StopPipelineExecutionCommand(
            { pipelineName: 'app', pipelineExecutionId: id, abandon: false, reason: 'after this' }));
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/go', Value: '1', Type: 'String' }));
        assert.equal(await world.ended(id), 'Stopped');
        const mine = (await world.actions(id)).find((x) => x.stageName === 'Build');
        assert.equal(mine.status, 'Succeeded', 'what ran was let finish');
        assert.ok(!(await world.actions(id)).some((x) => x.stageName === 'Deploy'), 'nothing started after the stop');
        assert.equal(await world.ended(b), 'Succeeded');
    });
});

test('what goes wrong says where', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { commit: false });
    await world.project('app-build', 'buildspec.yml');
    await world.pipeline([stages.source(world), stages.build('Build', 'app-build')]);

    // Pushes a buildspec; the failed build of the execution that this starts.
    let count = 1;
    const broken = async (files, message) => {
        await world.push('next', files);
        count += 1;
        const id = await world.newest(count);
        assert.equal(await world.ended(id), 'Failed');
        const action = (await world.actions(id)).find((a) => a.stageName === 'Build');
        const build = await world.built(action.output.executionResult.externalExecutionId);
        assert.match(build.buildStatus, /FAILED|FAULT|TIMED_OUT/);
        const context = build.phases.flatMap((p) => p.contexts ?? []).map((c) => `${c.statusCode}: ${c.message}`).join('\n');
        assert.match(context, message);
        return { build, context };
    };

    await t.test('a branch without commits fails the source, and names repository and branch', async () => {
        const id = await world.newest();
        assert.equal(await world.ended(id), 'Failed');
        const action = (await world.actions(id))[0];
        assert.match(JSON.stringify(action.output.executionResult ?? action), /main/);
    });
    await t.test('no buildspec', () => broken({ 'README.md': 'x' }, /YAML_FILE_ERROR[\s\S]*(does not exist|no such file|not found)/i));
    await t.test('not YAML', () => broken({ 'buildspec.yml': 'version: 0.2\nphases: [\n' }, /YAML_FILE_ERROR/));
    await t.test('wrong types', () => broken({ 'buildspec.yml': 'version: 0.2\nphases:\n  build:\n    commands: {a: b}\n' }, /YAML_FILE_ERROR/));
    await t.test('an alias bomb', () => {
        let text = 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n';
        for (let i = 1; i < 12; i += 1) {
            text += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(',')}]\n`;
        }
        return broken({ 'buildspec.yml': `${text}version: 0.2\nphases: *a11\n` }, /YAML_FILE_ERROR/);
    });
    await t.test('20,000 levels', () => broken({ 'buildspec.yml': `version: 0.2\nphases: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n` }, /YAML_FILE_ERROR/));
    await t.test('a missing parameter names itself, the account and the role that asked', async () => {
        const { context } = await broken(
            { 'buildspec.yml': buildspec(['true'], 'env:\n  parameter-store:\n    A: /nowhere/$ENV_UNSET/x\n    B: /nowhere/b\n') },
            /\/nowhere\//);
        assert.match(context, /111111111111/);
        assert.match(context, /app-build/);
    });
    await t.test('a secret that does not exist is named', () => broken(
        { 'buildspec.yml': buildspec(['true'], 'env:\n  secrets-manager:\n    A: some:key\n') }, /can't find the specified secret[\s\S]*some:key/));
    await t.test('a command that fails names itself and its status', () => broken(
        { 'buildspec.yml': buildspec(['exit 7']) }, /COMMAND_EXECUTION_ERROR[\s\S]*exit 7[\s\S]*7/));
    await t.test('a role that may not be assumed is named in the log', async () => {
        const { build } = await broken({
            'buildspec.yml': buildspec(['aws sts assume-role --role-arn arn:aws:iam::444444444444:role/nobody --role-session-name build']),
        }, /COMMAND_EXECUTION_ERROR/);
        assert.match(await world.log(build), /AccessDenied[\s\S]*arn:aws:iam::444444444444:role\/nobody/);
    });
    await t.test('a link out of the source is refused, by name', async () => {
        const { rmSync, symlinkSync } = await import('node:fs');
        symlinkSync('/etc/passwd', join(world.tree, 'out'));
        await broken({ 'buildspec.yml': buildspec(['cat out']) }, /link 'out' points out of the folder/);
        rmSync(join(world.tree, 'out'));
    });
    await t.test('the next commit works', async () => {
        await world.push('right', { 'buildspec.yml': buildspec(['echo fine']) });
        count += 1;
        assert.equal(await world.ended(await world.newest(count)), 'Succeeded');
    });
    await t.test('a parameter that is denied says which right is missing', async () => {
        const iam = await import('@aws-sdk/client-iam');
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/closed', Value: 'x', Type: 'String' }));
        await server.client(iam.IAMClient).send(new iam.PutRolePolicyCommand({
            RoleName: 'app-build', PolicyName: 'closed', PolicyDocument: JSON.stringify({
                Version: '2012-10-17',
                Statement: [{ Effect: 'Deny', Action: 'ssm:GetParameters', Resource: 'arn:aws:ssm:*:*:parameter/closed' }],
            }),
        }));
        await broken({ 'buildspec.yml': buildspec(['true'], 'env:\n  parameter-store:\n    A: /closed\n') }, /not authorized to perform: ssm:GetParameters on resource: .*parameter\/closed/);
    });
});
