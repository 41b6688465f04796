// The audit chain of a real server: who did what, and that nobody can take it back, kill -9 included.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import * as iam from '@aws-sdk/client-iam';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { until } from '../lib/expect.js';
import { World, buildspec, stages } from '../lib/release.js';
import { PROGRAM, Server, run } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const put = (client, Name, Value) => client.send(new ssm.PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));

async function listed(server, ...words) {
    const done = await server.tl('audit', '--json', ...words);
    assert.equal(done.status, 0, done.stderr);
    return JSON.parse(done.stdout);
}

async function verified(server, ...words) {
    const done = await server.tl('verify', '--all', '--json', ...words);
    const report = JSON.parse(done.stdout);
    assert.equal(done.status, report.findings.length > 0 ? 1 : 0, done.stderr);
    return report;
}

// What I8 says, without the rest.
async function found(server, ...words) {
    return (await verified(server, ...words)).findings.map((f) => {
        assert.equal(f.invariant, 8, f.finding);
        return f.finding;
    });
}

// The file beside the store names this row: from here on its loss would be seen.
async function witnessed(server) {
    const { head } = await listed(server, '--head');
    await until('audit.head names the newest row', async () =>
        readFileSync(join(server.dir, 'audit.head'), 'utf8').includes(head), { every_ms: 5 });
    return head;
}

// With the server away, as somebody who has the store's file and nothing else.
async function tamper(server, sql) {
    const done = await run('python3', ['-c', 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit(); c.close()',
        join(server.dir, 'trunkline.db'), sql]);
    assert.equal(done.status, 0, done.stderr);
}

test('the audit tells who did what, and no secret', async (t) => {
    const server = await Server.start(t);
    const { records: first } = await listed(server);
    assert.deepEqual(first.map((r) => [r.sequence, r.operation, r.account]), [
        [1, 'trunkline:CreateAccount', '111111111111'], [2, 'trunkline:CreateAccount', '222222222222'],
        [3, 'trunkline:CreateAccount', '333333333333'], [4, 'trunkline:CreateAccount', '444444444444']]);
    const admin = server.client(ssm.SSMClient);
    const answer = await put(admin, '/app/password', 'correct horse');
    await admin.send(new ssm.GetParameterCommand({ Name: '/app/password', WithDecryption: true })); // no row
    const users = server.client(iam.IAMClient);
    await users.send(new iam.CreateUserCommand({ UserName: 'ann' }));
    const { AccessKey: key } = await users.send(new iam.CreateAccessKeyCommand({ UserName: 'ann' }));
    const ann = new ssm.SSMClient({ endpoint: server.url, region: 'eu-west-2', maxAttempts: 1,
        credentials: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey } });
    await assert.rejects(put(ann, '/app/password', 'battery staple'), { name: 'AccessDeniedException' });
    const { records } = await listed(server, '--since', '1h', '--account', 'shared-services');
    const told = records.slice(1); // behind the account's own making
    assert.deepEqual(told.map((r) => [r.operation, r.outcome, r.source]), [
        ['ssm:PutParameter', 'Success', 'api'], ['iam:CreateUser', 'Success', 'api'],
        ['iam:CreateAccessKey', 'Success', 'api'], ['ssm:PutParameter', 'AccessDenied', 'api']]);
    assert.equal(told[0].requestId, answer.$metadata.requestId);
    assert.equal(told[0].principal, 'arn:aws:iam::111111111111:root');
    assert.equal(told[0].resource, 'arn:aws:ssm:eu-west-2:111111111111:parameter/app/password');
    assert.match(told[0].requestDigest, /^[0-9a-f]{64}$/);
    assert.match(told[2].detail, new RegExp(`^UserName=ann -> .*AccessKey.AccessKeyId=${key.AccessKeyId}$`));
    assert.equal(told[3].principal, 'arn:aws:iam::111111111111:user/ann');
    const all = JSON.stringify(records);
    for (const secret of ['correct horse', 'battery staple', key.SecretAccessKey]) {
        assert.ok(!all.includes(secret), 'a secret is in the audit');
    }
    const text = await server.tl('audit', '--limit', '1');
    assert.match(text.stdout, /ssm:PutParameter by arn:aws:iam::111111111111:user\/ann \(api\) AccessDenied/);
    assert.deepEqual(await found(server), []);
});

test('an administrator on the command line is told as such', async (t) => {
    const server = await Server.start(t);
    const added = await server.tl('account', 'add', 'real', '--aws', '--id', '555555555555',
        '--role-arn', 'arn:aws:iam::555555555555:role/trunkline');
    assert.equal(added.status, 0, added.stderr);
    const linked = await server.tl('console');
    assert.equal(linked.status, 0, linked.stderr);
    const { records } = await listed(server, '--account', 'shared-services');
    const told = records.slice(1);
    assert.deepEqual(told.map((r) => [r.operation, r.source]), [
        ['trunkline:AddAccount', 'cli'], ['trunkline:CreateConsoleLink', 'cli']]);
    assert.match(told[0].detail, /Id=555555555555/);
});

