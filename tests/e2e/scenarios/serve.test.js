// The process itself: start, refusals, end, and what the port answers to strangers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { chownSync, lstatSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { CodePipelineClient, ListPipelinesCommand } from '@aws-sdk/client-codepipeline';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { refuses } from '../lib/expect.js';
import { PROGRAM, Server, run, temporary } from '../lib/server.js';
import { without } from '../lib/tools.js';

// Sends bytes as they are; the whole answer as text.
function raw(server, bytes) {
    const { hostname, port } = new URL(server.url);
    return new Promise((done, fail) => {
        const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
        let text = '';
        socket.setTimeout(1_500, () => { socket.destroy(); done(text); });
        socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
        socket.on('close', () => done(text));
        socket.on('error', (error) => (text ? done(text) : fail(error)));
    });
}
const status = (answer) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);

test('serve', async (t) => {
    const server = await Server.start(t);

    await t.test('says when it is ready, and writes where and with which keys', async () => {
        assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
        assert.equal(server.read('endpoint').trim().replace(/\/$/, ''), server.url);
        assert.equal(statSync(join(server.dir, 'keys.json')).mode & 0o777, 0o600);
        assert.equal(statSync(server.dir).mode & 0o077, 0, 'the data directory is ours alone');
        assert.deepEqual(Object.values(server.keys).map((k) => k.account).sort(),
            ['111111111111', '222222222222', '333333333333', '444444444444']);
        for (const name of ['trunkline.db', 'seal.key']) {
            assert.equal(statSync(join(server.dir, name)).mode & 0o077, 0, name);
        }
    });

    await t.test('a second one on the same data is refused, and the first goes on', async () => {
        const second = await run(PROGRAM, ['serve', '--data', server.dir, '--listen', '127.0.0.1:0'], { timeout_ms: 10_000 });
        assert.equal(second.status, 1, second.stdout);
        assert.match(second.stderr, new RegExp(`${server.dir}|already|${server.pid}`));
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/x', Value: '1', Type: 'String' }));
    });

    await t.test('a port that is taken is named', async () => {
        const other = await run(PROGRAM, ['serve', '--data', join(temporary(t), 'data'), '--listen', server.address], { timeout_ms: 10_000 });
        assert.equal(other.status, 1, other.stdout);
        assert.ok(other.stderr.includes(server.address), other.stderr);
    });

    await t.test('wrong usage says what is wrong', async () => {
        for (const args of [['serve', '--listen', 'nonsense'], ['serve', '--nonsense'], ['nonsense']]) {
            const done = await run(PROGRAM, [...args, ...(args.length > 1 ? ['--data', temporary(t)] : [])], { timeout_ms: 10_000 });
            assert.ok([1, 2].includes(done.status), `${args}: ${done.status}`);
            assert.match(done.stderr, /nonsense/);
            assert.equal(done.stdout, '');
        }
    });

    await t.test('unsigned requests reach nothing', async () => {
        for (const [path, init] of [
            ['/', { method: 'POST', headers: { 'x-amz-target': 'AmazonSSM.GetParameters', 'content-type': 'application/x-amz-json-1.1' }, body: '{"Names":["/x"]}' }],
            ['/', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Action=GetCallerIdentity&Version=2011-06-15' }],
            ['/some-bucket/key', {}],
            ['/2015-03-31/functions', {}],
        ]) {
            const answer = await fetch(server.url + path, init);
            assert.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status} ${await answer.text()}`);
        }
        for (const path of ['/_trunkline/ack', '/_trunkline/builds/00000000-0000-0000-0000-000000000000/credentials']) {
            const answer = await fetch(server.url + path, { method: 'POST' });
            assert.ok([403, 404].includes(answer.status), `${path}: ${answer.status}`);
        }
    });

    await t.test('an operation that nobody knows is a client error in its protocol', async () => {
        const json = await server.aws('shared-services', 'kms', 'generate-random');
        assert.notEqual(json.status, 0);
        assert.match(json.stderr, /UnknownOperationException|InvalidAction/);
        const query = await server.aws('shared-services', 'iam', 'get-account-summary');
        assert.match(query.stderr, /InvalidAction/);
        const rest = await server.aws('shared-services', 'lambda', 'list-layers');
        assert.notEqual(rest.status, 0);
        assert.doesNotMatch(rest.stderr, /InternalError|500/);
        const other = await server.aws('shared-services', 'sqs', 'list-queues');
        assert.notEqual(other.status, 0);
        assert.doesNotMatch(other.stderr, /InternalError|500/);
    });

    await t.test('two lengths of one request are refused', async () => {
        const head = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
        assert.equal(status(await raw(server, `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)), 400);
        assert.equal(status(await raw(server, `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`)), 400);
        assert.equal(status(await raw(server, `${head}Content-Length: -1\r\n\r\n`)), 400);
    });

    await t.test('rubbish does not end it', async () => {
        await raw(server, 'GARBAGE\r\n\r\n').catch(() => {});
        await raw(server, `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`).catch(() => {});
        await raw(server, `GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(5000)}\r\n`).catch(() => {});
        await raw(server, '\0\0\0\0\r\n\r\n').catch(() => {});
        const got = await server.client(SSMClient).send(new GetParameterCommand({ Name: '/x' }));
        assert.equal(got.Parameter.Value, '1');
    });

    await t.test('a signature is for its bytes, its time and its service', async () => {
        const client = server.client(SSMClient);
        let request;
        client.middlewareStack.add((next) => async (args) => {
            request = args.request;
            return next(args);
        }, { step: 'finalizeRequest', priority: 'low' });
        await client.send(new GetParameterCommand({ Name: '/x' }));
        const again = (change = {}, body = request.body) => fetch(server.url + request.path, {
            method: request.method, headers: { ...request.headers, ...change }, body,
        });
        assert.equal((await again()).status, 200, 'the captured request itself is right');
        assert.notEqual((await again({}, '{"Name":"/y"}')).status, 200);
        assert.notEqual((await again({ 'x-amz-target': 'AmazonSSM.DeleteParameter' })).status, 200);
        assert.notEqual((await again({ 'x-amz-date': '20200101T000000Z' })).status, 200);
        const got = await client.send(new GetParameterCommand({ Name: '/x' }));
        assert.equal(got.Parameter.Value, '1');
    });

    await t.test('env prints what eval needs', async () => {
        const done = await run('sh', ['-c', 'eval "$("$0" env production --data "$1")"; echo "$AWS_ENDPOINT_URL $AWS_REGION $AWS_DEFAULT_REGION $AWS_ACCESS_KEY_ID"', PROGRAM, server.dir]);
        assert.equal(done.stdout.trim().replace(/\/ /, ' '), `${server.url} eu-west-2 eu-west-2 ${server.keys.production.accessKeyId}`);
        const none = await server.tl('env', 'nowhere');
        assert.notEqual(none.status, 0);
        assert.match(none.stderr, /nowhere/);
    });

    await t.test('SIGTERM ends it cleanly; what was written is there after it', async () => {
        const end = await server.stop();
        assert.deepEqual(end, { code: 0, signal: null }, server.log);
        const dead = await server.tl('status');
        assert.equal(dead.status, 5, dead.stderr);
        await server.launch();
        const got = await server.client(SSMClient).send(new GetParameterCommand({ Name: '/x' }));
        assert.equal(got.Parameter.Value, '1');
    });

    await t.test('requests at every moment of a start are answered right, or not at all', async () => {
        const wrong = [];
        let heard = 0;
        let over = false;
        const ask = async () => {
            const flow = server.client(CodePipelineClient, 'shared-services');
            const service = server.client(SSMClient, 'shared-services');
            while (!over) {
                for (const [client, command] of [[flow, new ListPipelinesCommand({})], [service, new GetParameterCommand({ Name: '/x' })]]) {
                    try {
                        await client.send(command);
                        heard += 1;
                    } catch (error) {
                        if (error.$metadata?.httpStatusCode) {
                            wrong.push(`${error.name}: ${error.message}`);
                        }
                    }
                }
            }
        };
        const asking = [ask(), ask(), ask(), ask()];
        for (let i = 0; i < 15; i += 1) {
            await server.restart('SIGKILL'); // rejects when the process ends instead
            const before = heard;
            for (let waited = 0; heard < before + 8 && waited < 10_000; waited += 5) {
                await new Promise((done) => { setTimeout(done, 5); });
            }
            assert.ok(heard >= before + 8, server.log);
            assert.equal(server.child.exitCode ?? server.child.signalCode, null, server.log);
        }
        over = true;
        await Promise.all(asking);
        assert.deepEqual(wrong, []);
    });

    await t.test('nothing that was answered is lost by kill -9', async () => {
        const client = server.client(SSMClient, 'development');
        const written = [];
        const writer = (async () => {
            for (let i = 0; ; i += 1) {
                await client.send(new PutParameterCommand({ Name: `/w/${i}`, Value: `${i}`, Type: 'String' }));
                written.push(i);
                if (written.length === 50) {
                    server.kill('SIGKILL');
                }
            }
        })().catch(() => {});
        await writer;
        await server.launch();
        const reader = server.client(SSMClient, 'development');
        for (const i of written) {
            assert.equal((await reader.send(new GetParameterCommand({ Name: `/w/${i}` }))).Parameter.Value, `${i}`);
        }
        assert.ok(written.length >= 50);
    });
});

