import assert from 'node:assert/strict';
import test from 'node:test';
import * as cfn from '@aws-sdk/client-cloudformation';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { refuses, until } from '../lib/expect.js';
import { Server, temporary } from '../lib/server.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const template = (days, extra = {}) => JSON.stringify({
    Parameters: { Name: { Type: 'String', Default: 'web' } },
    Resources: {
        Group: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: { 'Fn::Sub': '/app/${Name}' }, RetentionInDays: days } },
        Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: { 'Fn::Join': ['-', [{ Ref: 'Name' }, 'topic']] } } },
        Parameter: {
            Type: 'AWS::SSM::Parameter',
            Properties: { Name: '/app/topic', Type: 'String', Value: { Ref: 'Topic' } },
        },
        ...extra,
    },
    Outputs: {
        GroupArn: { Value: { 'Fn::GetAtt': ['Group', 'Arn'] } },
        Region: { Value: { Ref: 'AWS::Region' }, Export: { Name: 'region-of-app' } },
    },
});

test('cloudformation', async (t) => {
    const server = await Server.start(t);
    const client = server.client(cfn.CloudFormationClient, 'development');
    const send = (Command, input) => client.send(new Command(input));
    const StackName = 'app';
    const stack = async () => (await send(cfn.DescribeStacksCommand, { StackName })).Stacks[0];
    const settled = (what) => until(what, async () => {
        const { StackStatus } = await stack();
        return StackStatus.endsWith('_IN_PROGRESS') ? null : StackStatus;
    });

    await t.test('a change set says what it would do, then does it', async () => {
        await send(cfn.CreateChangeSetCommand,
            { StackName, ChangeSetName: 'first', ChangeSetType: 'CREATE', TemplateBody: template(7) });
        const set = await until('the change set', async () => {
            const got = await send(cfn.DescribeChangeSetCommand, { StackName, ChangeSetName: 'first' });
            return got.Status === 'CREATE_COMPLETE' ? got : null;
        });
        assert.deepEqual(set.Changes.map((c) => [c.ResourceChange.Action, c.ResourceChange.LogicalResourceId]).sort(),
            [['Add', 'Group'], ['Add', 'Parameter'], ['Add', 'Topic']]);
        assert.equal((await stack()).StackStatus, 'REVIEW_IN_PROGRESS');
        await send(cfn.ExecuteChangeSetCommand, { StackName, ChangeSetName: 'first' });
        assert.equal(await settled('the stack'), 'CREATE_COMPLETE');
        const outputs = Object.fromEntries((await stack()).Outputs.map((o) => [o.OutputKey, o.OutputValue]));
        assert.match(outputs.GroupArn, /^arn:aws:logs:eu-west-2:222222222222:log-group:\/app\/web/);
        const ssm = server.client(SSMClient, 'development');
        assert.equal((await ssm.send(new GetParameterCommand({ Name: '/app/topic' }))).Parameter.Value,
            'arn:aws:sns:eu-west-2:222222222222:web-topic');
    });

    await t.test('the same template again changes nothing, and says so', async () => {
        await send(cfn.CreateChangeSetCommand, { StackName, ChangeSetName: 'same', TemplateBody: template(7) });
        const set = await until('the change set', async () => {
            const got = await send(cfn.DescribeChangeSetCommand, { StackName, ChangeSetName: 'same' });
            return got.Status === 'FAILED' ? got : null;
        });
        assert.match(set.StatusReason, /didn't contain changes|No updates are to be performed/);
        await refuses(send(cfn.UpdateStackCommand, { StackName, TemplateBody: template(7) }), 'ValidationError',
            { status: 400, message: /No updates are to be performed/ });
    });

    await t.test('an update changes what differs', async () => {
        await send(cfn.UpdateStackCommand, { StackName, TemplateBody: template(14) });
        assert.equal(await settled('the update'), 'UPDATE_COMPLETE');
        const logs = server.client(CloudWatchLogsClient, 'development');
        assert.equal((await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/app/web' }))).logGroups[0].retentionInDays, 14);
    });

    await t.test('an update that fails rolls back', async () => {
        const extra = { Bad: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/app/bad', RetentionInDays: 8 } } };
        await send(cfn.UpdateStackCommand, { StackName, TemplateBody: template(30, extra) });
        assert.equal(await settled('the rollback'), 'UPDATE_ROLLBACK_COMPLETE');
        const logs = server.client(CloudWatchLogsClient, 'development');
        const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/app/' }));
        assert.deepEqual(logGroups.map((g) => [g.logGroupName, g.retentionInDays]), [['/app/web', 14]]);
        const { StackEvents } = await send(cfn.DescribeStackEventsCommand, { StackName });
        const failed = StackEvents.find((e) => e.ResourceStatus === 'CREATE_FAILED' || e.ResourceStatus === 'UPDATE_FAILED');
        assert.ok(failed.ResourceStatusReason, JSON.stringify(failed));
    });

    await t.test('a template that is none is refused with the reason', async () => {
        await refuses(send(cfn.ValidateTemplateCommand, { TemplateBody: '{"Resources": {"A": {}}}' }), 'ValidationError', { status: 400 });
        await refuses(send(cfn.CreateStackCommand, {
            StackName: 'bad', TemplateBody: JSON.stringify({ Resources: { A: { Type: 'AWS::SNS::Topic', Properties: { TopicName: { Ref: 'Nowhere' } } } } }),
        }), 'ValidationError', { message: /Nowhere/ });
        await refuses(send(cfn.DescribeStacksCommand, { StackName: 'none' }), 'ValidationError', { message: /does not exist/ });
    });

    await t.test('the command line deploys, and deploys nothing the second time', async (t2) => {
        const file = join(temporary(t2), 'template.yml');
        writeFileSync(file, [
            'Resources:', '  Queue:', '    Type: AWS::SNS::Topic', '    Properties:',
            '      TopicName: !Sub "cli-${AWS::AccountId}"', 'Outputs:', '  Arn:', '    Value: !Ref Queue', '',
        ].join('\n'));
        let second = 0; // the command names its change sets by the second, so two within one are the same
        for (const wanted of [/Successfully created/, /No changes to deploy/]) {
            await until('another second', () => Math.floor(Date.now() / 1000) !== second);
            const done = await server.aws('development', 'cloudformation', 'deploy', '--stack-name', 'cli',
                '--template-file', file, '--no-fail-on-empty-changeset');
            second = Math.floor(Date.now() / 1000);
            assert.equal(done.status, 0, done.stdout + done.stderr);
            assert.match(done.stdout, wanted);
        }
    });

    await t.test('deleting a stack deletes what it made', async () => {
        await send(cfn.DeleteStackCommand, { StackName });
        await until('the end', async () => {
            try {
                await stack();
                return false;
            } catch (error) {
                return error.name === 'ValidationError';
            }
        });
        await refuses(server.client(SSMClient, 'development').send(new GetParameterCommand({ Name: '/app/topic' })), 'ParameterNotFound');
    });

    await t.test('a stack that was under way when the server was killed ends', async () => {
        await Promise.allSettled([
            send(cfn.CreateStackCommand, { StackName: 'killed', TemplateBody: template(7) }),
            until('the stack', async () => {
                try {
                    await send(cfn.DescribeStacksCommand, { StackName: 'killed' });
                    return true;
                } catch {
                    return false;
                }
            }, { every_ms: 1 }).then(() => server.kill('SIGKILL')),
        ]);
        await server.launch();
        const status = await until('its end', async () => {
            const { Stacks } = await server.client(cfn.CloudFormationClient, 'development')
                .send(new cfn.DescribeStacksCommand({ StackName: 'killed' }));
            return Stacks[0].StackStatus.endsWith('_IN_PROGRESS') ? null : Stacks[0].StackStatus;
        });
        assert.equal(status, 'CREATE_COMPLETE');
    });
});
