// Modes, conditions, retries and rollbacks over the API; a person's answers stand for the work.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { CloudWatchClient, PutMetricAlarmCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { refuses, until } from '../lib/expect.js';
import { buildspec, stages, World } from '../lib/release.js';
import { atEnd, Server } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const skip = without('git');

const rule = (provider, configuration, extra = {}) => ({
    name: provider, ruleTypeId: { category: 'Rule', owner: 'AWS', provider, version: '1' }, configuration, ...extra,
});
const condition = (result, ...rules) => ({ conditions: [{ result, rules }] });

// Whatever happened, the promises hold of what the running server has written.
async function holds(server) {
    const looked = await server.tl('verify', '--all', '--json');
    const { executions, findings } = JSON.parse(looked.stdout);
    assert.deepEqual(findings, []);
    assert.equal(looked.status, 0);
    assert.ok(executions > 0);
}

async function make(t, list, extra) {
    const server = await Server.start(t);
    atEnd(t, () => holds(server));
    const world = await World.make(server);
    await world.pipeline([stages.source(world), ...list], extra);
    const send = (Command, input = {}) => world.pipelines.send(new Command({ pipelineName: world.name, ...input }));
    const start = async (input = {}) => (await world.pipelines.send(
        new cp.StartPipelineExecutionCommand({ name: world.name, ...input }))).pipelineExecutionId;
    return { server, world, send, start };
}

const inStage = (world, id, stage) => until(`${id} in ${stage}`, async () => (
    (await world.stage(stage)).latestExecution?.pipelineExecutionId === id));
const inbound = (world, stage, n) => until(`${n} in front of ${stage}`, async () => {
    const list = (await world.stage(stage)).inboundExecutions ?? [];
    return list.length === n ? list.map((e) => e.pipelineExecutionId) : null;
});

test('QUEUED: executions wait in their order, nobody is superseded', { skip }, async (t) => {
    const { world, send, start } = await make(t, [stages.approval()], { executionMode: 'QUEUED' });
    const first = await world.newest();
    const token = await world.waiting(first);
    const second = await start();
    await inbound(world, 'Approve', 1);
    const third = await start();
    assert.deepEqual(await inbound(world, 'Approve', 2), [second, third]);
    assert.equal((await world.execution(second)).executionMode, 'QUEUED');
    await world.answer(token);
    assert.equal(await world.ended(first), 'Succeeded');
    await inStage(world, second, 'Approve');
    await send(cp.StopPipelineExecutionCommand, { pipelineExecutionId: second, abandon: false });
    await inStage(world, third, 'Approve');
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Approve', targetPipelineExecutionId: first }),
        'UnableToRollbackStageException', { status: 400 });
});

test('PARALLEL: stages are shared, the state is empty, tokens are in the list of actions', { skip }, async (t) => {
    const { world, send, start } = await make(t, [stages.approval()], { executionMode: 'PARALLEL' });
    const first = await world.newest();
    const second = await start();
    const asks = (id) => until(`approval of ${id}`, async () => (await world.actions(id))
        .find((a) => a.actionName === 'Person' && a.status === 'InProgress'));
    const [one, two] = [await asks(first), await asks(second)];
    assert.deepEqual((await world.state()).stageStates, []);
    assert.notEqual(one.output.executionResult.externalExecutionId, two.output.executionResult.externalExecutionId);
    await world.answer(two.output.executionResult.externalExecutionId);
    assert.equal(await world.ended(second), 'Succeeded');
    await world.answer(one.output.executionResult.externalExecutionId, 'Rejected');
    assert.equal(await world.ended(first), 'Failed');
    await send(cp.RetryStageExecutionCommand, { stageName: 'Approve', pipelineExecutionId: first, retryMode: 'FAILED_ACTIONS' });
    await asks(first);
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Approve', targetPipelineExecutionId: second }),
        'UnableToRollbackStageException', { status: 400 });
});

