import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as eb from '@aws-sdk/client-eventbridge';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as sns from '@aws-sdk/client-sns';
import { refuses, until } from '../lib/expect.js';
import { Server } from '../lib/server.js';

const GROUP = '/aws/events/seen';
const GROUP_ARN = `arn:aws:logs:eu-west-2:111111111111:log-group:${GROUP}`;

// A server with a log group that rules write to; seen() reads it.
async function world(t, options = {}) {
    const server = await Server.start(t, options);
    const client = server.client(eb.EventBridgeClient);
    const log = server.client(logs.CloudWatchLogsClient);
    const send = (Command, input = {}) => client.send(new Command(input));
    await log.send(new logs.CreateLogGroupCommand({ logGroupName: GROUP }));
    const seen = async () => (await log.send(new logs.FilterLogEventsCommand({ logGroupName: GROUP })))
        .events.map((e) => e.message);
    const put = (Source, Detail, more = {}) => send(eb.PutEventsCommand,
        { Entries: [{ Source, DetailType: 'made', Detail: JSON.stringify(Detail), ...more }] });
    return { server, send, seen, put };
}

test('events', async (t) => {
    const { server, send, seen, put } = await world(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });

    await t.test('buses are made, shown, changed and deleted', async () => {
        const { EventBusArn } = await send(eb.CreateEventBusCommand, { Name: 'orders', Description: 'd', Tags: [{ Key: 'a', Value: 'b' }] });
        assert.equal(EventBusArn, 'arn:aws:events:eu-west-2:111111111111:event-bus/orders');
        await refuses(send(eb.CreateEventBusCommand, { Name: 'orders' }), 'ResourceAlreadyExistsException', { status: 400 });
        await refuses(send(eb.CreateEventBusCommand, { Name: 'default' }), 'ResourceAlreadyExistsException', { status: 400 });
        await send(eb.UpdateEventBusCommand, { Name: 'orders', Description: 'new' });
        const shown = await send(eb.DescribeEventBusCommand, { Name: EventBusArn });
        assert.equal(shown.Description, 'new');
        assert.deepEqual((await send(eb.ListEventBusesCommand)).EventBuses.map((b) => b.Name), ['default', 'orders']);
        const page = await send(eb.ListEventBusesCommand, { Limit: 1 });
        assert.deepEqual((await send(eb.ListEventBusesCommand, { NextToken: page.NextToken })).EventBuses.map((b) => b.Name), ['orders']);
        assert.deepEqual((await send(eb.ListTagsForResourceCommand, { ResourceARN: EventBusArn })).Tags, [{ Key: 'a', Value: 'b' }]);
        await send(eb.DeleteEventBusCommand, { Name: 'orders' });
        await send(eb.DeleteEventBusCommand, { Name: 'orders' });
        await refuses(send(eb.DescribeEventBusCommand, { Name: 'orders' }), 'ResourceNotFoundException', { status: 400 });
        await refuses(send(eb.DeleteEventBusCommand, { Name: 'default' }), 'ValidationException', { status: 400 });
    });

    await t.test('a rule tells its targets what matches, and nothing else', async () => {
        const { RuleArn } = await send(eb.PutRuleCommand, {
            Name: 'big', Description: 'orders over ten',
            EventPattern: '{"source":["shop"],"detail":{"total":[{"numeric":[">",10]}]}}', Tags: [{ Key: 'team', Value: 'x' }],
        });
        assert.equal(RuleArn, 'arn:aws:events:eu-west-2:111111111111:rule/big');
        const done = await send(eb.PutTargetsCommand, { Rule: 'big', Targets: [{ Id: 'log', Arn: GROUP_ARN }] });
        assert.equal(done.FailedEntryCount, 0);
        await put('shop', { total: 10 });
        const { Entries } = await put('shop', { total: 11 }, { Resources: ['r'] });
        const [message] = await until('the event', async () => { const s = await seen(); return s.length ? s : null; });
        const event = JSON.parse(message);
        assert.equal(event.id, Entries[0].EventId);
        assert.deepEqual(Object.keys(event), ['version', 'id', 'detail-type', 'source', 'account', 'time', 'region', 'resources', 'detail']);
        assert.deepEqual([event.source, event['detail-type'], event.account, event.region, event.resources, event.detail],
            ['shop', 'made', '111111111111', 'eu-west-2', ['r'], { total: 11 }]);
        assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        assert.deepEqual((await send(eb.ListRuleNamesByTargetCommand, { TargetArn: GROUP_ARN })).RuleNames, ['big']);
        assert.deepEqual((await send(eb.ListTargetsByRuleCommand, { Rule: 'big' })).Targets, [{ Id: 'log', Arn: GROUP_ARN }]);
        await refuses(send(eb.DeleteRuleCommand, { Name: 'big' }), 'ValidationException', { status: 400 });
    });

    await t.test('patterns are tested without a rule', async () => {
        const event = JSON.stringify({ id: '1', account: '1', source: 's', time: 't', region: 'r', resources: [], 'detail-type': 'd', detail: { a: ['x', 'y'] } });
        const ask = async (EventPattern) => (await send(eb.TestEventPatternCommand, { Event: event, EventPattern: JSON.stringify(EventPattern) })).Result;
        assert.equal(await ask({ detail: { a: ['y'] } }), true);
        assert.equal(await ask({ detail: { a: [{ 'anything-but': ['x', 'y'] }] } }), false);
        assert.equal(await ask({ $or: [{ source: ['t'] }, { detail: { a: [{ wildcard: 'x*' }] } }] }), true);
        await refuses(ask({ detail: { a: 'y' } }), 'InvalidEventPatternException', { status: 400 });
        await refuses(send(eb.TestEventPatternCommand, { Event: '{}', EventPattern: '{"a":[1]}' }), 'ValidationException', { status: 400 });
    });

    await t.test('nobody outside speaks as AWS', async () => {
        const { FailedEntryCount, Entries } = await put('aws.codepipeline', {});
        assert.equal(FailedEntryCount, 1);
        assert.equal(Entries[0].ErrorCode, 'NotAuthorizedForSourceException');
    });

    await t.test('an alarm that changes its state is an event', async () => {
        await send(eb.PutRuleCommand, { Name: 'alarms', EventPattern: '{"source":["aws.cloudwatch"],"detail-type":["CloudWatch Alarm State Change"],"detail":{"state":{"value":["ALARM"]}}}' });
        await send(eb.PutTargetsCommand, { Rule: 'alarms', Targets: [{ Id: 'log', Arn: GROUP_ARN }] });
        const cloudwatch = server.client(cw.CloudWatchClient);
        await cloudwatch.send(new cw.PutMetricAlarmCommand({
            AlarmName: 'errors', Namespace: 'app', MetricName: 'errors', Statistic: 'Sum', Period: 60,
            EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: 'GreaterThanThreshold',
        }));
        await cloudwatch.send(new cw.PutMetricDataCommand({ Namespace: 'app', MetricData: [{ MetricName: 'errors', Value: 9 }] }));
        const told = await until('the event', async () => (await seen()).map((m) => JSON.parse(m)).find((e) => e.source === 'aws.cloudwatch'));
        assert.equal(told.detail.alarmName, 'errors');
        assert.equal(told.detail.state.value, 'ALARM');
        assert.equal(told.detail.previousState.value, 'INSUFFICIENT_DATA');
        assert.deepEqual(told.resources, ['arn:aws:cloudwatch:eu-west-2:111111111111:alarm:errors']);
        assert.equal(told.detail.configuration.metrics[0].metricStat.metric.name, 'errors');
    });

    await t.test('targets that are not here are refused by name', async () => {
        for (const Arn of ['arn:aws:sqs:eu-west-2:111111111111:q', 'arn:aws:lambda:eu-west-2:111111111111:function:f']) {
            await refuses(send(eb.PutTargetsCommand, { Rule: 'big', Targets: [{ Id: 'x', Arn }] }), 'ValidationException',
                { status: 400, message: /not available here/ });
        }
    });

    await t.test('a topic that lets EventBridge publish passes the words of a template on', async () => {
        const topics = server.client(sns.SNSClient);
        const got = [];
        const http = createServer((req, res) => {
            let body = '';
            req.on('data', (bytes) => { body += bytes; });
            req.on('end', () => { got.push(JSON.parse(body)); res.writeHead(200).end(); });
        });
        await new Promise((done) => { http.listen(0, '127.0.0.1', done); });
        t.after(() => { http.closeAllConnections(); http.close(); });
        const { TopicArn } = await topics.send(new sns.CreateTopicCommand({ Name: 'news' }));
        await topics.send(new sns.SetTopicAttributesCommand({
            TopicArn, AttributeName: 'Policy', AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement: [
                { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sns:Publish', Resource: TopicArn }] }),
        }));
        await topics.send(new sns.SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${http.address().port}/` }));
        const asked = await until('the confirmation', () => got.find((m) => m.Type === 'SubscriptionConfirmation'));
        await topics.send(new sns.ConfirmSubscriptionCommand({ TopicArn, Token: asked.Token }));
        await send(eb.PutRuleCommand, { Name: 'news', EventPattern: '{"source":["paper"]}' });
        await send(eb.PutTargetsCommand, { Rule: 'news', Targets: [{
            Id: 't', Arn: TopicArn,
            InputTransformer: { InputPathsMap: { what: '$.detail.what' }, InputTemplate: '"Extra: <what> by <aws.events.rule-name>"' },
        }] });
        await put('paper', { what: 'it works' });
        const told = await until('the message', () => got.find((m) => m.Type === 'Notification'));
        assert.equal(told.Message, '"Extra: it works by news"');
    });

    await t.test('deliveries outlive the server', async () => {
        await server.kill();
        await server.launch();
        await put('shop', { total: 99 });
        await server.restart('SIGKILL');
        await until('the event', async () => (await seen()).some((m) => JSON.parse(m).detail.total === 99));
        assert.equal((await seen()).filter((m) => JSON.parse(m).detail.total === 99).length, 1);
    });

    await t.test('an archive keeps what comes, and a replay brings it back', async () => {
        const EventSourceArn = 'arn:aws:events:eu-west-2:111111111111:event-bus/default';
        const { ArchiveArn } = await send(eb.CreateArchiveCommand, { ArchiveName: 'all', EventSourceArn, RetentionDays: 7, EventPattern: '{"source":["shop"]}' });
        assert.equal(ArchiveArn, 'arn:aws:events:eu-west-2:111111111111:archive/all');
        await refuses(send(eb.CreateArchiveCommand, { ArchiveName: 'all', EventSourceArn }), 'ResourceAlreadyExistsException', { status: 400 });
        const start = new Date(Date.now() - 1000);
        await put('shop', { total: 500 });
        await put('other', { total: 500 });
        const archive = await send(eb.DescribeArchiveCommand, { ArchiveName: 'all' });
        assert.deepEqual([archive.State, archive.EventCount, archive.RetentionDays], ['ENABLED', 1, 7]);
        await until('the event', async () => (await seen()).some((m) => JSON.parse(m).detail.total === 500));
        const replay = (more = {}) => send(eb.StartReplayCommand, {
            ReplayName: 'again', EventSourceArn: ArchiveArn, EventStartTime: start, EventEndTime: new Date(Date.now() + 60_000),
            Destination: { Arn: EventSourceArn, FilterArns: ['arn:aws:events:eu-west-2:111111111111:rule/big'] }, ...more,
        });
        await refuses(replay({ EventEndTime: start }), 'ValidationException', { status: 400 });
        await refuses(replay({ Destination: { Arn: `${EventSourceArn}x` } }), 'ValidationException', { status: 400 });
        await replay();
        await until('its end', async () => (await send(eb.DescribeReplayCommand, { ReplayName: 'again' })).State === 'COMPLETED');
        const events = await until('the event again', async () => {
            const list = (await seen()).map((m) => JSON.parse(m)).filter((e) => e.detail.total === 500);
            return list.length === 2 && list;
        });
        assert.deepEqual(events.map((e) => e['replay-name']).sort(), ['again', undefined]);
        assert.equal(events[0].id, events[1].id);
        assert.equal((await send(eb.DescribeArchiveCommand, { ArchiveName: 'all' })).EventCount, 1); // not archived again
        await refuses(send(eb.CancelReplayCommand, { ReplayName: 'again' }), 'IllegalStatusException', { status: 400 });
        assert.deepEqual((await send(eb.ListReplaysCommand)).Replays.map((r) => r.ReplayName), ['again']);
        await send(eb.UpdateArchiveCommand, { ArchiveName: 'all', Description: 'new' });
        assert.deepEqual((await send(eb.ListArchivesCommand)).Archives.map((a) => a.ArchiveName), ['all']);
        await send(eb.DeleteArchiveCommand, { ArchiveName: 'all' });
        await refuses(send(eb.DescribeArchiveCommand, { ArchiveName: 'all' }), 'ResourceNotFoundException', { status: 400 });
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'events', 'list-rules', '--query', 'Rules[].Name', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.deepEqual(done.stdout.trim().split(/\s+/), ['alarms', 'big', 'news']);
    });

    await t.test('all goes away', async () => {
        for (const Name of ['alarms', 'big', 'news']) {
            const { Targets } = await send(eb.ListTargetsByRuleCommand, { Rule: Name });
            await send(eb.RemoveTargetsCommand, { Rule: Name, Ids: Targets.map((x) => x.Id) });
            await send(eb.DeleteRuleCommand, { Name });
        }
        assert.deepEqual((await send(eb.ListRulesCommand)).Rules, []);
        await refuses(send(eb.DescribeRuleCommand, { Name: 'big' }), 'ResourceNotFoundException', { status: 400 });
    });
});
