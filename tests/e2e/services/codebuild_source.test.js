// Where builds get their sources from: git over http, mapped locations, S3 folders; with credentials.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { refuses, until } from '../lib/expect.js';
import { GitHost } from '../lib/githost.js';
import { World, git, makeRoles } from '../lib/release.js';
import { Server, run, temporary } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const spec = (...commands) => `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((c) => `      - ${JSON.stringify(c)}\n`).join('')}`;
const TOKEN = 'ghp_0123456789abcdefSECRET';

test('sources of builds', { skip }, async (t) => {
    const host = await GitHost.start(t, { user: 'x-access-token', password: TOKEN });
    const open = await GitHost.start(t);
    const server = await Server.start(t, {
        args: ['--allow-notify-to', '127.0.0.0/8'],
        config: `sources:\n  https://github.com/: file://${host.root}/{repository}.git\n  https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/: file://${host.root}/owner/{repository}.git\n`,
    });
    const world = await World.make(server, { name: 'src' });
    const send = (Command, input) => world.builds.send(new Command(input));
    const app = await host.repository('owner/app', {
        'buildspec.yml': spec('echo from-file $(cat a.txt)', 'git log --oneline | wc -l', 'git remote get-url origin'), 'a.txt': 'one\n',
    });
    const second = await app.push('second', { 'a.txt': 'two\n' });
    const project = (name, source, extra = {}) => world.project(name, '', { source, artifacts: { type: 'NO_ARTIFACTS' }, ...extra });
    const ghe = { type: 'GITHUB_ENTERPRISE', location: app.url };

    await t.test('a repository that needs a credential is refused without one, named and never shown with it', async () => {
        await project('private', ghe);
        const refused = await world.build('private');
        assert.equal(refused.buildStatus, 'FAILED');
        const phase = refused.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE');
        assert.match(phase.contexts[0].message, /for primary source and source version/);

        const { arn } = await send(cb.ImportSourceCredentialsCommand, { token: TOKEN, serverType: 'GITHUB_ENTERPRISE', authType: 'PERSONAL_ACCESS_TOKEN' });
        assert.equal(arn, 'arn:aws:codebuild:eu-west-2:111111111111:token/github_enterprise');
        const built = await world.build('private', { buildspecOverride: spec('cat a.txt', 'cat .git/config', 'env', `echo leak ${TOKEN}`, 'git log --oneline | wc -l') });
        assert.equal(built.buildStatus, 'SUCCEEDED', JSON.stringify(built.phases));
        assert.equal(built.resolvedSourceVersion, second);
        const log = await world.log(built);
        assert.match(log, /^two$/m);
        assert.match(log, /^2$/m);
        assert.ok(log.includes(`url = ${app.url}`));
        assert.ok(log.includes(`CODEBUILD_RESOLVED_SOURCE_VERSION=${second}`));
        assert.ok(log.includes(`CODEBUILD_SOURCE_REPO_URL=${app.url}`));
        assert.match(log, /CODEBUILD_SRC_DIR=\/codebuild\/output\/src\d+\/src\/127\.0\.0\.1\/owner\/app$/m);
        assert.ok(!log.includes(TOKEN), 'the token is hidden');
        assert.ok(!log.includes(Buffer.from(`x-access-token:${TOKEN}`).toString('base64')));
        assert.ok(!server.read('trunkline.db').includes(TOKEN), 'the token is sealed at rest');
    });

    await t.test('git in the build may use the credential of its source only if the buildspec says so', async () => {
        const { createHash } = await import('node:crypto');
        const fill = (url) => `printf 'protocol=http\\nhost=%s\\n\\n' ${new URL(url).host} | GIT_TERMINAL_PROMPT=0 git credential fill`;
        const ask = spec(`${fill(app.url)} | sed -n 's/^password=//p' | tr -d '\\n' | sha256sum`, `${fill(app.url)} || echo none`, `${fill(open.url)} || echo stranger`);
        const digest = createHash('sha256').update(TOKEN).digest('hex');
        const helped = await world.build('private', { buildspecOverride: ask.replace('phases:', 'env: {git-credential-helper: yes}\nphases:') });
        const log = await world.log(helped);
        assert.equal(helped.buildStatus, 'SUCCEEDED', log);
        assert.ok(log.includes(digest), log);
        assert.match(log, /^username=x-access-token$/m);
        assert.match(log, /^password=\*\*\*$/m);
        assert.match(log, /^stranger$/m);
        assert.ok(!log.includes(TOKEN));
        const alone = await world.log(await world.build('private', { buildspecOverride: ask }));
        assert.ok(!alone.includes(digest));
        assert.match(alone, /^none$/m);
    });

    await t.test('credentials are listed without the token, kept unless overwriting is allowed, and deleted', async () => {
        const { sourceCredentialsInfos } = await send(cb.ListSourceCredentialsCommand, {});
        assert.deepEqual(sourceCredentialsInfos, [{
            arn: 'arn:aws:codebuild:eu-west-2:111111111111:token/github_enterprise', serverType: 'GITHUB_ENTERPRISE', authType: 'PERSONAL_ACCESS_TOKEN',
        }]);
        await refuses(send(cb.ImportSourceCredentialsCommand, { token: 'x', serverType: 'GITHUB_ENTERPRISE', authType: 'PERSONAL_ACCESS_TOKEN', shouldOverwrite: false }), 'ResourceAlreadyExistsException');
        await refuses(send(cb.ImportSourceCredentialsCommand, { token: 'x', serverType: 'GITHUB', authType: 'BASIC_AUTH', username: 'a' }), 'InvalidInputException');
        await refuses(send(cb.ImportSourceCredentialsCommand, { token: 'x', serverType: 'GITHUB', authType: 'OAUTH' }), 'InvalidInputException');
        await refuses(send(cb.DeleteSourceCredentialsCommand, { arn: 'arn:aws:codebuild:eu-west-2:111111111111:token/none' }), 'ResourceNotFoundException');
        const { arn } = await send(cb.ImportSourceCredentialsCommand, { token: 'app-password', username: 'ada', serverType: 'BITBUCKET', authType: 'BASIC_AUTH' });
        assert.equal((await send(cb.DeleteSourceCredentialsCommand, { arn })).arn, arn);
        assert.equal((await send(cb.ListSourceCredentialsCommand, {})).sourceCredentialsInfos.length, 1);
    });

    await t.test('versions, depth, submodules and secondary sources', async () => {
        const lib = await open.repository('team/lib', { 'lib.txt': 'library\n' });
        const top = await open.repository('team/top', { 'top.txt': 'top\n' });
        await git(top.tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(open.root, 'team/lib.git'), 'lib');
        await git(top.tree, 'config', '-f', '.gitmodules', 'submodule.lib.url', '../lib.git');
        await top.push('with submodule', {});
        const feature = await top.push('of a pull request', { 'top.txt': 'changed\n' }, 'refs/pull/12/head');
        const other = await lib.push('tagged', { 'lib.txt': 'newer\n' }, 'refs/tags/v2');
        await project('many', {
            type: 'GITLAB_SELF_MANAGED', location: top.url, gitCloneDepth: 1, gitSubmodulesConfig: { fetchSubmodules: true },
            buildspec: spec('cat top.txt lib/lib.txt', 'git log --oneline | wc -l', 'cat $CODEBUILD_SRC_DIR_extra/lib.txt', 'env | grep _extra'),
        }, {
            secondarySources: [{ type: 'GITLAB_SELF_MANAGED', location: lib.url, sourceIdentifier: 'extra' }],
            secondarySourceVersions: [{ sourceIdentifier: 'extra', sourceVersion: 'v2' }],
        });
        const built = await world.build('many', { sourceVersion: 'pr/12' });
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.equal(built.resolvedSourceVersion, feature);
        assert.equal(built.sourceVersion, 'pr/12');
        assert.match(log, /^changed\nlibrary$/m);
        assert.match(log, /^1$/m);
        assert.match(log, /^newer$/m);
        assert.match(log, /^CODEBUILD_SOURCE_VERSION_extra=v2$/m);
        assert.ok(log.includes(`CODEBUILD_SOURCE_REPO_URL_extra=${lib.url}`));
        const exact = await world.build('many', {
            sourceVersion: feature, secondarySourcesVersionOverride: [{ sourceIdentifier: 'extra', sourceVersion: other }],
        });
        assert.equal(exact.buildStatus, 'SUCCEEDED', await world.log(exact));
        const missing = await world.build('many', { sourceVersion: 'no-such-branch' });
        assert.equal(missing.buildStatus, 'FAILED');
        assert.match(missing.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message,
            /^reference not found for primary source and source version no-such-branch$/);
    });

    await t.test('the operator maps hosts to repositories of the machine; the build never sees where they are', async () => {
        await project('mapped', { type: 'GITHUB', location: 'https://github.com/owner/app' });
        const built = await world.build('mapped');
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^from-file two$/m);
        assert.match(log, /^https:\/\/github\.com\/owner\/app$/m);
        assert.ok(!log.includes('file://'));
        await project('commit', { type: 'CODECOMMIT', location: 'https://git-codecommit.eu-west-2.amazonaws.com/v1/repos/app' }, { cache: { type: 'LOCAL', modes: ['LOCAL_SOURCE_CACHE'] } });
        for (const wanted of ['two', 'three']) {
            const again = await world.build('commit');
            const text = await world.log(again);
            assert.equal(again.buildStatus, 'SUCCEEDED', text);
            assert.match(text, new RegExp(`^from-file ${wanted}$`, 'm'));
            assert.match(text, /src\/git-codecommit\.eu-west-2\.amazonaws\.com\/v1\/repos\/app$/m);
            await app.push('third', { 'a.txt': 'three\n' });
        }
    });

    await t.test('hosts that move, private addresses, hostile locations', async () => {
        await project('moved', { type: 'GITHUB_ENTERPRISE', location: `${open.url}/moved/team/lib.git` });
        assert.equal((await world.build('moved')).buildStatus, 'FAILED');
        for (const location of ['ssh://git@example.org/x', 'ext::sh -c id', '--upload-pack=id', 'https://user:secret@example.org/x', 'git@github.com:o/n.git', 'https://exa mple/x']) {
            await refuses(project('bad', { type: 'GITHUB_ENTERPRISE', location }), 'InvalidInputException');
        }
        await refuses(project('bad', { type: 'GITHUB', location: 'https://example.org/owner/name' }), 'InvalidInputException', { message: /github\.com/ });
        await project('file', { type: 'GITHUB_ENTERPRISE', location: `file://${host.root}/owner/app.git` });
        const local = await world.build('file');
        assert.equal(local.buildStatus, 'FAILED');
        assert.match(local.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message, /trunkline\.yml/);
    });

    await t.test('a connection says where the repositories of a host are, of one project or of the account', async () => {
        const head = await world.push('by connection', { 'buildspec.yml': spec('echo connected', 'git remote get-url origin') });
        const source = { type: 'GITLAB', location: 'https://gitlab.com/local/src' };
        await project('own', { ...source, auth: { type: 'CODECONNECTIONS', resource: world.connectionArn } });
        await project('account', source);
        await send(cb.ImportSourceCredentialsCommand, { token: world.connectionArn, serverType: 'GITLAB', authType: 'CODECONNECTIONS' });
        const { sourceCredentialsInfos } = await send(cb.ListSourceCredentialsCommand, {});
        assert.equal(sourceCredentialsInfos.find((i) => i.serverType === 'GITLAB').resource, world.connectionArn);
        for (const name of ['own', 'account']) {
            const built = await world.build(name);
            const log = await world.log(built);
            assert.equal(built.buildStatus, 'SUCCEEDED', log);
            assert.equal(built.resolvedSourceVersion, head);
            assert.match(log, /^https:\/\/gitlab\.com\/local\/src$/m);
        }
        await project('none', { ...source, auth: { type: 'CODECONNECTIONS', resource: `${world.connectionArn}x` } });
        const refused = await world.build('none');
        assert.match(refused.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message, /no connection/);
    });

    await t.test('a build that waits for its host can be stopped', async () => {
        await project('hangs', { type: 'GITHUB_ENTERPRISE', location: `${open.url}/hang/team/lib.git` });
        const { build } = await send(cb.StartBuildCommand, { projectName: 'hangs' });
        await until('git has asked', () => open.requests.some((r) => r.url.startsWith('/hang/')));
        await send(cb.StopBuildCommand, { id: build.id });
        const built = await world.built(build.id, 20_000);
        assert.equal(built.buildStatus, 'STOPPED', JSON.stringify(built.phases));
    });

    await t.test('a folder of S3 arrives as it is; an empty one is named', async () => {
        const s3 = server.client(S3Client);
        for (const [Key, Body] of [['tree/buildspec.yml', spec('find . -type f | sort', 'cat sub/b.txt')], ['tree/sub/b.txt', 'below\n'], ['tree/empty/', '']]) {
            await s3.send(new PutObjectCommand({ Bucket: world.bucket, Key, Body }));
        }
        await project('folder', { type: 'S3', location: `${world.bucket}/tree/` });
        const built = await world.build('folder');
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^\.\/buildspec\.yml\n\.\/sub\/b\.txt$/m);
        assert.match(log, /^below$/m);
        const none = await world.build('folder', { sourceLocationOverride: `${world.bucket}/none/` });
        assert.equal(none.buildStatus, 'FAILED');
        assert.match(none.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message, /there is nothing/);
    });
});