test('status says why each release waits, and what frees it; rollback and override by the command line', { skip }, async (t) => {
    const { server, world, start } = await make(t, [
        { ...stages.approval(), beforeEntry: condition('FAIL', rule('VariableCheck', { Variable: '#{variables.go}', Operator: 'EQ', Value: 'yes' })) },
        stages.approval('After'),
    ], { variables: [{ name: 'go', defaultValue: 'yes' }] });
    const status = async () => {
        const done = await server.tl('status', '--json');
        assert.equal(done.status, 0, done.stderr);
        return Object.fromEntries(JSON.parse(done.stdout).pipelines.find((p) => p.name === world.name).stages.map((s) => [s.name, s]));
    };
    const good = await world.newest();
    await world.waiting(good);
    assert.match((await status()).Approve.why, /waits for a person/);
    assert.match((await status()).Approve.frees, /trunkline approve Approve/);
    const second = await start();
    await inbound(world, 'Approve', 1);
    const [waiting] = (await status()).Approve.inbound;
    assert.equal(waiting.execution, second);
    assert.match(waiting.why, new RegExp(`held by release ${good.slice(0, 8)} .*waits for a person`));
    assert.match(waiting.frees, /it leaves Approve/);
    const said = await server.tl('status');
    assert.match(said.stdout, /freed when: trunkline approve Approve/);
    for (const [id, stage] of [[good, 'Approve'], [good, 'After']]) {
        await world.answer(await world.waiting(id, stage), 'Approved', '', stage);
    }
    assert.equal(await world.ended(good), 'Succeeded');
    await world.answer(await world.waiting(second), 'Rejected');
    const failed = await start({ variables: [{ name: 'go', value: 'no' }] });
    assert.equal(await world.ended(failed), 'Failed');
    assert.match((await status()).Approve.why, /the entry condition of Approve failed: #.variables.go. EQ yes is false/);
    const over = await server.tl('override', 'Approve');
    assert.equal(over.status, 0, over.stderr);
    await world.answer(await world.waiting(failed), 'Rejected');
    const back = await server.tl('rollback', 'Approve');
    assert.equal(back.status, 0, back.stderr);
    assert.match(back.stdout, new RegExp(`Rolling back to ${good.slice(0, 8)}, .* / Approve`));
    await world.waiting(await world.newest(4));
    const none = await server.tl('override', 'After');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /no condition holds up stage After/);
});

test('rollback by hand runs the stage alone, and tells which execution it puts back', { skip }, async (t) => {
    const { world, send, start } = await make(t, [stages.approval(), stages.approval('After')]);
    const good = await world.newest();
    await world.answer(await world.waiting(good));
    await world.answer(await world.waiting(good, 'After'), 'Approved', 'fine', 'After');
    assert.equal(await world.ended(good), 'Succeeded');
    await world.push('second', { 'README.md': 'two\n' });
    const bad = await world.newest(2);
    await world.answer(await world.waiting(bad), 'Rejected');
    assert.equal(await world.ended(bad), 'Failed');
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Approve', targetPipelineExecutionId: bad }),
        'UnableToRollbackStageException', { status: 400 });
    await refuses(send(cp.RollbackStageCommand, { stageName: 'None', targetPipelineExecutionId: good }),
        'StageNotFoundException', { status: 400 });
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Source', targetPipelineExecutionId: good }),
        'UnableToRollbackStageException', { status: 400 });
    const { pipelineExecutionId: back } = await send(cp.RollbackStageCommand,
        { stageName: 'Approve', targetPipelineExecutionId: good });
    await world.answer(await world.waiting(back));
    assert.equal(await world.ended(back), 'Succeeded');
    const told = await world.execution(back);
    assert.equal(told.executionType, 'ROLLBACK');
    assert.equal(told.rollbackMetadata.rollbackTargetPipelineExecutionId, good);
    assert.equal(told.trigger.triggerType, 'ManualRollback');
    assert.deepEqual(told.artifactRevisions, (await world.execution(good)).artifactRevisions);
    assert.equal((await world.stage('Approve')).latestExecution.type, 'ROLLBACK');
    assert.equal((await world.stage('After')).latestExecution.pipelineExecutionId, good);
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Approve', targetPipelineExecutionId: back }),
        'UnableToRollbackStageException', { status: 400 });
    await world.pipelines.send(new cp.UpdatePipelineCommand({
        pipeline: world.structure([stages.source(world), stages.approval(), stages.approval('After')]) }));
    await refuses(send(cp.RollbackStageCommand, { stageName: 'Approve', targetPipelineExecutionId: good }),
        'PipelineExecutionOutdatedException', { status: 400 });
    await start();
});

