// Notification rules by the aws command line: the SDK has no client of this service for the versions that
// the others have.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as sns from '@aws-sdk/client-sns';
import { Server } from '../lib/server.js';

const PIPELINE = 'arn:aws:codepipeline:eu-west-2:111111111111:p';

test('notification rules', async (t) => {
    const server = await Server.start(t);
    const { TopicArn } = await server.client(sns.SNSClient).send(new sns.CreateTopicCommand({ Name: 'n' }));
    const call = async (...args) => {
        const done = await server.aws('shared-services', 'codestar-notifications', ...args, '--output', 'json');
        assert.equal(done.status, 0, done.stderr);
        return done.stdout.trim() ? JSON.parse(done.stdout) : {};
    };
    const refused = async (code, ...args) => {
        const done = await server.aws('shared-services', 'codestar-notifications', ...args);
        assert.notEqual(done.status, 0, done.stdout);
        assert.match(done.stderr, new RegExp(`\\(${code}\\)`));
    };
    const create = ['create-notification-rule', '--name', 'releases', '--resource', PIPELINE, '--detail-type', 'FULL',
        '--event-type-ids', 'codepipeline-pipeline-pipeline-execution-failed', 'codepipeline-pipeline-manual-approval-needed',
        '--targets', `TargetType=SNS,TargetAddress=${TopicArn}`];
    const { Arn } = await call(...create, '--tags', 'team=x', '--client-request-token', 'once');

    await t.test('a rule is made once for a token, and a name', async () => {
        assert.match(Arn, /^arn:aws:codestar-notifications:eu-west-2:111111111111:notificationrule\/[0-9a-f-]{36}$/);
        assert.equal((await call(...create, '--client-request-token', 'once')).Arn, Arn);
        await refused('ResourceAlreadyExistsException', ...create);
    });

    await t.test('it is described as it was made', async () => {
        const rule = await call('describe-notification-rule', '--arn', Arn);
        assert.equal(rule.Name, 'releases');
        assert.equal(rule.Status, 'ENABLED');
        assert.equal(rule.DetailType, 'FULL');
        assert.equal(rule.Resource, PIPELINE);
        assert.deepEqual(rule.Tags, { team: 'x' });
        assert.deepEqual(rule.EventTypes.map((e) => e.EventTypeId),
            ['codepipeline-pipeline-pipeline-execution-failed', 'codepipeline-pipeline-manual-approval-needed']);
        assert.equal(rule.EventTypes[0].ServiceName, 'CodePipeline');
        assert.deepEqual(rule.Targets, [{ TargetAddress: TopicArn, TargetType: 'SNS', TargetStatus: 'ACTIVE' }]);
        await refused('ResourceNotFoundException', 'describe-notification-rule', '--arn', `${Arn.slice(0, -1)}x`);
    });

    await t.test('it is changed, listed by what it has, and tagged', async () => {
        await call('update-notification-rule', '--arn', Arn, '--status', 'DISABLED', '--detail-type', 'BASIC', '--name', 'other');
        const rule = await call('describe-notification-rule', '--arn', Arn);
        assert.deepEqual([rule.Status, rule.DetailType, rule.Name, rule.EventTypes.length], ['DISABLED', 'BASIC', 'other', 2]);
        const listed = async (Name, Value) => (await call('list-notification-rules', '--filters', `Name=${Name},Value=${Value}`)).NotificationRules.map((r) => r.Arn);
        assert.deepEqual(await listed('RESOURCE', PIPELINE), [Arn]);
        assert.deepEqual(await listed('RESOURCE', `${PIPELINE}x`), []);
        assert.deepEqual(await listed('EVENT_TYPE_ID', 'codepipeline-pipeline-manual-approval-needed'), [Arn]);
        assert.deepEqual(await listed('TARGET_ADDRESS', TopicArn), [Arn]);
        await call('tag-resource', '--arn', Arn, '--tags', 'a=b');
        await call('untag-resource', '--arn', Arn, '--tag-keys', 'team');
        assert.deepEqual((await call('list-tags-for-resource', '--arn', Arn)).Tags, { a: 'b' });
    });

    await t.test('event types are listed by service', async () => {
        const { EventTypes } = await call('list-event-types', '--filters', 'Name=SERVICE_NAME,Value=CodePipeline');
        assert.equal(EventTypes.length, 18);
        assert.ok(EventTypes.every((e) => e.ResourceType === 'Pipeline' && e.EventTypeId.startsWith('codepipeline-pipeline-')));
        assert.equal((await call('list-event-types')).EventTypes.length, 38);
    });

    await t.test('targets come and go', async () => {
        const other = `${TopicArn}2`;
        await call('subscribe', '--arn', Arn, '--target', `TargetType=SNS,TargetAddress=${other}`);
        assert.deepEqual((await call('list-targets')).Targets.map((x) => x.TargetAddress), [TopicArn, other]);
        await call('unsubscribe', '--arn', Arn, '--target-address', other);
        await refused('ValidationException', 'delete-target', '--target-address', TopicArn);
        await call('delete-target', '--target-address', TopicArn, '--force-unsubscribe-all');
        assert.deepEqual((await call('list-targets')).Targets, []);
        await refused('ValidationException', 'subscribe', '--arn', Arn, '--target', 'TargetType=AWSChatbotSlack,TargetAddress=arn:aws:chatbot::111111111111:chat-configuration/slack-channel/x');
    });

    await t.test('it goes away', async () => {
        assert.equal((await call('delete-notification-rule', '--arn', Arn)).Arn, Arn);
        assert.deepEqual((await call('list-notification-rules')).NotificationRules, []);
    });
});