test('a certificate of the project: its git host is believed, and so it is inside the build', { skip }, async (t) => {
    const dir = temporary(t);
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
        '-subj', '/CN=git host of a test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key', '-out', 'cert'], { cwd: dir });
    const [key, cert] = ['key', 'cert'].map((name) => readFileSync(join(dir, name), 'utf8'));
    const host = await GitHost.start(t, { key, cert });
    const server = await Server.start(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });
    const world = await World.make(server, { name: 'cert' });
    const app = await host.repository('owner/app', { 'buildspec.yml': spec('cat a.txt', 'cat "$NODE_EXTRA_CA_CERTS" "$SSL_CERT_FILE"'), 'a.txt': 'from the host\n' });
    await server.client(S3Client).send(new PutObjectCommand({ Bucket: world.bucket, Key: 'ca/cert.pem', Body: cert }));
    await server.client(S3Client).send(new PutObjectCommand({ Bucket: world.bucket, Key: 'ca/bad.pem', Body: 'no certificate' }));
    const build = (certificate) => world.build('certified', certificate ? { certificateOverride: certificate } : {});
    await world.project('certified', '', { source: { type: 'GITHUB_ENTERPRISE', location: app.url }, artifacts: { type: 'NO_ARTIFACTS' } });

    const unknown = await build();
    assert.equal(unknown.buildStatus, 'FAILED');
    assert.match(unknown.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message, /certificate/);
    for (const name of [`${world.bucket}/ca/cert.pem`, `arn:aws:s3:::${world.bucket}/ca/cert.pem`]) {
        const built = await build(name);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^from the host$/m);
        assert.equal(log.replaceAll('\r', '').split(cert.trim()).length, 3, 'in both bundles');
    }
    for (const [name, message] of [[`${world.bucket}/ca/bad.pem`, /ca\/bad\.pem cannot be used: it holds no certificate/],
        [`${world.bucket}/ca/none.pem`, /ca\/none\.pem cannot be used: .*NoSuchKey|does not exist/], ['nothing', /it is no BUCKET\/KEY/]]) {
        const refused = await build(name);
        assert.equal(refused.buildStatus, 'FAILED');
        assert.match(refused.phases.find((p) => p.phaseType === 'PROVISIONING').contexts[0].message, message);
    }
});