test('a failure rolls back by itself, or retries once', { skip }, async (t) => {
    const { world } = await make(t, [
        { ...stages.approval(), onFailure: { result: 'RETRY', retryConfiguration: { retryMode: 'ALL_ACTIONS' } } },
        { ...stages.approval('After'), onFailure: { result: 'ROLLBACK' } },
    ]);
    const good = await world.newest();
    const first = await world.waiting(good);
    await world.answer(first, 'Rejected');
    const second = await until('the retry', async () => {
        const token = await world.waiting(good);
        return token !== first ? token : null;
    });
    const { retryStageMetadata } = await world.stage('Approve');
    assert.deepEqual(retryStageMetadata, { autoStageRetryAttempt: 1, latestRetryTrigger: 'AutomatedStageRetry' });
    await world.answer(second);
    await world.answer(await world.waiting(good, 'After'), 'Approved', 'fine', 'After');
    assert.equal(await world.ended(good), 'Succeeded');
    await world.push('second', { 'README.md': 'two\n' });
    const bad = await world.newest(2);
    await world.answer(await world.waiting(bad));
    await world.answer(await world.waiting(bad, 'After'), 'Rejected', 'no', 'After');
    const back = await world.newest(3);
    const told = await world.execution(back);
    assert.equal(told.trigger.triggerType, 'AutomatedRollback');
    assert.equal(told.rollbackMetadata.rollbackTargetPipelineExecutionId, good);
    assert.equal(await world.ended(bad), 'Failed');
    await world.answer(await world.waiting(back, 'After'), 'Approved', 'fine', 'After');
    assert.equal(await world.ended(back), 'Succeeded');
});

test('conditions: skipped, failed, overridden, and listed rule by rule', { skip }, async (t) => {
    const { server, world, send, start } = await make(t, [
        { ...stages.approval('Canary'), beforeEntry: condition('SKIP', rule('VariableCheck',
            { Variable: '#{variables.canary}', Operator: 'EQ', Value: 'yes' })) },
        { ...stages.approval(), beforeEntry: condition('FAIL', rule('CloudWatchAlarm', { AlarmName: 'errors', WaitTime: '0' })) },
    ], { variables: [{ name: 'canary', defaultValue: 'no' }] });
    const alarms = server.client(CloudWatchClient);
    await alarms.send(new PutMetricAlarmCommand({
        AlarmName: 'errors', MetricName: 'm', Namespace: 'n', Period: 60, EvaluationPeriods: 1, Threshold: 1,
        ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Sum', TreatMissingData: 'ignore',
    }));
    await alarms.send(new SetAlarmStateCommand({ AlarmName: 'errors', StateValue: 'ALARM', StateReason: 'too many' }));
    await world.ended(await world.newest());
    const id = await start();
    assert.equal(await world.ended(id), 'Failed');
    const canary = await world.stage('Canary');
    assert.equal(canary.latestExecution.status, 'Skipped');
    assert.equal(canary.beforeEntryConditionState.latestExecution.status, 'Failed');
    const gate = (await world.stage('Approve')).beforeEntryConditionState;
    assert.equal(gate.conditionStates[0].ruleStates[0].latestExecution.status, 'Failed');
    assert.match(gate.latestExecution.summary, /Alarm errors .*ALARM/);
    const override = (stageName, conditionType) => send(cp.OverrideStageConditionCommand,
        { stageName, conditionType, pipelineExecutionId: id });
    await refuses(override('Approve', 'ON_SUCCESS'), 'ConditionNotOverridableException', { status: 400 });
    await refuses(override('None', 'BEFORE_ENTRY'), 'StageNotFoundException', { status: 400 });
    await override('Approve', 'BEFORE_ENTRY');
    await world.answer(await world.waiting(id));
    assert.equal(await world.ended(id), 'Succeeded');
    const passed = (await world.stage('Approve')).beforeEntryConditionState.latestExecution;
    assert.equal(passed.status, 'Overridden');
    assert.match(passed.summary, /^Overridden by arn:aws:iam::111111111111:.*: Alarm errors/);
    const { ruleExecutionDetails: rules } = await send(cp.ListRuleExecutionsCommand, { filter: { pipelineExecutionId: id } });
    assert.deepEqual(rules.map((r) => [r.stageName, r.ruleName, r.status]),
        [['Approve', 'CloudWatchAlarm', 'Failed'], ['Canary', 'VariableCheck', 'Failed']]);
    assert.equal(rules[1].input.resolvedConfiguration.Variable, 'no');
    assert.equal(rules[1].input.configuration.Variable, '#{variables.canary}');
    const [source] = (await world.actions(id)).filter((a) => a.stageName === 'Source');
    const targets = (input) => world.pipelines.send(new cp.ListDeployActionExecutionTargetsCommand(input));
    assert.deepEqual((await targets({ actionExecutionId: source.actionExecutionId })).targets, []);
    await refuses(targets({ actionExecutionId: '00000000-0000-0000-0000-000000000000' }), 'ActionExecutionNotFoundException');
    await refuses(targets({ pipelineName: 'none', actionExecutionId: source.actionExecutionId }), 'PipelineNotFoundException');
    const chosen = await start({ variables: [{ name: 'canary', value: 'yes' }] });
    await inStage(world, chosen, 'Canary');
});