test('kill -9 loses no row that was answered, and the chain goes on', async (t) => {
    const server = await Server.start(t);
    const answered = [];
    for (let round = 0; round < 4; round += 1) {
        const admin = server.client(ssm.SSMClient);
        const calls = Array.from({ length: 25 }, async (_, i) => {
            try {
                answered.push((await put(admin, `/app/${round}/${i}`, 'x')).$metadata.requestId);
            } catch {
                // killed before its answer: it may be there or not
            }
        });
        const reached = answered.length + 5;
        await until('some are answered', async () => answered.length >= reached, { every_ms: 1 });
        await server.kill('SIGKILL');
        await Promise.all(calls);
        assert.deepEqual(await found(server), [], 'before the next start');
        await server.launch();
        assert.deepEqual(await found(server), [], 'after it');
    }
    const { records } = await listed(server, '--since', '1h', '--account', 'shared-services');
    const rows = records.filter((r) => r.operation === 'ssm:PutParameter');
    const ids = new Set(rows.map((r) => r.requestId));
    assert.deepEqual(answered.filter((id) => !ids.has(id)), [], 'answered and not in the audit');
    const names = rows.map((r) => /Name=(\S+)/.exec(r.detail)[1]).sort();
    const there = [];
    for await (const page of ssm.paginateDescribeParameters({ client: server.client(ssm.SSMClient) }, {})) {
        there.push(...page.Parameters.map((p) => p.Name));
    }
    assert.deepEqual(names, there.sort(), 'what was done is in the audit, and nothing else');
});

test('a row that was changed, or taken away, is found in the store of a killed server', async (t) => {
    const server = await Server.start(t);
    const admin = server.client(ssm.SSMClient);
    for (const name of ['one', 'two', 'three', 'four']) {
        await put(admin, `/app/${name}`, name); // rows 5 to 8
    }
    const head = await witnessed(server);
    assert.match(head, /^8:[0-9a-f]{64}$/);
    await server.kill('SIGKILL');
    assert.deepEqual(await found(server), []);
    assert.deepEqual(await found(server, '--head', head), []);
    await tamper(server, 'CREATE TABLE saved AS SELECT * FROM audit');
    const restore = () => tamper(server, 'DELETE FROM audit; INSERT INTO audit SELECT * FROM saved');

    await tamper(server, "UPDATE audit SET principal = 'arn:aws:iam::111111111111:user/bob' WHERE seq = 6");
    assert.deepEqual(await found(server), ['row 6 was changed, or written by somebody without the key']);
    await restore();
    await tamper(server, 'DELETE FROM audit WHERE seq = 6');
    assert.deepEqual(await found(server), ['rows 6 to 6 are missing']);
    await restore();
    await tamper(server, 'DELETE FROM audit WHERE seq < 6');
    assert.deepEqual(await found(server), ['rows 1 to 5 are missing']);
    await restore();
    await tamper(server, 'DELETE FROM audit WHERE seq > 6');
    assert.deepEqual(await found(server), ['rows 7 to 8 are missing from the end: audit.head names them']);

    await server.launch(); // and goes on: the loss stays in sight
    await until('the server says so', async () => server.log.includes('trunkline: audit: rows 7 to 8 were gone from the end'));
    await put(server.client(ssm.SSMClient), '/app/five', 'five');
    const after = await found(server);
    assert.equal(after[0], 'rows 7 to 8 are missing');
    assert.match(after[1], /^row 9: at a start of the server, rows 7 to 8 were gone from the end$/);
    assert.match((await found(server, '--head', head)).join('\n'), /missing/);
});

test('a store of an older version begins its chain with the first act', async (t) => {
    const server = await Server.start(t);
    await put(server.client(ssm.SSMClient), '/app/old', 'x');
    await server.stop();
    await tamper(server, "DROP TABLE audit; DELETE FROM migrations WHERE name = 'audit'");
    for (const name of ['audit.key', 'audit.head']) {
        await run('rm', [join(server.dir, name)]);
    }
    assert.deepEqual(await found(server), [], 'an older store has no chain to check');
    await server.launch();
    await put(server.client(ssm.SSMClient), '/app/new', 'x');
    const { records } = await listed(server);
    assert.deepEqual(records.map((r) => [r.sequence, r.operation]), [[1, 'ssm:PutParameter']]);
    assert.deepEqual(await found(server), []);
});