test('a port that another program holds', async (t) => {
    const http = createServer((req, res) => res.end('other'));
    await new Promise((done) => { http.listen(0, '127.0.0.1', done); });
    t.after(() => http.close());
    const address = `127.0.0.1:${http.address().port}`;
    const done = await run(PROGRAM, ['serve', '--data', join(temporary(t), 'data'), '--listen', address], { timeout_ms: 10_000 });
    assert.equal(done.status, 1);
    assert.ok(done.stderr.includes(address), done.stderr);
});

test('a data directory that is none of ours', async (t) => {
    const file = join(temporary(t), 'file');
    writeFileSync(file, 'x');
    const onFile = await run(PROGRAM, ['serve', '--data', file, '--listen', '127.0.0.1:0'], { timeout_ms: 10_000 });
    assert.equal(onFile.status, 1);
    assert.ok(onFile.stderr.includes(file), onFile.stderr);

    const damaged = join(temporary(t), 'data');
    const whole = await Server.start(t, { dir: damaged });
    await whole.stop();
    for (const name of ['trunkline.db-wal', 'trunkline.db-shm']) {
        rmSync(join(damaged, name), { force: true });
    }
    writeFileSync(join(damaged, 'trunkline.db'), 'this is not a database, it is a text of some length'.repeat(100));
    const onDamage = await run(PROGRAM, ['serve', '--data', damaged, '--listen', '127.0.0.1:0'], { timeout_ms: 10_000 });
    assert.equal(onDamage.status, 1);
    assert.match(onDamage.stderr, /trunkline\.db|not a database/);
});