test('without the operator\'s word a host on loopback is not reached', { skip }, async (t) => {
    const host = await GitHost.start(t);
    const server = await Server.start(t);
    const world = await World.make(server, { name: 'ssrf' });
    const app = await host.repository('owner/app');
    const before = host.requests.length;
    await world.project('pp', '', { source: { type: 'GITHUB_ENTERPRISE', location: app.url }, artifacts: { type: 'NO_ARTIFACTS' } });
    const built = await world.build('pp');
    assert.equal(built.buildStatus, 'FAILED');
    assert.match(built.phases.find((p) => p.phaseType === 'DOWNLOAD_SOURCE').contexts[0].message, /address of this machine/);
    assert.equal(host.requests.length, before);
});

test('what hosts are told about builds, and badges', { skip }, async (t) => {
    const host = await GitHost.start(t);
    const server = await Server.start(t, { args: ['--allow-notify-to', '127.0.0.0/8'] });
    const world = await World.make(server, { name: 'told' });
    const send = (Command, input) => world.builds.send(new Command(input));
    const app = await host.repository('owner/app', { 'buildspec.yml': spec('true') });
    const commit = await git(app.tree, 'rev-parse', 'HEAD');
    const source = { type: 'GITHUB_ENTERPRISE', location: app.url, reportBuildStatus: true };
    const project = (name, extra = {}) => world.project(name, '', { source, artifacts: { type: 'NO_ARTIFACTS' }, ...extra });

    await t.test('without a credential nobody is told', async () => {
        await project('told');
        assert.equal((await world.build('told')).buildStatus, 'SUCCEEDED');
        assert.deepEqual(host.statuses, []);
    });

    await t.test('pending and the end, again when the host does not answer, with the configured words', async () => {
        await send(cb.ImportSourceCredentialsCommand, { token: TOKEN, serverType: 'GITHUB_ENTERPRISE', authType: 'PERSONAL_ACCESS_TOKEN' });
        host.apiFailures = 2;
        const built = await world.build('told');
        const all = await until('the end', () => host.statuses.some((s) => s.body.state === 'success') && host.statuses);
        const end = all[all.length - 1];
        assert.equal(end.path, `/api/v3/repos/owner/app/statuses/${commit}`);
        assert.equal(end.authorization, `Bearer ${TOKEN}`);
        assert.equal(end.body.context, 'AWS CodeBuild eu-west-2 (told)');
        assert.ok(end.body.target_url.includes(built.id));
        host.statuses.length = 0;
        await send(cb.UpdateProjectCommand, {
            name: 'told', source: { ...source, buildStatusConfig: { context: 'ci/$CODEBUILD_BUILD_NUMBER', targetUrl: 'https://example.org/${CODEBUILD_INITIATOR}' } },
        });
        const failed = await world.build('told', { buildspecOverride: spec('false') });
        assert.equal(failed.buildStatus, 'FAILED');
        await until('the failure', () => host.statuses.some((s) => s.body.state === 'failure'));
        // A beginning that is over before it is told is old news.
        assert.deepEqual(host.statuses.map((s) => s.body.state).filter((state) => state !== 'pending'), ['failure']);
        const { body: last } = host.statuses[host.statuses.length - 1];
        assert.equal(last.context, `ci/${failed.buildNumber}`);
        assert.equal(last.target_url, `https://example.org/${failed.initiator}`);
        assert.ok(!server.log.includes(TOKEN));
    });

    await t.test('a batch is told as one, or each of its builds, as the project says', async () => {
        const batchSpec = `version: 0.2\nbatch: {fast-fail: false, build-list: [{identifier: one}, {identifier: two}]}\nphases: {build: {commands: ['[ "$CODEBUILD_BATCH_BUILD_IDENTIFIER" != "$FAIL" ]']}}\n`;
        const serviceRole = 'arn:aws:iam::111111111111:role/batch';
        const batch = async (name, extra = {}) => {
            host.statuses.length = 0;
            const { buildBatch } = await send(cb.StartBuildBatchCommand, { projectName: name, buildspecOverride: batchSpec, ...extra });
            return until('the batch', async () => {
                const [now] = (await send(cb.BatchGetBuildBatchesCommand, { ids: [buildBatch.id] })).buildBatches;
                return now.complete && now;
            }, { timeout_ms: 60_000 });
        };
        const contexts = () => host.statuses.map((s) => `${s.body.context}: ${s.body.state}`);
        const whole = 'AWS CodeBuild BuildBatch eu-west-2 (whole)';
        await makeRoles(server, { batch: 'codebuild' });
        await project('whole', { buildBatchConfig: { serviceRole } });
        const ended = await batch('whole');
        assert.equal(ended.buildBatchStatus, 'SUCCEEDED', JSON.stringify(ended.buildGroups));
        await until('the end', () => host.statuses.some((s) => s.body.state === 'success'));
        // Its beginning is told unless it is over by then.
        assert.deepEqual(contexts().filter((line) => !line.endsWith('pending')), [`${whole}: success`]);
        assert.ok(contexts().every((line) => line.startsWith(whole)), contexts().join('\n'));
        assert.equal((await batch('whole', { environmentVariablesOverride: [{ name: 'FAIL', value: 'two' }] })).buildBatchStatus, 'FAILED');
        await until('the failure', () => host.statuses.some((s) => s.body.state === 'failure'));
        await batch('whole', { reportBuildBatchStatusOverride: false });
        await project('each', { buildBatchConfig: { serviceRole, batchReportMode: 'REPORT_INDIVIDUAL_BUILDS' } });
        await batch('each');
        await until('both ends', () => contexts().filter((line) => line === 'AWS CodeBuild eu-west-2 (each): success').length === 2);
        assert.ok(contexts().every((line) => !line.includes('BuildBatch')), contexts().join('\n'));
    });

    await t.test('GitLab in its words, with a token of Secrets Manager', async () => {
        host.statuses.length = 0;
        const { ARN } = await server.client(SecretsManagerClient).send(new CreateSecretCommand({
            Name: 'lab', SecretString: JSON.stringify({ ServerType: 'GITLAB_SELF_MANAGED', AuthType: 'PERSONAL_ACCESS_TOKEN', Token: 'glpat-0123456789' }),
        }));
        await project('lab', { source: { ...source, type: 'GITLAB_SELF_MANAGED', auth: { type: 'SECRETS_MANAGER', resource: ARN } } });
        const before = host.requests.length;
        const built = await world.build('lab');
        assert.equal(built.buildStatus, 'SUCCEEDED', await world.log(built));
        assert.ok(host.requests.slice(before).some((r) => r.authorization === `Basic ${Buffer.from('oauth2:glpat-0123456789').toString('base64')}`));
        await until('the end', () => host.statuses.some((s) => s.body.state === 'success'));
        assert.equal(host.statuses.at(-1).path, `/api/v4/projects/owner%2Fapp/statuses/${commit}`);
        assert.deepEqual(host.statuses.map((s) => s.body.state).filter((state) => state !== 'running'), ['success']);
    });

    await t.test('a badge shows the last build of the branch to whoever has its URL', async () => {
        await project('badge', { badgeEnabled: true });
        const shown = async () => (await send(cb.BatchGetProjectsCommand, { names: ['badge'] })).projects[0].badge;
        const { badgeRequestUrl } = await shown();
        const look = async (url = badgeRequestUrl) => {
            const resp = await fetch(url);
            return { status: resp.status, type: resp.headers.get('content-type'), text: await resp.text() };
        };
        assert.match((await look()).text, /build: unknown/);
        await world.build('badge', { sourceVersion: 'main' });
        const good = await look();
        assert.equal(good.status, 200);
        assert.equal(good.type, 'image/svg+xml');
        assert.match(good.text, /build: passing/);
        const running = await send(cb.StartBuildCommand, { projectName: 'badge', buildspecOverride: spec('sleep 600') });
        assert.match((await look()).text, /build: in progress/);
        await send(cb.StopBuildCommand, { id: running.build.id });
        await world.built(running.build.id);
        assert.match((await look()).text, /build: failing/);
        await world.build('badge', { sourceVersion: 'other' });
        assert.match((await look(badgeRequestUrl.replace('branch=main', 'branch=other'))).text, /build: failing/);
        const url = new URL(badgeRequestUrl);
        const token = url.searchParams.get('uuid');
        for (const wrong of ['', 'x', token.slice(0, -1), `A${token.slice(1)}`, Buffer.from('111111111111/eu-west-2/badge').toString('base64url')]) {
            url.searchParams.set('uuid', wrong);
            assert.equal((await look(url)).status, 404);
        }
        await send(cb.UpdateProjectCommand, { name: 'badge', badgeEnabled: false });
        assert.equal((await shown()).badgeRequestUrl, undefined);
        assert.equal((await look()).status, 404);
        await refuses(world.project('pipe', 'version: 0.2', { badgeEnabled: true }), 'InvalidInputException');
    });
});