test('a condition after success rolls back while the alarm is loud', { skip }, async (t) => {
    const { server, world } = await make(t, [
        { ...stages.approval(), onSuccess: condition('ROLLBACK', rule('CloudWatchAlarm', { AlarmName: 'errors' })) },
    ]);
    const alarms = server.client(CloudWatchClient);
    await alarms.send(new PutMetricAlarmCommand({
        AlarmName: 'errors', MetricName: 'm', Namespace: 'n', Period: 60, EvaluationPeriods: 1, Threshold: 1,
        ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Sum', TreatMissingData: 'ignore',
    }));
    const set = (StateValue) => alarms.send(new SetAlarmStateCommand({ AlarmName: 'errors', StateValue, StateReason: 'said so' }));
    await set('OK');
    const good = await world.newest();
    await world.answer(await world.waiting(good));
    assert.equal(await world.ended(good), 'Succeeded');
    await set('ALARM');
    await world.push('second', { 'README.md': 'two\n' });
    const bad = await world.newest(2);
    await world.answer(await world.waiting(bad));
    assert.equal(await world.ended(bad), 'Failed');
    const back = await world.newest(3);
    assert.equal((await world.execution(back)).rollbackMetadata.rollbackTargetPipelineExecutionId, good);
    assert.equal((await world.execution(back)).executionType, 'ROLLBACK');
    assert.match((await world.execution(bad)).statusSummary, /^A condition of stage Approve failed: Alarm errors/);
});

test('rules run builds: of a project, and of their own commands', { skip: skip || withoutBuilds() }, async (t) => {
    const { world, send } = await make(t, [
        { ...stages.approval(),
            beforeEntry: condition('FAIL', rule('Commands', {}, { commands: ['test -f README.md', 'echo "$AWS_DEFAULT_REGION"'],
                inputArtifacts: [{ name: 'Source' }] })),
            onSuccess: condition('FAIL', rule('CodeBuild', { ProjectName: 'smoke', PrimarySource: 'Source' }, { inputArtifacts: [{ name: 'Source' }] })) },
    ]);
    await world.project('smoke', buildspec('grep -q good README.md'));
    const id = await world.newest();
    await world.answer(await world.waiting(id));
    assert.equal(await world.ended(id), 'Failed');
    const { ruleExecutionDetails: rules } = await send(cp.ListRuleExecutionsCommand);
    assert.deepEqual(rules.map((r) => [r.ruleName, r.status]), [['CodeBuild', 'Failed'], ['Commands', 'Succeeded']]);
    assert.match(rules[0].output.executionResult.externalExecutionId, /^smoke:/);
    assert.match(rules[0].output.executionResult.externalExecutionSummary, /Build terminated with state: FAILED/);
    await world.push('good', { 'README.md': 'good\n' });
    const better = await world.newest(2);
    await world.answer(await world.waiting(better));
    assert.equal(await world.ended(better), 'Succeeded');
});