// Everything below a folder: paths, sizes, times, content. Of the store's files that appear only while it
// is open, and of who has it open, nothing.
function everything(dir) {
    return readdirSync(dir, { recursive: true }).filter((p) => !/^(serve\.pid|trunkline\.db-(wal|shm))$/.test(p)).sort().map((p) => {
        const st = lstatSync(join(dir, p));
        return [p, st.uid, st.mode, st.isFile() ? [st.mtimeMs, createHash('sha256').update(readFileSync(join(dir, p))).digest('hex')] : null];
    });
}

test('a data directory that cannot be meant is refused, and nothing in it is touched', async (t) => {
    const serve = (dir) => run(PROGRAM, ['serve', '--data', dir, '--listen', '127.0.0.1:0', '--die-with-parent'], { timeout_ms: 20_000 });
    const refused = async (dir, message) => {
        const done = await serve(dir);
        assert.equal(done.status, 1, done.stdout + done.stderr);
        assert.match(done.stderr, message);
        assert.equal(done.stdout, '');
    };
    const whole = async (name) => {
        const server = new Server(join(temporary(t), name));
        await server.launch();
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/kept', Value: '1', Type: 'String' }));
        assert.deepEqual(await server.stop(), { code: 0, signal: null });
        return server;
    };

    await t.test('one whose disk is not mounted', async () => {
        const place = temporary(t);
        await refused(join(place, 'not-mounted', 'data'), /not-mounted\/data is not there, and neither is .*not-mounted; is its disk mounted\?/);
        assert.deepEqual(readdirSync(place), []);
    });

    await t.test('one whose store is gone', async () => {
        const server = await whole('data');
        const store = readFileSync(join(server.dir, 'trunkline.db'));
        rmSync(join(server.dir, 'trunkline.db'));
        const before = everything(server.dir);
        await refused(server.dir, /has accounts' keys but no store: trunkline\.db is missing; put it back/);
        assert.deepEqual(everything(server.dir), before);
        writeFileSync(join(server.dir, 'trunkline.db'), store, { mode: 0o600 });
        await server.launch();
        assert.equal((await server.client(SSMClient).send(new GetParameterCommand({ Name: '/kept' }))).Parameter.Value, '1');
        await server.stop();
    });

    await t.test('somebody else\'s', { skip: process.getuid() !== 0 && 'needs root to give a directory away' }, async () => {
        const server = await whole('data');
        chownSync(server.dir, 65534, 65534);
        const before = everything(server.dir);
        await refused(server.dir, /data belongs to user nobody, and serve runs as root; run it as nobody, or give another --data/);
        assert.deepEqual(everything(server.dir), before);
        chownSync(server.dir, 0, 0);
        await server.launch();
        await server.stop();
    });

    await t.test('one of a newer version', { skip: without('python3') }, async () => {
        const server = await whole('data');
        const newer = (change) => run('python3', ['-c', 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit(); c.close()',
            join(server.dir, 'trunkline.db'), change]);
        assert.equal((await newer("insert into migrations(name, number) values ('ssm', 999)")).status, 0);
        const before = everything(server.dir);
        await refused(server.dir, /'ssm' is at migration 999, which this version does not know: it was written by a newer trunkline/);
        assert.deepEqual(everything(server.dir), before);
        assert.equal((await newer("delete from migrations where number = 999")).status, 0);
        await server.launch();
        assert.equal((await server.client(SSMClient).send(new GetParameterCommand({ Name: '/kept' }))).Parameter.Value, '1');
        await server.stop();
    });
});

test('a damaged trunkline.yml is refused with file, line and column', async (t) => {
    for (const [text, line, what] of [
        ['images: [', 2, /node content/],
        ['notify: [127.0.0.0/8]\nnonsense: 1\n', 2, /not known/],
        ['notify: 7\n', 1, /list of addresses/],
        ['images: 7\n', 1, /mapping/],
        ['images:\n  "aws/codebuild/standard:7.0": []\n', 2, /image/],
        ['# mounts\nmounts:\n  - {source: relative, target: /x}\n', 3, /absolute/],
        ['egress: sometimes\n', 1, /open, locked or none/],
        ['egress:\n  default: open\n  projects:\n    app: closed\n', 4, /open, locked or none/],
    ]) {
        const dir = temporary(t);
        writeFileSync(join(dir, 'trunkline.yml'), text);
        const done = await run(PROGRAM, ['serve', '--data', dir, '--listen', '127.0.0.1:0', '--die-with-parent'], { timeout_ms: 10_000 });
        assert.equal(done.status, 1, `${text}: ${done.stdout}${done.stderr}`);
        assert.match(done.stderr, new RegExp(`${dir}/trunkline\\.yml:${line}:\\d+: `), text);
        assert.match(done.stderr, what, text);
        assert.equal(done.stdout, '');
    }
});

test('--accept-any-key takes every key as one account, and only on loopback', async (t) => {
    const server = await Server.start(t, { args: ['--accept-any-key', 'development'] });
    const client = server.client(SSMClient, 'development', { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
    await client.send(new PutParameterCommand({ Name: '/any', Value: '1', Type: 'String' }));
    await refuses(server.client(SSMClient, 'production').send(new GetParameterCommand({ Name: '/any' })), 'ParameterNotFound');
    const open = await run(PROGRAM, ['serve', '--data', join(temporary(t), 'data'), '--listen', '0.0.0.0:0', '--accept-any-key', 'development'], { timeout_ms: 10_000 });
    assert.notEqual(open.status, 0);
    assert.match(open.stderr, /accept-any-key/);
});
