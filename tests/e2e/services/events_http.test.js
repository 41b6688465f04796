// API destinations: connections of every kind, what a request has, retries, and who may be reached.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as eb from '@aws-sdk/client-eventbridge';
import * as sm from '@aws-sdk/client-secrets-manager';
import { refuses, until } from '../lib/expect.js';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const RoleArn = 'arn:aws:iam::111111111111:role/invoke';

// Keeps what it is sent; answers with the statuses of `answers`, then 200, and gives out tokens.
async function receiver(t) {
    const got = [];
    const answers = [];
    const http = createServer((req, res) => {
        let body = '';
        req.on('data', (bytes) => { body += bytes; });
        req.on('end', () => {
            const status = answers.shift() ?? 200;
            got.push({ status, method: req.method, url: req.url, headers: req.headers, body });
            res.writeHead(status).end(req.url.startsWith('/token') ? '{"access_token":"t0k3n"}' : '');
        });
    });
    await new Promise((done) => { http.listen(0, '127.0.0.1', done); });
    t.after(() => { http.closeAllConnections(); http.close(); });
    return { url: `http://127.0.0.1:${http.address().port}`, got, answers };
}

async function world(t, options) {
    const server = await Server.start(t, options);
    const client = server.client(eb.EventBridgeClient);
    const send = (Command, input = {}) => client.send(new Command(input));
    await makeRoles(server, { invoke: 'events' });
    const rule = async (Name, Arn, more = {}) => {
        await send(eb.PutRuleCommand, { Name, EventPattern: JSON.stringify({ source: [Name] }) });
        await send(eb.PutTargetsCommand, { Rule: Name, Targets: [{ Id: 'http', Arn, RoleArn, ...more }] });
    };
    const put = (Source, Detail) => send(eb.PutEventsCommand, { Entries: [{ Source, DetailType: 'd', Detail: JSON.stringify(Detail) }] });
    return { server, send, rule, put };
}

