// What CodeBuild's API keeps beside projects and builds: credentials of git hosts, webhooks, and the
// list of projects. No build runs here; those that use them are in services/codebuild_source and
// services/codebuild_webhook.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { pages, refuses } from './lib/expect.js';
import { makeRoles } from './lib/release.js';
import { Server } from './lib/server.js';

const project = (name, extra = {}) => ({
    name, source: { type: 'GITHUB', location: 'https://github.com/local/app.git' }, artifacts: { type: 'NO_ARTIFACTS' },
    environment: { type: 'LINUX_CONTAINER', image: 'debian-bookworm-build', computeType: 'BUILD_GENERAL1_SMALL' },
    serviceRole: 'arn:aws:iam::111111111111:role/build', ...extra,
});

async function begin(t) {
    const server = await Server.start(t);
    await makeRoles(server, { build: 'codebuild' });
    const client = server.client(cb.CodeBuildClient);
    return { server, send: (Command, input = {}) => client.send(new Command(input)) };
}

test('credentials of git hosts', async (t) => {
    const { server, send } = await begin(t);
    const arnOf = (server_) => `arn:aws:codebuild:eu-west-2:111111111111:token/${server_}`;
    const list = async () => (await send(cb.ListSourceCredentialsCommand)).sourceCredentialsInfos;
    const token = (serverType, extra = {}) => ({ token: 'very-secret-token', serverType, authType: 'PERSONAL_ACCESS_TOKEN', ...extra });

    await t.test('are kept one a host, without the token', async () => {
        assert.deepEqual(await list(), []);
        const { arn } = await send(cb.ImportSourceCredentialsCommand, token('GITHUB'));
        assert.equal(arn, arnOf('github'));
        await send(cb.ImportSourceCredentialsCommand, token('GITLAB'));
        await send(cb.ImportSourceCredentialsCommand, token('BITBUCKET', { authType: 'BASIC_AUTH', username: 'ada' }));
        const all = await list();
        assert.deepEqual(all.map((c) => [c.serverType, c.authType]).sort(),
            [['BITBUCKET', 'BASIC_AUTH'], ['GITHUB', 'PERSONAL_ACCESS_TOKEN'], ['GITLAB', 'PERSONAL_ACCESS_TOKEN']]);
        assert.ok(!JSON.stringify(all).includes('secret-token'));
        for (const name of readdirSync(server.dir).filter((n) => /\.db|\.sqlite|-wal$/.test(n))) {
            assert.equal(readFileSync(join(server.dir, name)).includes('very-secret-token'), false, name);
        }
    });

    await t.test('are overwritten, unless that is forbidden', async () => {
        const again = token('GITHUB');
        await refuses(send(cb.ImportSourceCredentialsCommand, { ...again, shouldOverwrite: false }), 'ResourceAlreadyExistsException', { status: 400 });
        assert.equal((await send(cb.ImportSourceCredentialsCommand, { ...again, shouldOverwrite: true })).arn, arnOf('github'));
        assert.equal((await send(cb.ImportSourceCredentialsCommand, again)).arn, arnOf('github'));
        assert.equal((await list()).length, 3);
    });

    await t.test('that make no sense are refused, and nothing is kept of them', async () => {
        for (const wrong of [
            token('GITHUB', { authType: 'BASIC_AUTH', username: 'ada' }), token('BITBUCKET', { authType: 'BASIC_AUTH' }),
            token('GITHUB', { token: '' }), token('GITHUB', { authType: 'OAUTH' }), token('SOURCEFORGE'), token('GITHUB', { authType: 'PASSWORD' }),
        ]) {
            await refuses(send(cb.ImportSourceCredentialsCommand, wrong), 'InvalidInputException', { status: 400 });
        }
        assert.equal((await list()).length, 3);
    });

    await t.test('are an account\'s own, and are deleted by their ARN once', async () => {
        const other = server.client(cb.CodeBuildClient, 'development');
        assert.deepEqual((await other.send(new cb.ListSourceCredentialsCommand({}))).sourceCredentialsInfos, []);
        await refuses(other.send(new cb.DeleteSourceCredentialsCommand({ arn: arnOf('github').replace('111111111111', '222222222222') })),
            'ResourceNotFoundException', { status: 400 });
        assert.equal((await send(cb.DeleteSourceCredentialsCommand, { arn: arnOf('github') })).arn, arnOf('github'));
        await refuses(send(cb.DeleteSourceCredentialsCommand, { arn: arnOf('github') }), 'ResourceNotFoundException', { status: 400 });
        assert.deepEqual((await list()).map((c) => c.serverType).sort(), ['BITBUCKET', 'GITLAB']);
    });
});

