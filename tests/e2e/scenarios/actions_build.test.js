// Build and Test/CodeBuild with everything that their configuration knows.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import * as cp from '@aws-sdk/client-codepipeline';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { IMAGE, World, action, buildspec, everything, makeRoles, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const build = (name, configuration, extra = {}) => ({ ...action('Build', 'CodeBuild', configuration), name, ...extra });
const stage = (name, ...actions) => ({ name, actions });
const outputs = (...names) => names.map((name) => ({ name }));

async function world(t, files) {
    const server = await Server.start(t);
    const made = await World.make(server, { files });
    made.release = async (...list) => {
        await made.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: made.structure([stages.source(made), ...list]) }));
        return (await made.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    made.action = async (id, name) => (await made.actions(id)).find((a) => a.actionName === name);
    made.built1 = async (id, name) => made.built((await made.action(id, name)).output.executionResult.externalExecutionId);
    made.why = async (id, stageName) => {
        const states = (await made.stage(stageName)).actionStates;
        return states.map((a) => a.latestExecution?.errorDetails?.message).find(Boolean);
    };
    return made;
}

test('a build with several inputs and outputs, variables and overrides', { skip }, async (t) => {
    const w = await world(t, { 'other.yml': buildspec(['echo "from other.yml in $(basename "$PWD")"', 'cat "$CODEBUILD_SRC_DIR_One/one.txt"']) });
    const { server } = w;
    await server.client(SSMClient).send(new PutParameterCommand({ Name: '/app/word', Value: 'param', Type: 'String' }));
    await server.client(SecretsManagerClient).send(new CreateSecretCommand({ Name: 'app/secret', SecretString: '{"key":"hush-hush-1"}' }));
    await makeRoles(server, { 'app-other': 'codebuild' });
    await w.project('make', buildspec(['echo 1 >one.txt', 'echo 2 >two.txt', 'export SAID="[$PLAIN|$PARAM]" ROLE="$(aws sts get-caller-identity --query Arn --output text)"', 'test "$SECRET" = hush-hush-1'],
        'env:\n  exported-variables: [SAID, ROLE]\nartifacts:\n  secondary-artifacts:\n    One: {files: one.txt}\n    Two: {files: two.txt}\n'),
    { variables: [{ name: 'PLAIN', value: 'of the project' }] });
    await w.project('use', buildspec(['false']));
    await w.pipeline([stages.source(w),
        stage('Make', build('Make', {
            ProjectName: 'make', ServiceRoleArnOverride: 'arn:aws:iam::111111111111:role/app-other',
            EnvironmentVariables: JSON.stringify([
                { name: 'PLAIN', value: '#{SourceVariables.CommitMessage}' },
                { name: 'PARAM', value: '/app/word', type: 'PARAMETER_STORE' },
                { name: 'SECRET', value: 'app/secret:key', type: 'SECRETS_MANAGER' },
            ]),
        }, { outputArtifacts: outputs('One', 'Two'), namespace: 'Make' })),
        stage('Use', build('Use', {
            ProjectName: 'use', PrimarySource: 'Source', BuildspecOverride: 'other.yml',
        }, { inputArtifacts: outputs('One', 'Source') })),
    ]);

    await t.test('runs, and hands both artifacts on', async () => {
        await w.ended(await w.newest());
        const message = 'she said "go"\nand it went';
        await w.push(message, {});
        const id = await w.newest(2);
        assert.equal(await w.ended(id), 'Succeeded', await w.why(id, 'Make').catch(() => '') ?? await w.why(id, 'Use').catch(() => ''));
        const made = await w.action(id, 'Make');
        assert.equal(made.output.outputVariables.SAID, `[${message}|param]`);
        assert.match(made.output.outputVariables.ROLE, /assumed-role\/app-other\/AWSCodeBuild-/);
        assert.deepEqual(made.output.outputArtifacts.map((o) => o.name).sort(), ['One', 'Two']);
        assert.match(await w.log(await w.built1(id, 'Use')), /from other.yml in [^\n]*\n(.*\n)*1\n/);
        const used = await w.action(id, 'Use');
        assert.deepEqual(used.input.inputArtifacts.map((i) => i.name), ['One', 'Source']);
        assert.match(used.output.executionResult.externalExecutionUrl, /\/console\/builds\//);
    });
    for (const [name, one, extra, message] of [
        ['a PrimarySource that is no input', { ProjectName: 'use', PrimarySource: '#{SourceVariables.BranchName}' }, {}, /PrimarySource main is not one of the action's input artifacts/],
        ['a project that is not there', { ProjectName: 'nope' }, {}, /Project cannot be found: arn:aws:codebuild:eu-west-2:111111111111:project\/nope/],
        ['a batch of a project that has none', { ProjectName: 'use', BatchEnabled: 'true' }, {}, /BatchEnabled: project use has no batch configuration with a serviceRole/],
    ]) {
        await t.test(`fails with a reason: ${name}`, async () => {
            const id = await w.release(stage('Make', build('Make', { ProjectName: 'make', EnvironmentVariables: '[{"name":"SECRET","value":"hush-hush-1"}]' }, { outputArtifacts: outputs('One', 'Two') })), stage('Use', build('Use', one, extra)));
            assert.equal(await w.ended(id), 'Failed');
            assert.match(await w.why(id, 'Use'), message);
        });
    }
});

test('a batch as an action', { skip }, async (t) => {
    const batchspec = [
        'version: 0.2', 'batch:', '  build-list:', '    - identifier: a', '      env: {variables: {WHO: ann}}',
        '    - identifier: b', '      env: {variables: {WHO: bob}}', 'phases:', '  build:', '    commands:',
        '      - echo "$WHO for $WHOM" >who.txt', '      - test "$FAIL" != "$WHO"', 'artifacts:', '  files: who.txt',
        '  secondary-artifacts:', '    copy: {files: who.txt}', '',
    ].join('\n');
    const w = await world(t, { 'buildspec.yml': batchspec });
    await makeRoles(w.server, { 'app-batch': 'codebuild' });
    await w.project('many', undefined, { buildBatchConfig: { serviceRole: 'arn:aws:iam::111111111111:role/app-batch' } });
    await w.project('show', buildspec(['find . -name "*.txt" | sort | xargs cat']));
    const env = (value) => JSON.stringify([{ name: 'WHOM', value: '#{SourceVariables.BranchName}' }, ...value]);
    const separate = (fail = []) => [
        stage('Many', build('Many', { ProjectName: 'many', BatchEnabled: 'true', EnvironmentVariables: env(fail) }, { outputArtifacts: outputs('a', 'b_copy') })),
        stage('Show', build('ShowA', { ProjectName: 'show' }, { inputArtifacts: outputs('a') }), build('ShowB', { ProjectName: 'show' }, { inputArtifacts: outputs('b_copy') })),
    ];
    await w.pipeline([stages.source(w), ...separate()]);

    await t.test('leaves an artifact for each of its builds', async () => {
        const id = await w.newest();
        assert.equal(await w.ended(id), 'Succeeded', await w.why(id, 'Many').catch(() => ''));
        assert.match(await w.log(await w.built1(id, 'ShowA')), /\nann for main\n/);
        assert.match(await w.log(await w.built1(id, 'ShowB')), /\nbob for main\n/);
        const many = await w.action(id, 'Many');
        const { buildBatches: [batch] } = await w.builds.send(new cb.BatchGetBuildBatchesCommand({ ids: [many.output.executionResult.externalExecutionId] }));
        assert.equal(batch.buildBatchStatus, 'SUCCEEDED');
        assert.equal(batch.initiator, 'codepipeline/app');
        assert.deepEqual(many.output.outputArtifacts.map((o) => o.name).sort(), ['a', 'b_copy']);
    });
    await t.test('or one of all together', async () => {
        const id = await w.release(
            stage('Many', build('Many', { ProjectName: 'many', BatchEnabled: 'true', CombineArtifacts: 'true', EnvironmentVariables: env([]) }, { outputArtifacts: outputs('all') })),
            stage('Show', build('Show', { ProjectName: 'show' }, { inputArtifacts: outputs('all') })));
        assert.equal(await w.ended(id), 'Succeeded', await w.why(id, 'Many').catch(() => ''));
        assert.match(await w.log(await w.built1(id, 'Show')), /\nann for main\nbob for main\n/);
    });
    await t.test('fails when one of its builds does, and says which', async () => {
        const id = await w.release(...separate([{ name: 'FAIL', value: 'bob' }]));
        assert.equal(await w.ended(id), 'Failed');
        assert.match(await w.why(id, 'Many'), /^Build terminated with state: FAILED/);
    });
});

test('an abandoned build loses its rights before it dies', { skip }, async (t) => {
    const w = await world(t, {});
    // It does not let itself be ended by SIGTERM, and tries to write for as long as it lives.
    const stubborn = buildspec(['trap "" TERM', 'n=0', 'while true; do n=$((n+1)); aws ssm put-parameter --name /alive --type String --overwrite --value $n >/dev/null 2>&1 || echo "refused at $n"; done']);
    await w.project('app-build', stubborn);
    const batch = `version: 0.2\nbatch:\n  build-list:\n    - identifier: only\n${stubborn.replace('version: 0.2\n', '')}`;
    await makeRoles(w.server, { 'app-batch': 'codebuild' });
    await w.project('app-many', batch, { buildBatchConfig: { serviceRole: 'arn:aws:iam::111111111111:role/app-batch' } });
    const alive = () => w.server.client(SSMClient).send(new GetParameterCommand({ Name: '/alive' })).then((r) => Number(r.Parameter.Value), () => 0);
    await w.pipeline([stages.source(w), stage('Build', build('Build', { ProjectName: 'app-build' }))]);
    for (const [name, start] of [
        ['a build', () => w.newest()],
        ['a batch', () => w.release(stage('Build', build('Build', { ProjectName: 'app-many', BatchEnabled: 'true' })))],
    ]) {
        await t.test(name, async () => {
            const before = await alive();
            const id = await start();
            await until('it writes', async () => await alive() > 0 && await alive() !== before);
            await w.pipelines.send(new cp.StopPipelineExecutionCommand({ pipelineName: 'app', pipelineExecutionId: id, abandon: true }));
            const at = await until('its last write', async () => {
                const one = await alive();
                return one === await new Promise((r) => setTimeout(() => r(alive()), 1200)) ? one : null;
            });
            assert.equal(await w.ended(id), 'Stopped');
            assert.equal(await alive(), at, 'nothing was written after its rights were taken');
            assert.equal((await w.action(id, 'Build')).status, 'Abandoned');
            const { ids } = await w.builds.send(new cb.ListBuildsCommand({}));
            const { builds } = await w.builds.send(new cb.BatchGetBuildsCommand({ ids }));
            assert.ok(builds.every((b) => b.buildComplete), 'the stage is free only when its builds are dead');
        });
    }
});

test('a project in another account', { skip }, async (t) => {
    const w = await world(t, {});
    const there = w.server.client(IAMClient, 'development');
    const role = async (RoleName, Principal) => {
        await there.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }] }) }));
        await there.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument: everything }));
        return `arn:aws:iam::${ACCOUNTS.development}:role/${RoleName}`;
    };
    const roleArn = await role('action', { AWS: 'arn:aws:iam::111111111111:role/app-pipeline' });
    const serviceRole = await role('build', { Service: 'codebuild.amazonaws.com' });
    await w.server.client(cb.CodeBuildClient, 'development').send(new cb.CreateProjectCommand({
        name: 'there', serviceRole, source: { type: 'CODEPIPELINE', buildspec: buildspec(['aws sts get-caller-identity --query Account --output text >who', 'export WHO=$(cat who)'], 'env: {exported-variables: [WHO]}\n') },
        artifacts: { type: 'CODEPIPELINE' }, environment: { type: 'LINUX_CONTAINER', image: IMAGE, computeType: 'BUILD_GENERAL1_SMALL' },
    }));
    await w.server.client(S3Client).send(new PutBucketPolicyCommand({
        Bucket: w.bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: [roleArn, serviceRole] }, Action: 's3:*', Resource: [`arn:aws:s3:::${w.bucket}`, `arn:aws:s3:::${w.bucket}/*`] }] }),
    }));
    await w.pipeline([stages.source(w), stage('Build', build('Build', { ProjectName: 'there' }, { roleArn }))]);
    const id = await w.newest();
    assert.equal(await w.ended(id), 'Succeeded', await w.why(id, 'Build').catch(() => ''));
    assert.equal((await w.action(id, 'Build')).output.outputVariables.WHO, ACCOUNTS.development);
});