test('api destinations', async (t) => {
    const { server, send, rule, put } = await world(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });
    const hook = await receiver(t);
    const connect = async (Name, AuthorizationType, AuthParameters) => (await send(eb.CreateConnectionCommand, { Name, AuthorizationType, AuthParameters })).ConnectionArn;
    const destination = async (Name, ConnectionArn, path, HttpMethod = 'POST') => (await send(eb.CreateApiDestinationCommand,
        { Name, ConnectionArn, InvocationEndpoint: hook.url + path, HttpMethod, InvocationRateLimitPerSecond: 10 })).ApiDestinationArn;
    const arrived = (path, n = 1) => until(`${n} at ${path}`, () => { const all = hook.got.filter((g) => g.url.startsWith(path)); return all.length >= n && all; });

    await t.test('an API key, paths, queries and headers of the target and the connection', async () => {
        const key = await connect('key', 'API_KEY', {
            ApiKeyAuthParameters: { ApiKeyName: 'x-api-key', ApiKeyValue: 's3cret' },
            InvocationHttpParameters: {
                HeaderParameters: [{ Key: 'X-Team', Value: 'x' }], QueryStringParameters: [{ Key: 'v', Value: '1 2', IsValueSecret: true }],
                BodyParameters: [{ Key: 'added', Value: 'yes' }],
            },
        });
        const arn = await destination('key', key, '/in/*/end');
        await rule('key', arn, { HttpParameters: { PathParameterValues: ['$.detail.id'], QueryStringParameters: { q: '$.source' }, HeaderParameters: { 'X-Own': 'mine' } } });
        const { Entries } = await put('key', { id: 'a/b' });
        const [request] = await arrived('/in/');
        assert.deepEqual([request.method, request.url], ['POST', '/in/a%2Fb/end?q=key&v=1%202']);
        assert.equal(request.headers['x-api-key'], 's3cret');
        assert.equal(request.headers['x-team'], 'x');
        assert.equal(request.headers['x-own'], 'mine');
        assert.match(request.headers['content-type'], /^application\/json/);
        const body = JSON.parse(request.body);
        assert.deepEqual([body.id, body.added], [Entries[0].EventId, 'yes']);
    });

    await t.test('what is secret is in Secrets Manager, and nowhere else', async () => {
        const shown = await send(eb.DescribeConnectionCommand, { Name: 'key' });
        assert.deepEqual(shown.AuthParameters.ApiKeyAuthParameters, { ApiKeyName: 'x-api-key' });
        assert.deepEqual(shown.AuthParameters.InvocationHttpParameters.QueryStringParameters, [{ Key: 'v', IsValueSecret: true }]);
        assert.equal(shown.ConnectionState, 'AUTHORIZED');
        assert.match(shown.SecretArn, /:secret:events!connection\/key\//);
        const { SecretString } = await server.client(sm.SecretsManagerClient).send(new sm.GetSecretValueCommand({ SecretId: shown.SecretArn }));
        assert.match(SecretString, /s3cret/);
    });

    await t.test('a name and a password, changed in place', async () => {
        const basic = await connect('basic', 'BASIC', { BasicAuthParameters: { Username: 'ada', Password: 'old' } });
        await send(eb.UpdateConnectionCommand, { Name: 'basic', AuthParameters: { BasicAuthParameters: { Password: 'new' } } });
        await rule('basic', await destination('basic', basic, '/basic', 'PUT'));
        await put('basic', {});
        const [request] = await arrived('/basic');
        assert.equal(request.method, 'PUT');
        assert.equal(Buffer.from(request.headers.authorization.slice(6), 'base64').toString(), 'ada:new');
    });

    await t.test('a token of an authorization server', async () => {
        const oauth = await connect('oauth', 'OAUTH_CLIENT_CREDENTIALS', { OAuthParameters: {
            AuthorizationEndpoint: `${hook.url}/token`, HttpMethod: 'POST', ClientParameters: { ClientID: 'id', ClientSecret: 'c&s' },
            OAuthHttpParameters: { BodyParameters: [{ Key: 'scope', Value: 'all' }] },
        } });
        await until('the authorization', async () => (await send(eb.DescribeConnectionCommand, { Name: 'oauth' })).ConnectionState === 'AUTHORIZED');
        await rule('oauth', await destination('oauth', oauth, '/oauth'));
        await put('oauth', {});
        const [request] = await arrived('/oauth');
        assert.equal(request.headers.authorization, 'Bearer t0k3n');
        const asked = hook.got.find((g) => g.url === '/token');
        assert.equal(asked.body, 'grant_type=client_credentials&client_id=id&client_secret=c%26s&scope=all');
    });

    await t.test('a server that is busy is asked again, one that refuses is not', async () => {
        hook.answers.push(503, 429);
        await put('basic', { n: 2 });
        await until('the third try', () => hook.got.filter((g) => g.body.includes('"n":2')).length === 3, { timeout_ms: 40_000 });
        hook.answers.push(400);
        await put('basic', { n: 3 });
        const metric = () => server.client(cw.CloudWatchClient).send(new cw.GetMetricStatisticsCommand({
            Namespace: 'AWS/Events', MetricName: 'FailedInvocations', Dimensions: [{ Name: 'RuleName', Value: 'basic' }], Statistics: ['Sum'],
            Period: 3600, StartTime: new Date(Date.now() - 3_600_000), EndTime: new Date(Date.now() + 3_600_000),
        }));
        await until('the failure', async () => (await metric()).Datapoints[0]?.Sum === 1);
        assert.equal(hook.got.filter((g) => g.body.includes('"n":3')).length, 1);
    });

    await t.test('an event puts no header of its own into a request', async () => {
        const arn = await destination('headers', (await send(eb.DescribeConnectionCommand, { Name: 'key' })).ConnectionArn, '/headers');
        await rule('headers', arn, { HttpParameters: { HeaderParameters: { 'X-Own': '$.detail.h' } } });
        await put('headers', { h: 'a\r\nX-Evil: 1' });
        await put('headers', { h: 'fine' });
        const [request] = await arrived('/headers');
        assert.equal(request.headers['x-own'], 'fine');
        await until('the failure', async () => (await server.client(cw.CloudWatchClient).send(new cw.ListMetricsCommand({
            Namespace: 'AWS/Events', Dimensions: [{ Name: 'RuleName', Value: 'headers' }] }))).Metrics.length === 1);
        assert.equal(hook.got.filter((g) => g.url.startsWith('/headers')).length, 1);
        await send(eb.DeleteApiDestinationCommand, { Name: 'headers' });
    });

    await t.test('an end', async () => {
        await send(eb.DeauthorizeConnectionCommand, { Name: 'basic' });
        assert.equal((await send(eb.DescribeConnectionCommand, { Name: 'basic' })).ConnectionState, 'DEAUTHORIZED');
        assert.equal((await send(eb.DescribeApiDestinationCommand, { Name: 'basic' })).ApiDestinationState, 'INACTIVE');
        assert.deepEqual((await send(eb.ListApiDestinationsCommand)).ApiDestinations.map((d) => d.Name), ['basic', 'key', 'oauth']);
        for (const Name of ['basic', 'key', 'oauth']) {
            await send(eb.DeleteApiDestinationCommand, { Name });
            await send(eb.DeleteConnectionCommand, { Name });
        }
        assert.deepEqual((await send(eb.ListConnectionsCommand)).Connections, []);
        assert.deepEqual((await server.client(sm.SecretsManagerClient).send(new sm.ListSecretsCommand({}))).SecretList, []);
        await refuses(send(eb.DescribeConnectionCommand, { Name: 'key' }), 'ResourceNotFoundException', { status: 400 });
    });

    await t.test('what is wrong is refused', async () => {
        await refuses(connect('a', 'BASIC', { ApiKeyAuthParameters: { ApiKeyName: 'x', ApiKeyValue: 'y' } }), 'ValidationException', { status: 400 });
        const arn = await connect('a', 'API_KEY', { ApiKeyAuthParameters: { ApiKeyName: 'x', ApiKeyValue: 'y' } });
        const create = (InvocationEndpoint, ConnectionArn = arn) => send(eb.CreateApiDestinationCommand, { Name: 'd', ConnectionArn, InvocationEndpoint, HttpMethod: 'GET' });
        await refuses(create('file:///etc/passwd'), 'ValidationException', { status: 400 });
        await refuses(create('https://example.org/', `${arn}x`), 'ResourceNotFoundException', { status: 400 });
    });
});

test('api destinations reach nothing on the machine unless they may', async (t) => {
    const { server, send, rule, put } = await world(t);
    const hook = await receiver(t);
    const { ConnectionArn } = await send(eb.CreateConnectionCommand, { Name: 'c', AuthorizationType: 'API_KEY', AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x', ApiKeyValue: 'y' } } });
    const { ApiDestinationArn } = await send(eb.CreateApiDestinationCommand, { Name: 'd', ConnectionArn, InvocationEndpoint: hook.url, HttpMethod: 'POST' });
    await rule('r', ApiDestinationArn);
    await put('r', {});
    await until('the failure', async () => (await server.client(cw.CloudWatchClient).send(new cw.ListMetricsCommand({ Namespace: 'AWS/Events' }))).Metrics.length === 1);
    assert.equal(hook.got.length, 0);
});
