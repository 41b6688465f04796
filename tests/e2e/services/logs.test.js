import assert from 'node:assert/strict';
import test from 'node:test';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import { pages, refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('logs', async (t) => {
    const server = await Server.start(t);
    const client = server.client(logs.CloudWatchLogsClient);
    const send = (Command, input) => client.send(new Command(input));
    const group = { logGroupName: '/app/web' };
    const now = Date.now();

    await t.test('a group and a stream are made once', async () => {
        await send(logs.CreateLogGroupCommand, { ...group, tags: { team: 'platform' } });
        await refuses(send(logs.CreateLogGroupCommand, group), 'ResourceAlreadyExistsException', { status: 400 });
        await send(logs.CreateLogStreamCommand, { ...group, logStreamName: 's' });
        await refuses(send(logs.CreateLogStreamCommand, { ...group, logStreamName: 's' }),
            'ResourceAlreadyExistsException');
        await refuses(send(logs.CreateLogStreamCommand, { logGroupName: '/none', logStreamName: 's' }),
            'ResourceNotFoundException');
    });

    await t.test('events come back in order, forwards and backwards', async () => {
        const logEvents = Array.from({ length: 250 }, (_, i) => ({ timestamp: now - 250 + i, message: `line ${i}` }));
        await send(logs.PutLogEventsCommand, { ...group, logStreamName: 's', logEvents });
        const forwards = [];
        let token;
        for (;;) {
            const page = await send(logs.GetLogEventsCommand,
                { ...group, logStreamName: 's', startFromHead: true, limit: 100, nextToken: token });
            forwards.push(...page.events.map((e) => e.message));
            if (page.nextForwardToken === token) {
                break;
            }
            token = page.nextForwardToken;
        }
        assert.deepEqual(forwards, logEvents.map((e) => e.message));
        const tail = await send(logs.GetLogEventsCommand, { ...group, logStreamName: 's', limit: 3 });
        assert.deepEqual(tail.events.map((e) => e.message), ['line 247', 'line 248', 'line 249']);
    });

    await t.test('events are filtered by pattern, time and stream, in pages', async () => {
        await send(logs.CreateLogStreamCommand, { ...group, logStreamName: 't' });
        await send(logs.PutLogEventsCommand, {
            ...group, logStreamName: 't',
            logEvents: [
                { timestamp: now, message: 'ERROR disk full' }, { timestamp: now + 1, message: 'all is well' },
            ],
        });
        const found = await send(logs.FilterLogEventsCommand, { ...group, filterPattern: 'ERROR' });
        assert.deepEqual(found.events.map((e) => [e.logStreamName, e.message]), [['t', 'ERROR disk full']]);
        const { all, count } = await pages(
            (nextToken) => send(logs.FilterLogEventsCommand, { ...group, limit: 100, nextToken }),
            (page) => page.events, (page) => page.nextToken);
        assert.equal(all.length, 252);
        assert.equal(new Set(all.map((e) => e.eventId)).size, 252);
        assert.ok(count >= 3);
        const late = await send(logs.FilterLogEventsCommand,
            { ...group, logStreamNames: ['t'], startTime: now + 1 });
        assert.deepEqual(late.events.map((e) => e.message), ['all is well']);
    });

    await t.test('events out of order are refused, too old ones are named', async () => {
        await refuses(send(logs.PutLogEventsCommand, {
            ...group, logStreamName: 't',
            logEvents: [{ timestamp: now + 5, message: 'b' }, { timestamp: now + 4, message: 'a' }],
        }), 'InvalidParameterException', { status: 400 });
        const answer = await send(logs.PutLogEventsCommand, {
            ...group, logStreamName: 't', logEvents: [{ timestamp: now - 15 * 86_400_000, message: 'old' }],
        });
        assert.equal(answer.rejectedLogEventsInfo.tooOldLogEventEndIndex, 1);
    });

    await t.test('groups are described in pages, with their retention', async () => {
        for (let i = 0; i < 7; i += 1) {
            await send(logs.CreateLogGroupCommand, { logGroupName: `/many/${i}` });
            await send(logs.PutRetentionPolicyCommand, { logGroupName: `/many/${i}`, retentionInDays: 7 });
        }
        const { all, count } = await pages(
            (nextToken) => send(logs.DescribeLogGroupsCommand, { logGroupNamePrefix: '/many/', limit: 3, nextToken }),
            (page) => page.logGroups, (page) => page.nextToken);
        assert.equal(all.length, 7);
        assert.equal(count, 3);
        assert.ok(all.every((g) => g.retentionInDays === 7));
        assert.match(all[0].arn, /^arn:aws:logs:eu-west-2:111111111111:log-group:\/many\/0:\*$/);
        await refuses(send(logs.PutRetentionPolicyCommand, { logGroupName: '/many/0', retentionInDays: 8 }),
            'InvalidParameterException');
        await send(logs.DeleteRetentionPolicyCommand, { logGroupName: '/many/0' });
        const after = await send(logs.DescribeLogGroupsCommand, { logGroupNamePrefix: '/many/0' });
        assert.equal(after.logGroups[0].retentionInDays, undefined);
    });

    await t.test('tags, metric filters, deletion', async () => {
        const resourceArn = 'arn:aws:logs:eu-west-2:111111111111:log-group:/app/web';
        await send(logs.TagResourceCommand, { resourceArn, tags: { a: '1' } });
        assert.deepEqual((await send(logs.ListTagsForResourceCommand, { resourceArn })).tags,
            { a: '1', team: 'platform' });
        await send(logs.PutMetricFilterCommand, {
            ...group, filterName: 'errors', filterPattern: 'ERROR',
            metricTransformations: [{ metricName: 'errors', metricNamespace: 'app', metricValue: '1' }],
        });
        assert.equal((await send(logs.DescribeMetricFiltersCommand, group)).metricFilters[0].filterName, 'errors');
        await send(logs.DeleteLogGroupCommand, group);
        await refuses(send(logs.DescribeLogStreamsCommand, group), 'ResourceNotFoundException');
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'logs', 'describe-log-groups', '--query',
            'length(logGroups)', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), '7');
    });
});
