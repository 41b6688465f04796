// What a release says of itself: EventBridge's events of its pipeline and builds, and a notification
// rule that tells a topic of them; with the members that AWS documents.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import * as cp from '@aws-sdk/client-codepipeline';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as eb from '@aws-sdk/client-eventbridge';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as sns from '@aws-sdk/client-sns';
import { until } from '../lib/expect.js';
import { World, buildspec, makeRoles, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const PIPELINE = 'arn:aws:codepipeline:eu-west-2:111111111111:app';
const ISO_MS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// All events that match, in a log group; seen() reads them, in order of their coming.
async function listen(server, name, pattern) {
    const logGroupName = `/aws/events/${name}`;
    const log = server.client(logs.CloudWatchLogsClient);
    const client = server.client(eb.EventBridgeClient);
    await log.send(new logs.CreateLogGroupCommand({ logGroupName }));
    await client.send(new eb.PutRuleCommand({ Name: name, EventPattern: JSON.stringify(pattern) }));
    await client.send(new eb.PutTargetsCommand({ Rule: name, Targets: [{ Id: 'log', Arn: `arn:aws:logs:eu-west-2:111111111111:log-group:${logGroupName}` }] }));
    return async () => (await log.send(new logs.FilterLogEventsCommand({ logGroupName }))).events.map((e) => JSON.parse(e.message));
}

// A topic with a subscriber, which the service may publish to.
async function topic(t, server, service) {
    const client = server.client(sns.SNSClient);
    const got = [];
    const http = createServer((req, res) => {
        let body = '';
        req.on('data', (bytes) => { body += bytes; });
        req.on('end', () => { got.push(JSON.parse(body)); res.writeHead(200).end(); });
    });
    await new Promise((done) => { http.listen(0, '127.0.0.1', done); });
    t.after(() => { http.closeAllConnections(); http.close(); });
    const { TopicArn } = await client.send(new sns.CreateTopicCommand({ Name: 'told' }));
    await client.send(new sns.SetTopicAttributesCommand({
        TopicArn, AttributeName: 'Policy', AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement: [
            { Effect: 'Allow', Principal: { Service: service }, Action: 'sns:Publish', Resource: TopicArn }] }),
    }));
    await client.send(new sns.SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${http.address().port}/` }));
    const asked = await until('the confirmation', () => got.find((m) => m.Type === 'SubscriptionConfirmation'));
    await client.send(new sns.ConfirmSubscriptionCommand({ TopicArn, Token: asked.Token }));
    return { TopicArn, told: () => got.filter((m) => m.Type === 'Notification').map((m) => JSON.parse(m.Message)) };
}

test('a pipeline says what it does', async (t) => {
    const server = await Server.start(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });
    const seen = await listen(server, 'pipeline', { source: ['aws.codepipeline'] });
    const { TopicArn, told } = await topic(t, server, 'codestar-notifications.amazonaws.com');
    const rule = await server.aws('shared-services', 'codestar-notifications', 'create-notification-rule', '--name', 'r', '--resource', PIPELINE,
        '--detail-type', 'FULL', '--targets', `TargetType=SNS,TargetAddress=${TopicArn}`, '--event-type-ids',
        'codepipeline-pipeline-manual-approval-needed', 'codepipeline-pipeline-manual-approval-failed', 'codepipeline-pipeline-pipeline-execution-failed');
    assert.equal(rule.status, 0, rule.stderr);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval('Approve', { CustomData: 'look twice', NotificationArn: TopicArn })]);
    const find = (kind, state, more = () => true) => until(`${kind} ${state}`, async () => (await seen())
        .find((e) => e['detail-type'] === `CodePipeline ${kind} Execution State Change` && e.detail.state === state && more(e)));

    const waiting = await find('Action', 'STARTED', (e) => e.detail.action === 'Person');
    const [execution] = await world.executions();
    const id = execution.pipelineExecutionId;

    await t.test('the execution: what started it, and which commit', async () => {
        const { detail, resources, source, time } = await find('Pipeline', 'STARTED');
        assert.deepEqual([source, resources], ['aws.codepipeline', [PIPELINE]]);
        assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        assert.deepEqual([detail.pipeline, detail['execution-id'], detail.version, detail['pipeline-execution-attempt']], ['app', id, 1, 1]);
        assert.match(detail['start-time'], ISO_MS);
        assert.ok(detail['execution-trigger']['trigger-type'], JSON.stringify(detail));
    });

    await t.test('the stage, and the action with all that it is', async () => {
        const stage = (await find('Stage', 'SUCCEEDED')).detail;
        assert.deepEqual([stage.stage, stage['execution-id']], ['Source', id]);
        const { detail } = await find('Action', 'SUCCEEDED');
        assert.deepEqual([detail.stage, detail.action, detail.region], ['Source', 'Trunk', 'eu-west-2']);
        assert.deepEqual(detail.type, { owner: 'AWS', category: 'Source', provider: 'CodeStarSourceConnection', version: '1' });
        assert.match(detail['action-execution-id'], /^[0-9a-f-]{36}$/);
        assert.deepEqual(detail['output-artifacts'].map((a) => [a.name, a.s3location.bucket]), [['Source', 'app-artifacts']]);
        assert.ok(detail['execution-result']['external-execution-id'], JSON.stringify(detail));
    });

    await t.test('whoever asked for it hears of the approval, in the form of notifications', async () => {
        const needed = await until('the message', () => told().find((m) => m.detail?.state === 'STARTED'));
        assert.equal(needed.detailType, 'CodePipeline Action Execution State Change');
        assert.match(needed.notificationRuleArn, /:notificationrule\//);
        assert.deepEqual(needed.detail, waiting.detail);
        assert.equal(needed.additionalAttributes.customData, 'look twice');
        assert.equal(needed.additionalAttributes.sourceActions[0].sourceActionName, 'Trunk');
        assert.match(needed.additionalAttributes.sourceActions[0].sourceActionVariables.CommitId, /^[0-9a-f]{40}$/);
    });

    await t.test('the approval itself asks at its own topic, once', async () => {
        const asked = await until('the message', () => told().find((m) => m.approval));
        assert.deepEqual([asked.approval.pipelineName, asked.approval.customData], ['app', 'look twice']);
        assert.equal(told().filter((m) => m.approval).length, 1);
    });

    await t.test('and of its end, with what failed', async () => {
        const { stageStates } = await world.pipelines.send(new cp.GetPipelineStateCommand({ name: 'app' }));
        await world.pipelines.send(new cp.PutApprovalResultCommand({
            pipelineName: 'app', stageName: 'Approve', actionName: 'Person', token: stageStates[1].actionStates[0].latestExecution.token,
            result: { status: 'Rejected', summary: 'not today' },
        }));
        const { detail } = await find('Pipeline', 'FAILED');
        assert.match(detail['execution-trigger']['commit-id'], /^[0-9a-f]{40}$/);
        assert.equal(detail['execution-trigger']['branch-name'], 'main');
        assert.equal(detail['execution-trigger']['author-email'], 'ada@example.org');
        const failed = await until('the message', () => told().find((m) => m.detailType?.includes('Pipeline Execution State')));
        assert.equal(failed.additionalAttributes.failedActionCount, 1);
        assert.equal(failed.additionalAttributes.failedStage, 'Approve');
        assert.deepEqual(failed.additionalAttributes.failedActions.map((f) => [f.action, f.additionalInformation]), [['Person', 'not today']]);
        assert.equal((await find('Action', 'FAILED')).detail['execution-result']['external-execution-summary'], 'not today');
    });

    await t.test('each change is told once', async () => {
        const keys = (await seen()).map((e) => [e['detail-type'], e.detail.stage, e.detail.action, e.detail.state].join(' '));
        assert.equal(new Set(keys).size, keys.length, keys.join('\n'));
        assert.equal(told().filter((m) => m.detailType).length, 3);
    });
});

test('a build says what it does', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const seen = await listen(server, 'builds', { source: ['aws.codebuild'], detail: { 'project-name': ['job'] } });
    const world = await World.make(server);
    await world.project('job', buildspec('exit 3'), { pipeline: false, variables: [{ name: 'A', value: 'b', type: 'PLAINTEXT' }] });
    const build = await world.build('job');
    assert.equal(build.buildStatus, 'FAILED');
    const states = () => until('both states', async () => {
        const list = (await seen()).filter((e) => e['detail-type'] === 'CodeBuild Build State Change');
        return list.length === 2 && list;
    });
    const [begun, ended] = (await states()).sort((a) => (a.detail['build-status'] === 'IN_PROGRESS' ? -1 : 1));
    assert.deepEqual([begun.detail['build-status'], ended.detail['build-status']], ['IN_PROGRESS', 'FAILED']);
    assert.deepEqual(ended.resources, [build.arn]);
    assert.equal(ended.detail['build-id'], build.arn);
    const more = ended.detail['additional-information'];
    assert.equal(more['build-complete'], true);
    assert.deepEqual(more.environment['environment-variables'], [{ name: 'A', type: 'PLAINTEXT', value: 'b' }]);
    assert.deepEqual(more.phases.map((p) => p['phase-type']), build.phases.map((p) => p.phaseType));
    const phases = await until('the phases', async () => {
        const list = (await seen()).filter((e) => e['detail-type'] === 'CodeBuild Build Phase Change');
        return list.length === build.phases.filter((p) => p.endTime).length && list;
    });
    const failed = phases.find((e) => e.detail['completed-phase'] === 'BUILD').detail;
    assert.equal(failed['completed-phase-status'], 'FAILED');
    assert.match(failed['completed-phase-context'], /^\[COMMAND_EXECUTION_ERROR: .*exit 3/);
    assert.match(failed['completed-phase-start'], /^[A-Z][a-z]{2} \d+, \d{4} \d+:\d\d:\d\d [AP]M$/);
});

test('rules start pipelines and builds', async (t) => {
    const server = await Server.start(t);
    const client = server.client(eb.EventBridgeClient);
    const world = await World.make(server);
    await makeRoles(server, { start: 'events', other: 'codebuild' });
    await world.pipeline([stages.source(world), stages.approval()]);
    const first = await world.newest();
    await world.project('job', buildspec('true'), { pipeline: false });
    const rule = async (Name, target) => {
        await client.send(new eb.PutRuleCommand({ Name, EventPattern: JSON.stringify({ source: ['app'], 'detail-type': [Name] }) }));
        await client.send(new eb.PutTargetsCommand({ Rule: Name, Targets: [{ Id: 't', ...target }] }));
    };
    const put = (DetailType) => client.send(new eb.PutEventsCommand({ Entries: [{ Source: 'app', DetailType, Detail: '{"sha":"abc"}' }] }));
    const role = (name) => `arn:aws:iam::111111111111:role/${name}`;

    await t.test('a pipeline, as the role of the target', async () => {
        await rule('release', { Arn: PIPELINE, RoleArn: role('start') });
        await put('release');
        const all = await until('a second execution', async () => { const list = await world.executions(); return list.length === 2 && list; });
        assert.equal(all[1].pipelineExecutionId, first);
    });

    await t.test('a build, with what the template says', async () => {
        await rule('build', {
            Arn: 'arn:aws:codebuild:eu-west-2:111111111111:project/job', RoleArn: role('start'),
            InputTransformer: { InputPathsMap: { sha: '$.detail.sha' }, InputTemplate: '{"environmentVariablesOverride":[{"name":"SHA","value":<sha>,"type":"PLAINTEXT"}]}' },
        });
        await put('build');
        const [id] = await until('the build', async () => {
            const { ids } = await world.builds.send(new cb.ListBuildsForProjectCommand({ projectName: 'job' }));
            return ids.length === 1 && ids;
        });
        const { builds } = await world.builds.send(new cb.BatchGetBuildsCommand({ ids: [id] }));
        assert.deepEqual(builds[0].environment.environmentVariables, [{ name: 'SHA', value: 'abc', type: 'PLAINTEXT' }]);
        assert.match(builds[0].initiator, /build$/);
    });

    await t.test('nothing by a role that does not trust EventBridge', async () => {
        await rule('refused', { Arn: PIPELINE, RoleArn: role('other') });
        await put('refused');
        await until('the failure', async () => (await server.client(cw.CloudWatchClient).send(
            new cw.ListMetricsCommand({ Namespace: 'AWS/Events', MetricName: 'FailedInvocations' }))).Metrics.length === 1);
        assert.equal((await world.executions()).length, 2);
    });
});
