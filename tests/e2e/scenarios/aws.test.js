// A real account: moto_server behind TLS with an authority of its own stands in for AWS. The release
// itself stays ours; what the account answers is moto's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { until } from '../lib/expect.js';
import { IMAGE, buildspec } from '../lib/release.js';
import { PROGRAM, Server, atEnd, run, temporary } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const skip = without('moto_server') || without('openssl');

async function freePort() {
    const socket = net.createServer();
    await new Promise((done) => { socket.listen(0, '127.0.0.1', done); });
    const { port } = socket.address();
    await new Promise((done) => { socket.close(done); });
    return port;
}

// moto behind TLS; every request that arrives is kept: {host, target, authorization}.
async function standIn(t, dir) {
    const sh = (script) => run('sh', ['-ec', script], { cwd: dir });
    const made = await sh(`
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=Test authority" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout leaf.key -out leaf.csr -subj "/CN=localhost" 2>/dev/null
printf 'subjectAltName=DNS:localhost,DNS:*.amazonaws.com,DNS:*.eu-west-2.amazonaws.com' > ext
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out leaf.pem 2>/dev/null`);
    assert.equal(made.status, 0, made.stderr);
    const port = await freePort();
    const moto = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    atEnd(t, () => moto.kill('SIGKILL'));
    await until('moto answers', () => new Promise((done) => {
        http.get({ port, host: '127.0.0.1', path: '/moto-api/' }, (res) => { res.resume(); done(true); }).on('error', () => done(false));
    }), { timeout_ms: 60_000, every_ms: 200 });
    const seen = [];
    const faults = [];
    const front = https.createServer({ key: readFileSync(join(dir, 'leaf.key')), cert: readFileSync(join(dir, 'leaf.pem')) }, (req, res) => {
        seen.push({ host: req.headers.host, target: req.headers['x-amz-target'] ?? req.url, authorization: req.headers.authorization ?? '' });
        if (faults.length) {
            const status = faults.shift();
            req.resume();
            res.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
            res.end('{"__type":"ThrottlingException","message":"Rate exceeded"}');
            return;
        }
        const out = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers }, (answer) => {
            res.writeHead(answer.statusCode, answer.headers);
            answer.pipe(res);
        });
        out.on('error', () => res.destroy());
        req.pipe(out);
    });
    await new Promise((done) => { front.listen(0, '127.0.0.1', done); });
    t.after(() => { front.closeAllConnections(); front.close(); });
    return { url: `https://localhost:${front.address().port}`, ca: join(dir, 'ca.pem'), seen, faults, plain: `http://127.0.0.1:${port}` };
}

test('an account at AWS', { skip }, async (t) => {
    const dir = temporary(t);
    const aws = await standIn(t, dir);
    const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const at = { endpoint: aws.plain, region: 'eu-west-2', credentials: keys };
    for (const RoleName of ['trunkline', 'build']) {
        await new IAMClient(at).send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
    }
    await new SSMClient(at).send(new PutParameterCommand({ Name: '/real/value', Value: 'from the other side', Type: 'String' }));
    const env = {
        AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey, AWS_CA_BUNDLE: aws.ca, SSL_CERT_FILE: aws.ca,
    };
    const server = await Server.start(t, { env });
    const add = (...more) => run(PROGRAM, ['account', 'add', 'real', '--aws', '--id', '123456789012',
        '--role-arn', 'arn:aws:iam::123456789012:role/trunkline', ...more, '--data', server.dir], { env });

    await t.test('is added by name, id and role', async () => {
        const done = await add('--endpoint-url', aws.url);
        assert.equal(done.status, 0, done.stderr);
        const listed = JSON.parse((await server.tl('account', 'list', '--json')).stdout);
        const mine = listed.accounts.find((a) => a.name === 'real');
        assert.equal(mine.id, '123456789012');
        assert.match(mine.kind, /aws/i);
        assert.ok(!readFileSync(join(server.dir, 'trunkline.db')).includes(keys.secretAccessKey), 'the secret key is in the clear');
    });

    await t.test('the same id twice is refused', async () => {
        const again = await run(PROGRAM, ['account', 'add', 'real2', '--aws', '--id', '111111111111',
            '--role-arn', 'arn:aws:iam::111111111111:role/x', '--data', server.dir], { env });
        assert.notEqual(again.status, 0);
        assert.match(again.stderr, /111111111111/);
    });

    await t.test('a build there reads its parameters, sends its log and calls AWS as its role', { skip: withoutBuilds() }, async () => {
        // Its keys are AWS's to check: on this loopback the server takes them unseen.
        server.options.args = ['--accept-any-key', '123456789012'];
        await server.restart();
        const builds = new cb.CodeBuildClient({ endpoint: server.url, region: 'eu-west-2', credentials: keys });
        await builds.send(new cb.CreateProjectCommand({
            name: 'there', serviceRole: 'arn:aws:iam::123456789012:role/build', artifacts: { type: 'NO_ARTIFACTS' },
            source: {
                type: 'NO_SOURCE',
                buildspec: buildspec(['echo "$VALUE" | tr a-z A-Z', 'aws sts get-caller-identity --query Arn --output text'],
                    'env: {parameter-store: {VALUE: /real/value}}\n'),
            },
            environment: { type: 'LINUX_CONTAINER', image: IMAGE, computeType: 'BUILD_GENERAL1_SMALL' },
        }));
        aws.seen.length = 0;
        const { build } = await builds.send(new cb.StartBuildCommand({ projectName: 'there' }));
        // What AWS throttles is tried again, three times in all as the SDKs do.
        aws.faults.push(400, 503);
        const built = await until('the build ends', async () => {
            const [now] = (await builds.send(new cb.BatchGetBuildsCommand({ ids: [build.id] }))).builds;
            return now.buildComplete && now;
        });
        const uuid = build.id.split(':')[1];
        const log = server.read(`builds/${uuid}/log`);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^FROM THE OTHER SIDE$/m);
        assert.ok(log.includes(`arn:aws:sts::123456789012:assumed-role/build/AWSCodeBuild-${uuid}`), log);
        assert.equal(aws.faults.length, 0, 'nobody met the throttling');
        const targets = aws.seen.map((r) => r.target);
        assert.ok(targets.filter((x) => x === 'AmazonSSM.GetParameters').length >= 1, targets.join());
        assert.ok(aws.seen.every((r) => r.authorization.startsWith('AWS4-HMAC-SHA256 ')));
        assert.ok(aws.seen.some((r) => r.host.endsWith('.amazonaws.com')), 'the command line used AWS\'s own name');
        const { events } = await new logs.CloudWatchLogsClient(at).send(
            new logs.FilterLogEventsCommand({ logGroupName: '/aws/codebuild/there' }));
        assert.ok(events.some((e) => e.message.includes('FROM THE OTHER SIDE')));
    });
});
