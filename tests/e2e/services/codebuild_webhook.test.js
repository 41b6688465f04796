// Webhooks: made through the API, called as git hosts call them, with builds on a host of the test's own.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { renameSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { refuses } from '../lib/expect.js';
import { GitHost } from '../lib/githost.js';
import { World } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const spec = 'version: 0.2\nphases:\n  build:\n    commands: ["env | grep ^CODEBUILD_ | sort", "cat a.txt"]\n';
const sign = (secret, body) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

// Posts bytes as they are: {status, body}.
function post(url, body, headers = {}) {
    return new Promise((done, fail) => {
        const req = request(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }, (resp) => {
            const parts = [];
            resp.on('data', (bytes) => parts.push(bytes));
            resp.on('end', () => {
                const text = Buffer.concat(parts).toString();
                done({ status: resp.statusCode, text, body: text.startsWith('{') ? JSON.parse(text) : null });
            });
        });
        req.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? done({ status: 0, body: null }) : fail(error)));
        req.end(body);
    });
}

test('webhooks', { skip: withoutBuilds() }, async (t) => {
    const host = await GitHost.start(t);
    const server = await Server.start(t, {
        config: `sources:\n  https://github.com/: ${host.url}/{repository}.git\n  https://gitlab.com/: ${host.url}/{repository}.git\n  https://bitbucket.org/: ${host.url}/{repository}.git\n`,
    });
    const world = await World.make(server, { name: 'hook' });
    const send = (Command, input) => world.builds.send(new Command(input));
    const app = await host.repository('team/app', { 'buildspec.yml': spec, 'a.txt': 'one\n' });
    const before = await app.push('base', {});
    const after = await app.push('change [CodeBuild]', { 'a.txt': 'two\n' });
    await world.project('app', '', { source: { type: 'GITHUB', location: 'https://github.com/team/app' }, artifacts: { type: 'NO_ARTIFACTS' } });
    const filterGroups = [[
        { type: 'EVENT', pattern: 'PUSH' }, { type: 'HEAD_REF', pattern: '^refs/heads/main$' },
        { type: 'FILE_PATH', pattern: '^docs/', excludeMatchedPattern: true },
    ], [{ type: 'EVENT', pattern: 'PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED' }, { type: 'BASE_REF', pattern: '^refs/heads/main$' }]];
    let webhook;
    const push = (extra = {}) => JSON.stringify({
        ref: 'refs/heads/main', before, after, sender: { id: 42 }, head_commit: { message: 'change [CodeBuild]' },
        commits: [{ added: [], modified: ['a.txt'], removed: [] }], ...extra,
    });
    const deliver = (body, headers = {}, secret = webhook.secret) => post(webhook.payloadUrl, body, {
        'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'd1', 'User-Agent': 'GitHub-Hookshot/044aadd',
        ...(secret ? { 'X-Hub-Signature-256': sign(secret, body) } : {}), ...headers,
    });
    const builds = async () => (await send(cb.ListBuildsForProjectCommand, { projectName: 'app' })).ids;

    await t.test('is made once, with a secret that is shown once', async () => {
        ({ webhook } = await send(cb.CreateWebhookCommand, { projectName: 'app', filterGroups }));
        assert.match(webhook.payloadUrl, /\/hooks\/codebuild\/[0-9a-f]{32}$/);
        assert.match(webhook.secret, /^[0-9a-f]{40}$/);
        await refuses(send(cb.CreateWebhookCommand, { projectName: 'app' }), 'ResourceAlreadyExistsException');
        await refuses(send(cb.CreateWebhookCommand, { projectName: 'none' }), 'ResourceNotFoundException');
        const { projects } = await send(cb.BatchGetProjectsCommand, { names: ['app'] });
        assert.deepEqual(projects[0].webhook.filterGroups,
            filterGroups.map((group) => group.map((filter) => ({ excludeMatchedPattern: false, ...filter }))));
        assert.equal(projects[0].webhook.secret, undefined);
        assert.equal(projects[0].webhook.payloadUrl, webhook.payloadUrl);
        assert.ok(!server.read('trunkline.db').includes(webhook.secret), 'the secret is sealed at rest');
    });

    await t.test('what is not the host\'s starts nothing', async () => {
        const body = push();
        assert.equal((await deliver(body, {}, null)).status, 401);
        assert.equal((await deliver(body, { 'X-Hub-Signature': 'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709' }, null)).status, 401);
        assert.equal((await deliver(body, {}, 'wrong')).status, 403);
        assert.equal((await deliver(body, { 'X-Hub-Signature-256': sign(webhook.secret, JSON.stringify(JSON.parse(body), null, 1)) })).status, 403);
        assert.equal((await deliver(body, { 'X-Hub-Signature-256': 'sha256=' })).status, 403);
        assert.equal((await post(webhook.payloadUrl.replace(/.{32}$/, '0'.repeat(32)), body)).status, 404);
        assert.equal((await fetch(webhook.payloadUrl)).status, 405);
        assert.equal((await fetch(`${server.url}/hooks/codebuild`, { method: 'POST' })).status, 404);
        assert.equal((await deliver('no json')).status, 400);
        assert.notEqual((await deliver(Buffer.alloc(20 << 20, 'x'))).status, 200);
        assert.deepEqual(await builds(), []);
    });

    await t.test('a push builds its commit, with the event\'s variables; again, it changes nothing', async () => {
        const body = push();
        const first = await deliver(body);
        assert.equal(first.status, 200, first.text);
        const built = await world.built(first.body.build);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.equal(built.initiator, 'GitHub-Hookshot/044aadd');
        assert.equal(built.sourceVersion, after);
        assert.equal(built.resolvedSourceVersion, after);
        for (const line of [
            'CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID=42', 'CODEBUILD_WEBHOOK_EVENT=PUSH', 'CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/main',
            `CODEBUILD_WEBHOOK_PREV_COMMIT=${before}`, 'CODEBUILD_WEBHOOK_TRIGGER=branch/main', 'CODEBUILD_INITIATOR=GitHub-Hookshot/044aadd', 'two',
        ]) {
            assert.ok(log.split('\n').includes(line), `${line} is not in\n${log}`);
        }
        for (const id of ['d1', 'another']) {
            const again = await deliver(body, { 'X-GitHub-Delivery': id });
            assert.equal(again.status, 200);
            assert.match(again.body.ignored, /acted upon/);
        }
        assert.deepEqual(await builds(), [first.body.build]);
    });

    await t.test('filters decide; pull requests build their reference', async () => {
        for (const other of [push({ ref: 'refs/heads/dev' }), push({ commits: [{ added: ['docs/x.md', 'a.txt'] }] })]) {
            assert.match((await deliver(other)).body.ignored, /no filter group/);
        }
        assert.match((await deliver(push({ after: '0'.repeat(40) }))).body.ignored, /deleted/);
        assert.match((await deliver('{"zen":"x"}', { 'X-GitHub-Event': 'ping' })).body.ignored, /pong/);
        const head = await app.push('proposal', { 'a.txt': 'proposed\n' }, 'refs/pull/3/head');
        const body = JSON.stringify({
            action: 'opened', sender: { id: 7 },
            pull_request: { number: 3, merged: false, head: { ref: 'feature', sha: head }, base: { ref: 'main', sha: after } },
        });
        const form = `payload=${encodeURIComponent(body)}`;
        const answer = await deliver(form, { 'X-GitHub-Event': 'pull_request', 'Content-Type': 'application/x-www-form-urlencoded' });
        assert.equal(answer.status, 200, answer.text);
        const built = await world.built(answer.body.build);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.equal(built.sourceVersion, 'pr/3');
        assert.equal(built.resolvedSourceVersion, head);
        assert.match(log, /^CODEBUILD_WEBHOOK_TRIGGER=pr\/3$/m);
        assert.match(log, /^CODEBUILD_WEBHOOK_BASE_REF=refs\/heads\/main$/m);
        assert.match(log, /^proposed$/m);
    });

    await t.test('files and message of a pull request are asked of its repository', async () => {
        const rule = (...filters) => [[{ type: 'EVENT', pattern: 'PULL_REQUEST_CREATED' }, ...filters]];
        const head = await app.push('proposal [build]', { 'docs/guide.md': 'x\n' }, 'refs/pull/4/head');
        const opened = (number) => JSON.stringify({
            action: 'opened', sender: { id: 7 }, n: Math.random(),
            pull_request: { number, merged: false, head: { ref: 'f', sha: head }, base: { ref: 'main', sha: after } },
        });
        for (const [filterGroup, starts] of [
            [rule({ type: 'FILE_PATH', pattern: '^docs/' }), true],
            [rule({ type: 'FILE_PATH', pattern: '^src/' }), false],
            [rule({ type: 'FILE_PATH', pattern: '^docs/', excludeMatchedPattern: true }), false],
            [rule({ type: 'COMMIT_MESSAGE', pattern: '\\[build\\]' }, { type: 'FILE_PATH', pattern: 'guide' }), true],
            [rule({ type: 'COMMIT_MESSAGE', pattern: '\\[skip\\]' }), false],
        ]) {
            await send(cb.UpdateWebhookCommand, { projectName: 'app', filterGroups: filterGroup });
            const answer = await deliver(opened(4), { 'X-GitHub-Event': 'pull_request' });
            assert.equal(answer.status, 200, answer.text);
            assert.equal(Boolean(answer.body.build), starts, `${JSON.stringify(filterGroup)} ${answer.text}`);
        }
        // A host that cannot be asked: the delivery failed, and may come again.
        const mirror = join(host.root, 'team/app.git');
        renameSync(mirror, `${mirror}.away`);
        const body = opened(4);
        const failed = await deliver(body, { 'X-GitHub-Event': 'pull_request' });
        assert.equal(failed.status, 503);
        assert.match(failed.body.message, /could not be asked what the pull request changes/);
        renameSync(`${mirror}.away`, mirror);
        assert.match((await deliver(body, { 'X-GitHub-Event': 'pull_request' })).body.ignored, /no filter group/);
        await send(cb.UpdateWebhookCommand, { projectName: 'app', filterGroups });
    });

    await t.test('names in events stay names', async () => {
        const ref = 'refs/heads/main$(touch /tmp/x)`id`;\'"';
        await send(cb.UpdateWebhookCommand, { projectName: 'app', filterGroups: [[{ type: 'EVENT', pattern: 'PUSH' }]] });
        const answer = await deliver(push({ ref, sender: { id: '--upload-pack=x' } }));
        const built = await world.built(answer.body.build);
        assert.equal(built.buildStatus, 'SUCCEEDED');
        assert.ok((await world.log(built)).split('\n').includes(`CODEBUILD_WEBHOOK_HEAD_REF=${ref}`));
        const hostile = await deliver(push({ after: '--upload-pack=touch /tmp/x' }));
        assert.equal((await world.built(hostile.body.build)).buildStatus, 'FAILED');
    });

    await t.test('update, rotation, refusals, deletion', async () => {
        const old = webhook.secret;
        const rotated = (await send(cb.UpdateWebhookCommand, { projectName: 'app', rotateSecret: true, branchFilter: 'main' })).webhook;
        assert.notEqual(rotated.secret, old);
        assert.equal(rotated.filterGroups, undefined);
        assert.equal(rotated.branchFilter, 'main');
        assert.equal((await deliver(push(), {}, old)).status, 403);
        assert.equal((await send(cb.UpdateWebhookCommand, { projectName: 'app', filterGroups })).webhook.secret, undefined);
        for (const wrong of [
            { filterGroups: [[{ type: 'HEAD_REF', pattern: 'x' }]] }, { filterGroups: [[{ type: 'EVENT', pattern: 'NOPE' }]] },
            { filterGroups: [[{ type: 'EVENT', pattern: 'PUSH' }, { type: 'HEAD_REF', pattern: '(?<=x)' }]] }, { buildType: 'RUNNER_BUILDKITE_BUILD' },
        ]) {
            await refuses(send(cb.UpdateWebhookCommand, { projectName: 'app', ...wrong }), 'InvalidInputException');
        }
        await send(cb.DeleteWebhookCommand, { projectName: 'app' });
        assert.equal((await deliver(push(), {}, rotated.secret)).status, 404);
        await refuses(send(cb.DeleteWebhookCommand, { projectName: 'app' }), 'ResourceNotFoundException');
        await world.project('none', spec, { pipeline: false });
        await refuses(send(cb.CreateWebhookCommand, { projectName: 'none' }), 'InvalidInputException');
    });

    await t.test('GitLab sends its token, Bitbucket its signature', async () => {
        for (const [type, location] of [['GITLAB', 'https://gitlab.com/team/app'], ['BITBUCKET', 'https://bitbucket.org/team/app']]) {
            await world.project(type, '', { source: { type, location }, artifacts: { type: 'NO_ARTIFACTS' } });
        }
        const lab = (await send(cb.CreateWebhookCommand, { projectName: 'GITLAB' })).webhook;
        const body = JSON.stringify({ ref: 'refs/heads/main', before, after, user_id: 5, commits: [] });
        assert.equal((await post(lab.payloadUrl, body, { 'X-Gitlab-Event': 'Push Hook' })).status, 401);
        assert.equal((await post(lab.payloadUrl, body, { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Token': 'no' })).status, 403);
        const first = await post(lab.payloadUrl, body, { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Token': lab.secret, 'User-Agent': 'GitLab/17.1' });
        const built = await world.built(first.body.build);
        assert.equal(built.buildStatus, 'SUCCEEDED', await world.log(built));
        assert.equal(built.initiator, 'GitLab/17.1');
        const bucket = (await send(cb.CreateWebhookCommand, { projectName: 'BITBUCKET' })).webhook;
        const change = JSON.stringify({
            actor: { account_id: '557058:x' }, pullrequest: { id: 9, source: { branch: { name: 'f' }, commit: { hash: after } }, destination: { branch: { name: 'main' } } },
        });
        const second = await post(bucket.payloadUrl, change, { 'X-Event-Key': 'pullrequest:created', 'X-Hub-Signature': sign(bucket.secret, change) });
        const pull = await world.built(second.body.build);
        assert.equal(pull.buildStatus, 'SUCCEEDED', await world.log(pull));
        assert.match(await world.log(pull), /^CODEBUILD_WEBHOOK_TRIGGER=pr\/9$/m);
        assert.equal(pull.sourceVersion, after);
    });
});
