import assert from 'node:assert/strict';
import test from 'node:test';
import * as cw from '@aws-sdk/client-cloudwatch';
import { refuses, until } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('cloudwatch', async (t) => {
    const server = await Server.start(t);
    const client = server.client(cw.CloudWatchClient);
    const send = (Command, input) => client.send(new Command(input));
    const alarm = {
        AlarmName: 'errors', Namespace: 'app', MetricName: 'errors', Statistic: 'Sum', Period: 60,
        EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
    };
    const state = async (name = 'errors') => (await send(cw.DescribeAlarmsCommand, { AlarmNames: [name] }))
        .MetricAlarms[0]?.StateValue;
    const report = (Value, MetricName = 'errors') => send(cw.PutMetricDataCommand,
        { Namespace: 'app', MetricData: [{ MetricName, Value, Unit: 'Count', Timestamp: new Date() }] });

    await t.test('an alarm begins without data, and follows the datapoints as they come', async () => {
        await send(cw.PutMetricAlarmCommand, { ...alarm, TreatMissingData: 'missing', Tags: [{ Key: 'a', Value: 'b' }] });
        assert.equal(await state(), 'INSUFFICIENT_DATA');
        await report(1);
        await until('OK', async () => (await state()) === 'OK', { timeout_ms: 10_000 });
        await report(9);
        await until('ALARM', async () => (await state()) === 'ALARM', { timeout_ms: 10_000 });
        const { AlarmHistoryItems: items } = await send(cw.DescribeAlarmHistoryCommand,
            { AlarmName: 'errors', HistoryItemType: 'StateUpdate' });
        assert.ok(items.length >= 2, JSON.stringify(items));
        assert.match(items[0].HistorySummary, /to ALARM/);
    });

    await t.test('a state can be set by hand', async () => {
        await send(cw.PutMetricAlarmCommand, { ...alarm, AlarmName: 'manual', MetricName: 'other' });
        await send(cw.SetAlarmStateCommand, { AlarmName: 'manual', StateValue: 'ALARM', StateReason: 'drill' });
        assert.equal(await state('manual'), 'ALARM');
        await refuses(send(cw.SetAlarmStateCommand, { AlarmName: 'none', StateValue: 'OK', StateReason: 'x' }),
            'ResourceNotFound', { status: 404 });
    });

    await t.test('data is aggregated by statistic and period', async () => {
        for (const value of [2, 4, 6]) {
            await report(value, 'latency');
        }
        const end = new Date(Date.now() + 60_000);
        const got = await send(cw.GetMetricStatisticsCommand, {
            Namespace: 'app', MetricName: 'latency', StartTime: new Date(Date.now() - 3_600_000), EndTime: end,
            Period: 3600, Statistics: ['Sum', 'Average', 'Maximum', 'SampleCount'],
        });
        const total = (key) => got.Datapoints.reduce((sum, p) => sum + p[key], 0);
        assert.equal(total('Sum'), 12);
        assert.equal(total('SampleCount'), 3);
        const data = await send(cw.GetMetricDataCommand, {
            StartTime: new Date(Date.now() - 3_600_000), EndTime: end,
            MetricDataQueries: [{ Id: 'm', MetricStat: { Metric: { Namespace: 'app', MetricName: 'latency' }, Period: 3600, Stat: 'Sum' } }],
        });
        assert.equal(data.MetricDataResults[0].Values.reduce((a, b) => a + b, 0), 12);
        const names = (await send(cw.ListMetricsCommand, { Namespace: 'app' })).Metrics.map((m) => m.MetricName);
        assert.deepEqual([...new Set(names)].sort(), ['errors', 'latency']);
    });

    await t.test('alarms are described in pages, by prefix, and deleted', async () => {
        for (let i = 0; i < 5; i += 1) {
            await send(cw.PutMetricAlarmCommand, { ...alarm, AlarmName: `many-${i}` });
        }
        const first = await send(cw.DescribeAlarmsCommand, { AlarmNamePrefix: 'many-', MaxRecords: 3 });
        assert.equal(first.MetricAlarms.length, 3);
        const rest = await send(cw.DescribeAlarmsCommand, { AlarmNamePrefix: 'many-', MaxRecords: 3, NextToken: first.NextToken });
        assert.equal(rest.MetricAlarms.length, 2);
        const AlarmArn = first.MetricAlarms[0].AlarmArn;
        assert.equal(AlarmArn, 'arn:aws:cloudwatch:eu-west-2:111111111111:alarm:many-0');
        await send(cw.TagResourceCommand, { ResourceARN: AlarmArn, Tags: [{ Key: 'k', Value: 'v' }] });
        assert.deepEqual((await send(cw.ListTagsForResourceCommand, { ResourceARN: AlarmArn })).Tags, [{ Key: 'k', Value: 'v' }]);
        await send(cw.DeleteAlarmsCommand, { AlarmNames: ['many-0', 'many-1'] });
        assert.equal(await state('many-0'), undefined);
    });

    await t.test('an alarm that makes no sense is refused', async () => {
        await refuses(send(cw.PutMetricAlarmCommand, { ...alarm, Period: 7 }), 'InvalidParameterValue', { status: 400 })
            .catch(() => refuses(send(cw.PutMetricAlarmCommand, { ...alarm, Period: 7 }), 'ValidationError', { status: 400 }));
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'cloudwatch', 'describe-alarms', '--alarm-names', 'errors',
            '--query', 'MetricAlarms[0].StateValue', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), 'ALARM');
    });

    await t.test('what is not built says so', async () => {
        await assert.rejects(send(cw.ListDashboardsCommand, {}), (error) => {
            assert.equal(error.$metadata.httpStatusCode, 400);
            assert.match(error.name, /InvalidAction|UnknownOperation/);
            return true;
        });
    });
});
