// Webhooks of pipelines and hooks of connections, as git hosts call them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { pages, refuses, until } from '../lib/expect.js';
import { GitHost } from '../lib/githost.js';
import { World, git, makeRoles, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';

async function post(url, body, headers = {}) {
    try {
        const answer = await fetch(url, { method: 'POST', body, headers });
        const text = await answer.text();
        return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : {} };
    } catch (error) {
        return { status: 0, text: String(error), body: {} };
    }
}

const sign = (secret, body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

test('webhooks of pipelines', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const send = (Command, input) => world.pipelines.send(new Command(input));
    const secret = 'three little words';
    const definition = (extra = {}) => ({
        name: 'hook', targetPipeline: 'app', targetAction: 'Trunk', authentication: 'GITHUB_HMAC',
        authenticationConfiguration: { SecretToken: secret },
        filters: [{ jsonPath: '$.ref', matchEquals: 'refs/heads/{BranchName}' }], ...extra,
    });
    const put = (extra, tags) => send(cp.PutWebhookCommand, { webhook: definition(extra), tags });
    const source = stages.source(world);
    source.actions[0].configuration.DetectChanges = 'false';
    await world.pipeline([source, stages.approval()]);
    const count = async () => (await world.executions()).length;
    let hook;

    await t.test('is kept as it was made, its secret as asterisks', async () => {
        ({ webhook: hook } = await put({}, [{ key: 'team', value: 'a' }]));
        assert.match(hook.url, /\/hooks\/[0-9a-f]{32}$/);
        assert.equal(hook.arn, 'arn:aws:codepipeline:eu-west-2:111111111111:webhook:hook');
        const shown = definition({ authenticationConfiguration: { SecretToken: '****' } });
        assert.deepEqual(hook.definition, shown);
        const { webhooks } = await send(cp.ListWebhooksCommand, {});
        assert.deepEqual(webhooks, [{ definition: shown, url: hook.url, arn: hook.arn, tags: [{ key: 'team', value: 'a' }] }]);
        assert.ok(!server.read('trunkline.db').includes(secret), 'the secret is sealed at rest');
    });

    await t.test('what cannot be is refused by its own exception', async () => {
        const authentication = 'InvalidWebhookAuthenticationParametersException';
        await refuses(put({ authenticationConfiguration: {} }), authentication);
        await refuses(put({ authenticationConfiguration: { SecretToken: 'x', AllowedIPRange: '10.0.0.0/8' } }), authentication);
        await refuses(put({ authentication: 'IP', authenticationConfiguration: { AllowedIPRange: 'nonsense' } }), authentication, { message: /CIDR/ });
        await refuses(put({ authentication: 'IP', authenticationConfiguration: {} }), authentication);
        await refuses(put({ authentication: 'UNAUTHENTICATED' }), authentication);
        for (const jsonPath of ['ref', '$..ref', '$.a[', '$.a[?(@.b)]', '$.']) {
            await refuses(put({ filters: [{ jsonPath }] }), 'InvalidWebhookFilterPatternException', { message: /column/ });
        }
        await refuses(put({ targetPipeline: 'none' }), 'PipelineNotFoundException');
        await refuses(put({ targetAction: 'Person' }), 'ValidationException');
        await refuses(put({ filters: Array(6).fill({ jsonPath: '$.a' }) }), 'ValidationException');
        await refuses(put({ authentication: 'SECRET' }), 'ValidationException');
        await refuses(put({}, [{ key: 'aws:x', value: '1' }]), 'InvalidTagsException');
        await refuses(send(cp.RegisterWebhookWithThirdPartyCommand, { webhookName: 'none' }), 'WebhookNotFoundException');
        await refuses(send(cp.DeregisterWebhookWithThirdPartyCommand, { webhookName: 'none' }), 'WebhookNotFoundException');
        await send(cp.RegisterWebhookWithThirdPartyCommand, { webhookName: 'hook' });
        await send(cp.DeregisterWebhookWithThirdPartyCommand, { webhookName: 'hook' });
    });

    const push = (ref = 'refs/heads/main', extra = {}) => JSON.stringify({ ref, after: 'a'.repeat(40), ...extra });
    const deliver = (body, headers = {}, url = hook.url) => post(url, body, { 'X-GitHub-Event': 'push', 'X-Hub-Signature-256': sign(secret, body), ...headers });

    await t.test('what is not signed starts nothing', async () => {
        const before = await count();
        const body = push();
        const without = (headers) => post(hook.url, body, headers);
        assert.equal((await without({})).status, 401);
        assert.equal((await without({ 'X-Hub-Signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` })).status, 401);
        assert.equal((await without({ 'X-Hub-Signature-256': sign('wrong', body) })).status, 403);
        assert.equal((await without({ 'X-Hub-Signature-256': sign(secret, JSON.stringify(JSON.parse(body), null, 1)) })).status, 403);
        assert.equal((await without({ 'X-Hub-Signature-256': 'sha256=' })).status, 403);
        assert.notEqual((await deliver(Buffer.alloc(64 << 20, 'x'))).status, 200);
        assert.equal((await deliver('no json')).status, 400);
        assert.equal((await fetch(hook.url)).status, 405);
        assert.equal((await post(hook.url.replace(/.{32}$/, '0'.repeat(32)), body)).status, 404);
        assert.equal((await post(`${server.url}/hooks/../hooks/x`, body)).status, 404);
        assert.equal(await count(), before);
    });

    await t.test('a matching delivery starts the pipeline once', async () => {
        const before = await count();
        const first = await deliver(push());
        assert.equal(first.status, 200, first.text);
        const { trigger } = await world.execution(first.body.pipelineExecutionId);
        assert.deepEqual(trigger, { triggerType: 'Webhook', triggerDetail: hook.arn });
        assert.match((await deliver(push())).body.ignored, /acted upon/);
        assert.match((await deliver(push(), { 'X-GitHub-Delivery': 'another' })).body.ignored, /acted upon/);
        assert.match((await deliver(push('refs/heads/other'))).body.ignored, /does not match/);
        assert.match((await deliver(push(null))).body.ignored, /does not match/);
        assert.equal(await count(), before + 1);
        const [listed] = (await send(cp.ListWebhooksCommand, {})).webhooks;
        assert.ok(listed.lastTriggered instanceof Date);
        const body = push('refs/heads/main', { n: 2 });
        const form = `payload=${encodeURIComponent(body)}`;
        assert.ok((await deliver(form, { 'Content-Type': 'application/x-www-form-urlencoded' })).body.pipelineExecutionId);
    });

    await t.test('an update keeps URL and secret; filters may be several', async () => {
        const { webhook } = await put({
            authenticationConfiguration: { SecretToken: '****' },
            filters: [{ jsonPath: '$.ref' }, { jsonPath: "$['commits'][*].id", matchEquals: 'x' }, { jsonPath: '$.n', matchEquals: '3' }, { jsonPath: '$.ok', matchEquals: 'true' }],
        });
        assert.equal(webhook.url, hook.url);
        const commits = [{ id: 'y' }, { id: 'x' }];
        assert.ok((await deliver(push('r', { n: 3, ok: true, commits }))).body.pipelineExecutionId);
        for (const wrong of [{ n: '3', ok: false, commits }, { n: 3.0001, ok: true, commits }, { n: 3, ok: true, commits: { a: 'x' } }, { n: 3, ok: true }]) {
            assert.match((await deliver(push('r', wrong))).body.ignored, /does not match/);
        }
        await put({ filters: [{ jsonPath: '$.ref', matchEquals: '{Unknown}' }] });
        assert.match((await deliver(push('{Unknown}'))).body.ignored, /does not match/);
    });

    await t.test('by address, or by nobody: the same body counts each time', async () => {
        const ip = (name, AllowedIPRange) => put({ name, authentication: 'IP', authenticationConfiguration: { AllowedIPRange }, filters: [{ jsonPath: '$.go' }] });
        const near = (await ip('near', '127.0.0.0/8')).webhook;
        const far = (await ip('far', '198.51.100.0/24')).webhook;
        const open = (await put({ name: 'open', authentication: 'UNAUTHENTICATED', authenticationConfiguration: {}, filters: [{ jsonPath: '$.go' }] })).webhook;
        const before = await count();
        assert.ok((await post(near.url, '{"go":1}')).body.pipelineExecutionId);
        assert.equal((await post(far.url, '{"go":1}', { 'X-Forwarded-For': '198.51.100.7' })).status, 403);
        assert.ok((await post(open.url, '{"go":1}')).body.pipelineExecutionId);
        assert.ok((await post(open.url, '{"go":1}')).body.pipelineExecutionId);
        assert.match((await post(open.url, '{"stay":1}')).body.ignored, /does not match/);
        assert.equal(await count(), before + 3);
    });

    await t.test('listing pages, tags, deletion', async () => {
        const { all, count: n } = await pages((NextToken) => send(cp.ListWebhooksCommand, { NextToken, MaxResults: 1 }), (p) => p.webhooks, (p) => p.NextToken);
        assert.deepEqual(all.map((w) => w.definition.name), ['far', 'hook', 'near', 'open']);
        assert.equal(n, 4);
        await refuses(send(cp.ListWebhooksCommand, { NextToken: 'x' }), 'InvalidNextTokenException');
        for (const MaxResults of [0, -1, 101]) {
            await refuses(send(cp.ListWebhooksCommand, { MaxResults }), 'ValidationException');
        }
        const resourceArn = hook.arn;
        await send(cp.TagResourceCommand, { resourceArn, tags: [{ key: 'b', value: '2' }] });
        await send(cp.UntagResourceCommand, { resourceArn, tagKeys: ['team'] });
        assert.deepEqual((await send(cp.ListTagsForResourceCommand, { resourceArn })).tags, [{ key: 'b', value: '2' }]);
        await refuses(send(cp.ListTagsForResourceCommand, { resourceArn: `${resourceArn}x` }), 'ResourceNotFoundException');
        await send(cp.DeleteWebhookCommand, { name: 'hook' });
        await send(cp.DeleteWebhookCommand, { name: 'hook' });
        assert.equal((await deliver(push())).status, 404);
        assert.notEqual((await put({})).webhook.url, hook.url);
    });

    await t.test('other accounts see and use none of it', async () => {
        const stranger = server.client(cp.CodePipelineClient, 'development');
        assert.deepEqual((await stranger.send(new cp.ListWebhooksCommand({}))).webhooks, []);
        await refuses(stranger.send(new cp.PutWebhookCommand({ webhook: definition() })), 'PipelineNotFoundException');
        await stranger.send(new cp.DeleteWebhookCommand({ name: 'open' }));
        assert.equal((await send(cp.ListWebhooksCommand, {})).webhooks.length, 4);
    });

    await t.test('a webhook whose pipeline has gone says so', async () => {
        const open = (await send(cp.ListWebhooksCommand, {})).webhooks.find((w) => w.definition.name === 'open');
        await send(cp.DeletePipelineCommand, { name: 'app' });
        assert.equal((await post(open.url, '{"go":1}')).status, 404);
        const shown = (await send(cp.ListWebhooksCommand, {})).webhooks.find((w) => w.definition.name === 'open');
        assert.match(shown.errorMessage, /Pipeline app has no source action Trunk/);
    });
});

test('hooks of connections', async (t) => {
    const server = await Server.start(t);
    const host = await GitHost.start(t);
    const world = await World.make(server);
    const app = await host.repository('team/app', { 'src/a.c': '1' });
    await server.tl('connection', 'complete', 'app-trunk', '--url', `${host.url}/{repository}.git`);
    await makeRoles(server, { other: 'codepipeline' });
    const source = stages.source(world);
    source.actions[0].configuration.FullRepositoryId = 'team/app';
    const trigger = (gitConfiguration) => [{ providerType: 'CodeStarSourceConnection', gitConfiguration: { sourceActionName: 'Trunk', ...gitConfiguration } }];
    const made = await server.tl('connection', 'hook', 'app-trunk', '--json');
    assert.equal(made.status, 0, made.stderr);
    const hook = JSON.parse(made.stdout);
    const deliver = (body, event, secret = hook.secret) => post(hook.url, body, { 'X-GitHub-Event': event, 'X-Hub-Signature-256': sign(secret, body) });
    const pull = (action, head, extra = {}, repository = 'team/app') => JSON.stringify({
        action, number: 7, repository: { full_name: repository },
        pull_request: { number: 7, merged: false, head: { ref: 'feature', sha: head }, base: { ref: 'main', sha: 'c'.repeat(40) }, ...extra },
    });
    const told = async () => (await world.executions()).reverse().slice(1).map((e) => {
        const d = JSON.parse(e.trigger.triggerDetail);
        return [d.PullRequestEvent, d.CommitId];
    });
    await world.pipeline([source, stages.approval()], { triggers: trigger({
        push: [{ branches: { includes: ['main'] } }],
        pullRequest: [{ events: ['OPEN', 'UPDATED'], branches: { includes: ['main'] }, filePaths: { includes: ['src/**'] } }, { events: ['CLOSED'], branches: { includes: ['main'] } }],
    }) });
    await world.waiting(await world.newest());
    let head;

    await t.test('the secret is shown once, and counts until it is rotated', async () => {
        const again = JSON.parse((await server.tl('connection', 'hook', 'app-trunk', '--json')).stdout);
        assert.equal(again.url, hook.url);
        assert.equal(again.secret ?? null, null);
        assert.equal((await post(hook.url, '{}', { 'X-GitHub-Event': 'push' })).status, 401);
        assert.equal((await deliver('{}', 'push', 'wrong')).status, 403);
        assert.match((await deliver('{}', 'ping')).body.done, /pong/);
        assert.ok(!server.read('trunkline.db').includes(hook.secret), 'the secret is sealed at rest');
    });

    await t.test('a push is looked at, and what the event says of it is not believed', async () => {
        const lie = JSON.stringify({ ref: 'refs/heads/main', before: 'a'.repeat(40), after: 'b'.repeat(40), repository: { full_name: 'team/app' } });
        assert.match((await deliver(lie, 'push')).body.done, /looked at/);
        const commit = await app.push('real', { 'src/b.c': '1' });
        assert.match((await deliver(lie.replace('bbbb', commit.slice(0, 4)), 'push')).body.done, /looked at/);
        const id = await world.newest(2);
        assert.equal(JSON.parse((await world.execution(id)).trigger.triggerDetail).CommitId, commit);
        assert.match((await deliver(lie, 'push')).body.done, /acted upon/);
    });

    await t.test('a pull request from elsewhere starts its own commit', async () => {
        await git(app.tree, 'checkout', '-q', '-b', 'feature');
        head = await app.push('proposal', { 'src/c.c': '1' }, 'refs/pull/7/head');
        assert.match((await deliver(pull('opened', head), 'pull_request')).body.done, /1 source actions/);
        const id = await world.newest(3);
        const { trigger: why } = await world.execution(id);
        assert.equal(why.triggerType, 'WebhookV2');
        const detail = JSON.parse(why.triggerDetail);
        assert.deepEqual([detail.PullRequestId, detail.PullRequestEvent, detail.BranchName, detail.DestinationBranchName, detail.CommitId], ['7', 'OPEN', 'feature', 'main', head]);
        const trunk = await until('the source', async () => (await world.actions(id)).find((a) => a.actionName === 'Trunk' && a.status === 'Succeeded'));
        assert.equal(trunk.output.outputVariables.CommitId, head);
        assert.equal(trunk.output.outputVariables.BranchName, 'feature');
        assert.match((await deliver(pull('opened', head), 'pull_request')).body.done, /acted upon/);
    });

    await t.test('filters decide by event, destination and the files that it brings', async () => {
        const next = await app.push('more', { 'docs/x': '1' }, 'refs/pull/7/head'); // src/c.c is still among its files
        await deliver(pull('synchronize', next), 'pull_request');
        await world.newest(4);
        await deliver(pull('synchronize', next, { base: { ref: 'release', sha: 'c'.repeat(40) } }), 'pull_request');
        await git(app.tree, 'checkout', '-q', '-B', 'documents', 'main');
        const documents = await app.push('documents', { 'docs/y': '1' }, 'refs/pull/8/head');
        const eight = { number: 8, head: { ref: 'documents', sha: documents } };
        await deliver(pull('opened', documents, eight), 'pull_request');
        await deliver(pull('labeled', documents, eight), 'pull_request');
        assert.match((await deliver(pull('opened', head, {}, 'team/other'), 'pull_request')).body.done, /^0 source/);
        await deliver(pull('closed', next, { merged: true }), 'pull_request');
        await until('the end of the queue', async () => (await told()).some(([event]) => event === 'CLOSED'));
        assert.deepEqual(await told().then((all) => all.slice(1)), [['OPEN', head], ['UPDATED', next], ['CLOSED', next]]);
    });

    await t.test('events that are no names or commits are refused', async () => {
        const count = (await world.executions()).length;
        for (const body of [
            pull('opened', '--upload-pack=touch /tmp/x'), pull('opened', head, { number: '7/../../x' }),
            pull('opened', head, { base: { ref: '--upload-pack=x', sha: head } }), pull('opened', head, { head: { ref: 'a..b', sha: head } }),
            pull('opened', head, { head: { ref: 'x\u001b[31m', sha: head } }), pull('opened', null), '[]', 'null',
        ]) {
            assert.equal((await deliver(body, 'pull_request')).status, 400, body);
        }
        assert.equal((await world.executions()).length, count);
    });

    await t.test('a rotated secret replaces the old one', async () => {
        const { secret } = JSON.parse((await server.tl('connection', 'hook', 'app-trunk', '--rotate', '--json')).stdout);
        assert.notEqual(secret, hook.secret);
        assert.equal((await deliver('{}', 'ping')).status, 403);
        assert.equal((await deliver('{}', 'ping', secret)).status, 200);
        const none = await server.tl('connection', 'hook', 'nothing');
        assert.notEqual(none.status, 0);
        assert.match(none.stderr, /there is no connection 'nothing'/);
    });
});
