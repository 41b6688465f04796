import assert from 'node:assert/strict';
import { X509Certificate, createVerify } from 'node:crypto';
import { createServer } from 'node:http';
import test from 'node:test';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as sns from '@aws-sdk/client-sns';
import { refuses, until } from '../lib/expect.js';
import { Server } from '../lib/server.js';

// A webhook: keeps what it is sent, answers with the statuses of `answers` and then 200.
async function receiver(t, answers = []) {
    const got = [];
    const http = createServer((req, res) => {
        let body = '';
        req.on('data', (bytes) => { body += bytes; });
        req.on('end', () => {
            const status = answers.shift() ?? 200;
            got.push({ status, type: req.headers['x-amz-sns-message-type'], body: JSON.parse(body) });
            res.writeHead(status).end();
        });
    });
    await new Promise((done) => { http.listen(0, '127.0.0.1', done); });
    t.after(() => { http.closeAllConnections(); http.close(); });
    return { url: `http://127.0.0.1:${http.address().port}/hook`, got, answers };
}

// What AWS documents as signed: these members that the message has, a line each for name and value.
function signedText(body) {
    const names = body.Type === 'Notification'
        ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
        : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
    return names.filter((n) => body[n] !== undefined).map((n) => `${n}\n${body[n]}\n`).join('');
}

// Verifies a message as a subscriber does, by the certificate that it names.
async function genuine(body, change = {}) {
    const answer = await fetch(body.SigningCertURL);
    assert.equal(answer.status, 200, body.SigningCertURL);
    const certificate = new X509Certificate(await answer.text());
    const algorithm = { 1: 'RSA-SHA1', 2: 'RSA-SHA256' }[body.SignatureVersion];
    return createVerify(algorithm).update(signedText({ ...body, ...change }))
        .verify(certificate.publicKey, body.Signature, 'base64');
}