test('preflight lists all that is missing before the first environment is touched', { skip }, async (t) => {
    const { server, world, start } = await (async () => {
        const one = await Server.start(t);
        const made = await World.make(one, { files: { 'buildspec.yml': [
            'version: 0.2', 'env:', '  parameter-store:', '    KEY: /app/$ENV/key', '    ROLE: /app/$ENV/deploy_role',
            '  secrets-manager:', '    TOKEN: app/token', 'phases:', '  build:', '    commands:', '      - echo never',
        ].join('\n') } });
        return { server: one, world: made, start: async () => (await made.pipelines.send(
            new cp.StartPipelineExecutionCommand({ name: made.name }))).pipelineExecutionId };
    })();
    const environment = (value) => ({ variables: [{ name: 'ENV', value, type: 'PLAINTEXT' }] });
    await world.project('app-development', undefined, environment('development'));
    await world.project('app-production', undefined, environment('production'));
    const ssm = server.client(SSMClient);
    await ssm.send(new PutParameterCommand({ Name: '/app/development/key', Value: 'x', Type: 'SecureString' }));
    await ssm.send(new PutParameterCommand({
        Name: '/app/development/deploy_role', Value: 'arn:aws:iam::222222222222:role/nobody', Type: 'String' }));
    const build = (name, project) => stages.build(name, project, {}, {});
    await world.pipeline([
        stages.source(world),
        { ...stages.approval('Development'), beforeEntry: condition('FAIL', rule('Preflight', {})) },
        build('Build', 'app-development'),
        build('Production', 'app-production'),
        stages.action('Deploy', 'S3', { BucketName: 'nowhere', Extract: 'true' }, { stage: 'Site' }),
        build('Last', 'no-such-project'),
        stages.action('Deploy', 'CloudFormation', {
            ActionMode: 'DELETE_ONLY', StackName: 's', RoleArn: 'arn:aws:iam::111111111111:role/no-stack-role',
        }, { stage: 'Stack', inputArtifacts: [] }),
        stages.build('Other', 'app-development', {}, { ServiceRoleArnOverride: 'arn:aws:iam::111111111111:role/no-build-role' }),
        { ...stages.approval('Gate'), onSuccess: condition('FAIL', rule('CloudWatchAlarm', { AlarmName: 'a' }, { roleArn: 'arn:aws:iam::333333333333:role/no-observer' })) },
    ]);
    const id = await world.newest();
    assert.equal(await world.ended(id), 'Failed');
    const { summary } = (await world.stage('Development')).beforeEntryConditionState.latestExecution;
    for (const missing of [
        /parameter \/app\/production\/key \(Production\/Build\)/, /parameter \/app\/production\/deploy_role/, /secret app\/token/,
        /role arn:aws:iam::222222222222:role\/nobody \(of parameter \/app\/development\/deploy_role\).*Build\/Build/,
        /bucket nowhere \(Site\/Deploy\)/, /project no-such-project \(Last\/Build\)/,
        /role arn:aws:iam::111111111111:role\/no-stack-role may not be read.*\(Stack\/Deploy\)/,
        /role arn:aws:iam::111111111111:role\/no-build-role.*\(Other\/Build\)/,
        /role arn:aws:iam::333333333333:role\/no-observer.*\(Gate, rule /,
    ]) {
        assert.match(summary, missing);
    }
    assert.doesNotMatch(summary, /app\/development\/key/);
    assert.equal((await world.actions(id)).length, 1, 'nothing but the source has run');
    await start();
});