test('webhooks of projects', async (t) => {
    const { send } = await begin(t);
    await send(cb.CreateProjectCommand, project('app'));
    const shown = async () => (await send(cb.BatchGetProjectsCommand, { names: ['app'] })).projects[0].webhook;
    const groups = [[{ type: 'EVENT', pattern: 'PUSH' }, { type: 'HEAD_REF', pattern: '^refs/heads/main$' }]];

    await t.test('are made once a project, and their secret is shown once', async () => {
        await refuses(send(cb.UpdateWebhookCommand, { projectName: 'app' }), 'ResourceNotFoundException', { status: 400 });
        const { webhook } = await send(cb.CreateWebhookCommand, { projectName: 'app', filterGroups: groups });
        assert.ok(webhook.secret.length >= 20);
        assert.match(webhook.payloadUrl, /^http/);
        assert.deepEqual(webhook.filterGroups[0].map((f) => [f.type, f.pattern]), groups[0].map((f) => [f.type, f.pattern]));
        assert.equal((await shown()).secret, undefined);
        assert.equal((await shown()).payloadUrl, webhook.payloadUrl);
        await refuses(send(cb.CreateWebhookCommand, { projectName: 'app' }), 'ResourceAlreadyExistsException', { status: 400 });
    });

    await t.test('are updated member by member; a rotated secret is another one', async () => {
        const before = await shown();
        const { webhook: filtered } = await send(cb.UpdateWebhookCommand, { projectName: 'app', filterGroups: [[{ type: 'EVENT', pattern: 'PULL_REQUEST_MERGED' }]] });
        assert.equal(filtered.secret, undefined);
        assert.deepEqual((await shown()).filterGroups.map((g) => g.map((f) => f.pattern)), [['PULL_REQUEST_MERGED']]);
        const first = (await send(cb.UpdateWebhookCommand, { projectName: 'app', rotateSecret: true })).webhook.secret;
        const second = (await send(cb.UpdateWebhookCommand, { projectName: 'app', rotateSecret: true })).webhook.secret;
        assert.notEqual(first, second);
        assert.equal((await shown()).payloadUrl, before.payloadUrl);
        assert.ok((await shown()).lastModifiedSecret >= before.lastModifiedSecret);
        const { webhook: branch } = await send(cb.UpdateWebhookCommand, { projectName: 'app', branchFilter: '^main$' });
        assert.equal(branch.branchFilter, '^main$');
        assert.equal(branch.filterGroups, undefined, 'one kind of filter at a time');
    });

    await t.test('that make no sense are refused, and stay as they are', async () => {
        const before = JSON.stringify(await shown());
        for (const wrong of [
            { filterGroups: [[{ type: 'HEAD_REF', pattern: 'x' }]] }, { filterGroups: [[{ type: 'EVENT', pattern: 'NOPE' }]] },
            { filterGroups: [[{ type: 'WEATHER', pattern: 'x' }]] }, { buildType: 'SOMETHING' },
        ]) {
            await refuses(send(cb.UpdateWebhookCommand, { projectName: 'app', ...wrong }), 'InvalidInputException', { status: 400 });
        }
        assert.equal(JSON.stringify(await shown()), before);
        await refuses(send(cb.UpdateWebhookCommand, { projectName: 'none' }), 'ResourceNotFoundException', { status: 400 });
    });

    await t.test('are deleted, and go with their project', async () => {
        await send(cb.DeleteWebhookCommand, { projectName: 'app' });
        assert.equal(await shown(), undefined);
        await refuses(send(cb.DeleteWebhookCommand, { projectName: 'app' }), 'ResourceNotFoundException', { status: 400 });
        await refuses(send(cb.DeleteWebhookCommand, { projectName: 'none' }), 'ResourceNotFoundException', { status: 400 });
        await send(cb.CreateWebhookCommand, { projectName: 'app' });
        await send(cb.DeleteProjectCommand, { name: 'app' });
        await send(cb.CreateProjectCommand, project('app'));
        assert.equal(await shown(), undefined);
    });
});

test('the list of projects', async (t) => {
    const { server, send } = await begin(t);
    const names = Array.from({ length: 103 }, (x, i) => `p${String(i).padStart(3, '0')}`);
    for (const name of names) {
        await send(cb.CreateProjectCommand, project(name));
    }
    const all = async (input) => pages((nextToken) => send(cb.ListProjectsCommand, { ...input, nextToken }), (page) => page.projects, (page) => page.nextToken);

    await t.test('comes in pages of a hundred, by name, up and down', async () => {
        const up = await all({ sortBy: 'NAME', sortOrder: 'ASCENDING' });
        assert.deepEqual(up.all, names);
        assert.equal(up.count, 2);
        assert.deepEqual((await all({ sortBy: 'NAME', sortOrder: 'DESCENDING' })).all, [...names].reverse());
        assert.deepEqual((await all({})).all.sort(), names);
    });

    await t.test('by the time of creation, and of the last change', async () => {
        assert.deepEqual((await all({ sortBy: 'CREATED_TIME', sortOrder: 'ASCENDING' })).all, names);
        await send(cb.UpdateProjectCommand, { name: 'p050', description: 'changed' });
        assert.equal((await all({ sortBy: 'LAST_MODIFIED_TIME', sortOrder: 'DESCENDING' })).all[0], 'p050');
        assert.equal((await all({ sortBy: 'LAST_MODIFIED_TIME', sortOrder: 'ASCENDING' })).all.at(-1), 'p050');
    });

    await t.test('is an account\'s own, and so are its tokens', async () => {
        const other = server.client(cb.CodeBuildClient, 'development');
        assert.deepEqual((await other.send(new cb.ListProjectsCommand({}))).projects, []);
        const { nextToken } = await send(cb.ListProjectsCommand);
        await refuses(other.send(new cb.ListProjectsCommand({ nextToken })), 'InvalidInputException', { status: 400 });
        await refuses(send(cb.ListProjectsCommand, { nextToken: 'p050' }), 'InvalidInputException', { status: 400 });
        await refuses(send(cb.ListProjectsCommand, { sortBy: 'SIZE' }), 'InvalidInputException', { status: 400 });
        await refuses(send(cb.ListProjectsCommand, { sortOrder: 'SIDEWAYS' }), 'InvalidInputException', { status: 400 });
    });
});