test('sns', async (t) => {
    const server = await Server.start(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });
    const client = server.client(sns.SNSClient);
    const send = (Command, input) => client.send(new Command(input));
    const { TopicArn } = await send(sns.CreateTopicCommand, { Name: 'news', Tags: [{ Key: 'a', Value: 'b' }] });

    await t.test('a topic is made once, by name', async () => {
        assert.equal(TopicArn, 'arn:aws:sns:eu-west-2:111111111111:news');
        assert.equal((await send(sns.CreateTopicCommand, { Name: 'news', Tags: [{ Key: 'a', Value: 'b' }] })).TopicArn, TopicArn);
        const { Attributes } = await send(sns.GetTopicAttributesCommand, { TopicArn });
        assert.equal(Attributes.Owner, '111111111111');
        await refuses(send(sns.GetTopicAttributesCommand, { TopicArn: `${TopicArn}x` }), 'NotFoundException', { status: 404 });
        await refuses(send(sns.CreateTopicCommand, { Name: 'bad name' }), 'InvalidParameterException', { status: 400 });
    });

    const hook = await receiver(t);
    let SubscriptionArn;
    await t.test('a webhook confirms, and is told', async () => {
        await send(sns.SubscribeCommand, { TopicArn, Protocol: 'http', Endpoint: hook.url });
        const asked = await until('the confirmation', () => hook.got.find((m) => m.type === 'SubscriptionConfirmation'));
        await refuses(send(sns.ConfirmSubscriptionCommand, { TopicArn, Token: 'guessed' }), 'InvalidParameterException', { status: 400 });
        ({ SubscriptionArn } = await send(sns.ConfirmSubscriptionCommand, { TopicArn, Token: asked.body.Token }));
        const { MessageId } = await send(sns.PublishCommand, {
            TopicArn, Subject: 'hello', Message: 'first', MessageAttributes: { kind: { DataType: 'String', StringValue: 'x' } },
        });
        const told = await until('the message', () => hook.got.find((m) => m.type === 'Notification'));
        assert.equal(told.body.MessageId, MessageId);
        assert.equal(told.body.Message, 'first');
        assert.equal(told.body.Subject, 'hello');
        assert.deepEqual(told.body.MessageAttributes, { kind: { Type: 'String', Value: 'x' } });
    });

    await t.test('messages verify by the certificate that they name, in both signature versions', async () => {
        const asked = hook.got.find((m) => m.type === 'SubscriptionConfirmation').body;
        const told = hook.got.find((m) => m.type === 'Notification').body;
        assert.match(told.SigningCertURL, /\/SimpleNotificationService-[0-9a-f]{32}\.pem$/);
        for (const body of [asked, told]) {
            assert.equal(body.SignatureVersion, '1');
            assert.ok(await genuine(body), body.Type);
            assert.ok(!await genuine(body, { Message: 'forged' }), body.Type);
            assert.ok(!await genuine(body, { Timestamp: '2020-01-01T00:00:00.000Z' }), body.Type);
        }
        await send(sns.SetTopicAttributesCommand, { TopicArn, AttributeName: 'SignatureVersion', AttributeValue: '2' });
        await send(sns.PublishCommand, { TopicArn, Message: 'no subject,\ntwo lines: \u00e9 "quoted"' });
        const second = (await until('the message', () => hook.got.find((m) => m.body.Message?.startsWith('no subject')))).body;
        assert.equal(second.SignatureVersion, '2');
        assert.equal(second.Subject, undefined);
        assert.ok(await genuine(second));
        assert.ok(!await genuine(second, { Subject: 'added' }));
        assert.equal((await fetch(`${second.SigningCertURL}x`)).status, 404);
        assert.equal((await fetch(second.SigningCertURL, { method: 'POST' })).status, 405);
        assert.equal((await fetch(`${server.url}/_trunkline/ack`, { method: 'POST' })).status, 404);
    });

    await t.test('a message that was not taken is sent again, when its subscription says', async () => {
        await send(sns.SetSubscriptionAttributesCommand, { SubscriptionArn, AttributeName: 'DeliveryPolicy',
            AttributeValue: '{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":3}}' });
        hook.answers.push(503);
        await send(sns.PublishCommand, { TopicArn, Message: 'second' });
        await until('the second try', () => hook.got.filter((m) => m.body.Message === 'second' && m.status === 200).length === 1,
            { timeout_ms: 40_000 });
        assert.equal(hook.got.filter((m) => m.body.Message === 'second').length, 2);
    });

    await t.test('a message waits for a server that was killed', async () => {
        hook.answers.push(503);
        await send(sns.PublishCommand, { TopicArn, Message: 'third' });
        await until('the refused try', () => hook.got.some((m) => m.body.Message === 'third'));
        await server.restart('SIGKILL');
        await until('the message', () => hook.got.some((m) => m.body.Message === 'third' && m.status === 200),
            { timeout_ms: 40_000 });
    });

    await t.test('a filter keeps the rest away', async () => {
        await send(sns.SetSubscriptionAttributesCommand,
            { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: '{"kind":["wanted"]}' });
        const message = (Message, StringValue) => send(sns.PublishCommand,
            { TopicArn, Message, MessageAttributes: { kind: { DataType: 'String', StringValue } } });
        await message('not for you', 'other');
        await message('for you', 'wanted');
        await until('the wanted one', () => hook.got.some((m) => m.body.Message === 'for you'));
        assert.ok(!hook.got.some((m) => m.body.Message === 'not for you'));
        await send(sns.SetSubscriptionAttributesCommand, { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: '{}' });
    });

    await t.test('an alarm tells the topic', async () => {
        const cloudwatch = server.client(cw.CloudWatchClient);
        await cloudwatch.send(new cw.PutMetricAlarmCommand({
            AlarmName: 'errors', Namespace: 'app', MetricName: 'errors', Statistic: 'Sum', Period: 60,
            EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: 'GreaterThanThreshold', AlarmActions: [TopicArn],
        }));
        await cloudwatch.send(new cw.PutMetricDataCommand({ Namespace: 'app', MetricData: [{ MetricName: 'errors', Value: 9 }] }));
        const told = await until('the alarm', () => hook.got.find((m) => m.type === 'Notification' && m.body.Message.includes('AlarmName')));
        const message = JSON.parse(told.body.Message);
        assert.equal(message.AlarmName, 'errors');
        assert.equal(message.NewStateValue, 'ALARM');
        assert.equal(message.AWSAccountId, '111111111111');
    });

    await t.test('a batch, paging, and an end', async () => {
        const done = await send(sns.PublishBatchCommand,
            { TopicArn, PublishBatchRequestEntries: [{ Id: '1', Message: 'b1' }, { Id: '2', Message: 'b2' }] });
        assert.equal(done.Successful.length, 2);
        await until('both', () => ['b1', 'b2'].every((b) => hook.got.some((m) => m.body.Message === b)));
        const listed = await send(sns.ListSubscriptionsByTopicCommand, { TopicArn });
        assert.deepEqual(listed.Subscriptions.map((s) => s.SubscriptionArn), [SubscriptionArn]);
        await send(sns.UnsubscribeCommand, { SubscriptionArn });
        await send(sns.DeleteTopicCommand, { TopicArn });
        await refuses(send(sns.PublishCommand, { TopicArn, Message: 'x' }), 'NotFoundException', { status: 404 });
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'sns', 'create-topic', '--name', 'cli', '--query', 'TopicArn', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), 'arn:aws:sns:eu-west-2:111111111111:cli');
    });
});

test('sns tells nobody on the machine unless it may', async (t) => {
    const server = await Server.start(t);
    const hook = await receiver(t);
    const client = server.client(sns.SNSClient);
    const { TopicArn } = await client.send(new sns.CreateTopicCommand({ Name: 'n' }));
    try {
        await client.send(new sns.SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: hook.url }));
    } catch (error) {
        assert.ok(error.$metadata.httpStatusCode >= 400, error.message);
    }
    // Whatever the answer was: a second topic's whole conversation later, nothing came.
    await client.send(new sns.CreateTopicCommand({ Name: 'm' }));
    assert.equal(hook.got.length, 0);
});