test('without its key the server does not start, and says what to do', async (t) => {
    const server = await Server.start(t);
    await server.stop();
    const away = join(server.dir, 'away');
    await run('mv', [join(server.dir, 'audit.key'), away]);
    await assert.rejects(server.launch(), /audit\.key is missing, but the store beside it has an audit chain.*put it back/);
    await run('mv', [away, join(server.dir, 'audit.key')]);
    await server.launch();
    assert.deepEqual(await found(server), []);
});

test('who assumes a role is told by role, session and key', async (t) => {
    const server = await Server.start(t);
    const trust = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole',
        Principal: { AWS: 'arn:aws:iam::111111111111:root' } }] });
    await server.client(iam.IAMClient, 'production').send(
        new iam.CreateRoleCommand({ RoleName: 'deploy', AssumeRolePolicyDocument: trust }));
    const { Credentials: given } = await server.client(sts.STSClient).send(new sts.AssumeRoleCommand({
        RoleArn: 'arn:aws:iam::444444444444:role/deploy', RoleSessionName: 'by-hand' }));
    const { records } = await listed(server);
    const row = records.at(-1);
    assert.equal(row.operation, 'sts:AssumeRole');
    assert.equal(row.principal, 'arn:aws:iam::111111111111:root');
    assert.equal(row.resource, 'arn:aws:iam::444444444444:role/deploy');
    assert.match(row.detail, /RoleSessionName=by-hand/);
    assert.ok(row.detail.includes(given.AccessKeyId));
    assert.ok(!row.detail.includes(given.SecretAccessKey));
    assert.ok(!row.detail.includes(given.SessionToken));
});

test('releases: who started, approved, stopped, and by which way', { skip: without('git') }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const root = 'arn:aws:iam::111111111111:root';
    const arn = 'arn:aws:codepipeline:eu-west-2:111111111111:app';
    const count = async (operation) => (await listed(server, '--since', '1h')).records.filter((r) => r.operation === operation);
    const last = async (operation) => (await count(operation)).at(-1);

    await world.pipeline([stages.source(world), stages.approval()]);
    const first = await world.newest();
    await world.answer(await world.waiting(first), 'Rejected', 'not today');
    const made = await last('codepipeline:CreatePipeline');
    assert.deepEqual([made.source, made.principal, made.resource], ['api', root, arn]);
    const rejected = await last('codepipeline:PutApprovalResult');
    assert.deepEqual([rejected.source, rejected.principal, rejected.resource], ['api', root, `${arn}/Approve/Person`]);
    assert.match(rejected.detail, new RegExp(`result.summary=not today result.status=Rejected -> pipelineExecutionId=${first}$`));

    await world.push('second', { 'README.md': 'two\n' });
    const second = await world.newest(2);
    const started = await last('codepipeline:StartPipelineExecution');
    assert.deepEqual([started.source, started.principal, started.resource], ['engine', 'codepipeline.amazonaws.com', arn]);
    assert.match(started.detail, new RegExp(`-> pipelineExecutionId=${second}$`));
    const token = await world.waiting(second);
    const approved = await server.tl('approve', '--summary', 'read it');
    assert.equal(approved.status, 0, approved.stderr);
    const answered = await last('trunkline:AnswerApproval');
    assert.deepEqual([answered.source, answered.principal, answered.resource, answered.outcome],
        ['cli', root, `${arn}/Approve/Person`, 'Success']);
    assert.match(answered.detail, new RegExp(`PipelineExecutionId=${second} .*Status=Approved Summary=read it Digest=[0-9a-f]{64}`));
    assert.ok(!answered.detail.includes(token), 'the token is told');

    // What is refused leaves none: it was used already.
    await assert.rejects(world.answer(token), { name: 'ApprovalAlreadyCompletedException' });
    assert.equal((await count('codepipeline:PutApprovalResult')).length, 1);

    const { pipelineExecutionId: third } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }));
    assert.match((await last('codepipeline:StartPipelineExecution')).detail, new RegExp(`name=app .*-> pipelineExecutionId=${third}$`));
    await world.waiting(third);
    const stopped = await server.tl('stop', '--abandon', '--reason', 'wrong build');
    assert.equal(stopped.status, 0, stopped.stderr);
    const stop = await last('codepipeline:StopPipelineExecution');
    assert.deepEqual([stop.source, stop.principal, stop.resource], ['cli', root, arn]);
    assert.match(stop.detail, new RegExp(`pipelineExecutionId=${third} abandon=true reason=wrong build`));

    const link = await server.tl('console');
    const page = await fetch(/http\S+/.exec(link.stdout)[0], { redirect: 'manual' });
    assert.equal(page.status, 303);
    const signed = await last('trunkline:SignIn');
    assert.deepEqual([signed.source, signed.principal], ['console', root]);

    // The role that the engine looks at things by is told once, not each time that it looks.
    const own = (await count('sts:AssumeRole')).filter((r) => r.source === 'engine')
        .map((r) => `${r.resource} ${/RoleSessionName=(\S+)/.exec(r.detail)[1]}`);
    assert.deepEqual(own, [...new Set(own)]);
    await server.kill('SIGKILL');
    assert.deepEqual(await found(server), []);
});

test('the console shows the audit to who may list it', async (t) => {
    const server = await Server.start(t);
    const admin = server.client(ssm.SSMClient);
    for (let i = 0; i < 101; i += 1) {
        await admin.send(new ssm.PutParameterCommand({ Name: '/app/a', Value: 'x', Type: 'String', Overwrite: true,
            Description: '<script>alert(1)</script>' }));
    }
    const signIn = async (env) => {
        const link = await run(PROGRAM, ['console', '--url', server.url], { env });
        assert.equal(link.status, 0, link.stderr);
        const page = await fetch(/http\S+/.exec(link.stdout)[0], { redirect: 'manual' });
        const cookie = page.headers.get('set-cookie').split(';')[0];
        return async (path) => {
            const answer = await fetch(`${server.url}${path}`, { headers: { cookie } });
            return { status: answer.status, text: await answer.text() };
        };
    };
    const look = await signIn(server.env());
    const first = await look('/console/audit');
    assert.equal(first.status, 200);
    assert.match(first.text, /<td>107<td>.*<b>trunkline:SignIn<\/b><small>by arn:aws:iam::111111111111:root \(console\)/);
    assert.ok(first.text.includes('Description=&lt;script&gt;alert(1)&lt;/script&gt;'));
    assert.ok(!first.text.includes('<script>alert'));
    const older = /href="(\/console\/audit\?before=\d+)"/.exec(first.text)[1];
    const second = await look(older);
    assert.equal(second.status, 200);
    assert.match(second.text, /<tr><td>1<td>.*trunkline:CreateAccount/);
    assert.doesNotMatch(second.text, /before=/);
    assert.equal((await look('/console/audit?before=x')).status, 200);

    const users = server.client(iam.IAMClient);
    await users.send(new iam.CreateUserCommand({ UserName: 'ann' }));
    await users.send(new iam.PutUserPolicyCommand({ UserName: 'ann', PolicyName: 'link', PolicyDocument: JSON.stringify({
        Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'trunkline:CreateConsoleLink', Resource: '*' }] }) }));
    const { AccessKey: key } = await users.send(new iam.CreateAccessKeyCommand({ UserName: 'ann' }));
    const ann = await signIn({ ...server.env(), AWS_ACCESS_KEY_ID: key.AccessKeyId, AWS_SECRET_ACCESS_KEY: key.SecretAccessKey });
    const refused = await ann('/console/audit');
    assert.equal(refused.status, 403);
    assert.match(refused.text, /trunkline:ListAuditRecords/);
    assert.doesNotMatch(refused.text, /PutParameter/);
});

test('a build that tries a role it has no right to is told, by its session', { skip: withoutBuilds() || without('git') }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await server.client(iam.IAMClient, 'production').send(new iam.CreateRoleCommand({
        RoleName: 'deploy', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{
            Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: 'arn:aws:iam::444444444444:root' } }] }) }));
    const role = 'arn:aws:iam::444444444444:role/deploy';
    await world.project('evil', buildspec([
        `! aws sts assume-role --role-arn ${role} --role-session-name mine`,
        'aws ssm put-parameter --name /app/built --type String --value 1']), { pipeline: false });
    const build = await world.build('evil');
    assert.equal(build.buildStatus, 'SUCCEEDED', await world.log(build));
    const uuid = build.id.split(':')[1];
    const { records } = await listed(server, '--since', '1h');
    const own = records.filter((r) => r.principal?.endsWith(`/AWSCodeBuild-${uuid}`));
    assert.deepEqual(own.map((r) => [r.operation, r.outcome, r.source, r.principal]), [
        ['sts:AssumeRole', 'AccessDenied', 'build', `arn:aws:sts::111111111111:assumed-role/app-build/AWSCodeBuild-${uuid}`],
        ['ssm:PutParameter', 'Success', 'build', `arn:aws:sts::111111111111:assumed-role/app-build/AWSCodeBuild-${uuid}`]]);
    assert.equal(own[0].resource, role);
    const given = records.filter((r) => r.operation === 'sts:AssumeRole' && r.detail.includes(`RoleSessionName=AWSCodeBuild-${uuid}`));
    assert.deepEqual([given[0].outcome, given[0].source, given[0].resource],
        ['Success', 'engine', 'arn:aws:iam::111111111111:role/app-build'], 'its own credentials');
    const started = records.find((r) => r.operation === 'codebuild:StartBuild');
    assert.match(started.detail, new RegExp(`projectName=evil .*build.id=${build.id}`));
    assert.deepEqual(await found(server), []);
});
