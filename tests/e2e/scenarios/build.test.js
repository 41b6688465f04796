// Builds by themselves: what they may reach, what they share, what they keep secret, how they end.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server, atEnd, run, temporary } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const alone = { pipeline: false };

test('builds', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const once = async (name, commands, { rest, ...options } = {}) => {
        await world.project(name, buildspec(commands, rest), { ...alone, ...options });
        const built = await world.build(name);
        return { built, log: await world.log(built) };
    };

    await t.test('two builds at once share nothing', async () => {
        const spec = [
            'for d in /tmp /root /var/tmp /dev/shm /usr/local /etc; do test ! -e $d/mark-mine || echo "SHARED $d"; echo x > $d/mark-mine; done',
            'echo "pids $(ls /proc | grep -c "^[0-9]")"',
            'aws ssm put-parameter --name /seen/$NAME --type String --value 1 --overwrite >/dev/null',
            'until aws ssm get-parameter --name /seen/$OTHER >/dev/null 2>&1; do sleep 0.1; done',
            'for d in /tmp /root /var/tmp /dev/shm /usr/local /etc; do test "$(ls $d | grep -c mark-)" = 1 || echo "SEES $d"; done',
            'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep "^NAME=" | sort -u; echo "I am $NAME"',
            'hostname; cat /proc/net/dev | grep -c :; env | grep -c AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
        ];
        for (const [mine, other] of [['a', 'b'], ['b', 'a']]) {
            await world.project(`share-${mine}`, buildspec(spec), {
                ...alone, variables: [{ name: 'NAME', value: mine }, { name: 'OTHER', value: other }],
            });
        }
        const both = await Promise.all([world.build('share-a'), world.build('share-b')]);
        for (const [i, built] of both.entries()) {
            const log = await world.log(built);
            assert.equal(built.buildStatus, 'SUCCEEDED', log);
            assert.doesNotMatch(log, /^(SHARED|SEES)/m);
            assert.match(log, new RegExp(`^I am ${'ab'[i]}$`, 'm'));
            assert.doesNotMatch(log, new RegExp(`^NAME=${'ba'[i]}$`, 'm'));
            assert.match(log, /^pids \d{1,2}$/m, 'only its own processes');
        }
    });

    await t.test('nothing of the host\'s network is reached but the endpoints', async () => {
        let reached = 0;
        const http = createServer((req, res) => { reached += 1; res.end('the host'); });
        // The gateway passes connections on to port 80 of names: one of the host's that nobody else has.
        const own = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(2, 255)}`;
        const port80 = createServer((req, res) => { reached += 1; res.end('the host'); });
        await new Promise((done, fail) => { port80.on('error', fail).listen(80, own, done); });
        atEnd(t, () => { port80.close(); http.close(); });
        const number = own.split('.').reduce((n, part) => n * 256 + Number(part), 0);
        await new Promise((done) => { http.listen(0, '0.0.0.0', done); });
        const { port } = http.address();
        const { networkInterfaces } = await import('node:os');
        const addresses = Object.values(networkInterfaces()).flat().filter((a) => a.family === 'IPv4').map((a) => a.address);
        const { log } = await once('network', [
            ...addresses.map((a) => `curl -s -m 3 http://${a}:${port}/ && echo "REACHED ${a}"; true`),
            `curl -s -m 3 http://localhost:${port}/ && echo "REACHED localhost"; true`,
            `curl -s -m 3 ${server.url}/ && echo "REACHED serve"; true`,
            ...[own, `${number}`, `0x${number.toString(16)}`].map((host) =>
                `curl -s -m 10 -H 'Host: ${host}' http://169.254.170.3/ | grep -x 'the host' && echo "REACHED by Host ${host}"; true`),
            ...[22, 53, 4566, port, new URL(server.url).port].flatMap((p) => ['169.254.170.2', '169.254.170.3'].map((a) =>
                `test ${a}:${p} = 169.254.170.2:53 || { timeout 5 bash -c 'echo >/dev/tcp/${a}/${p}' 2>/dev/null && echo "REACHED ${a}:${p}"; }; true`)),
            'test "$(tail -n +3 /proc/net/dev | grep -vc " lo:")" = 0 || echo "REACHED an interface"',
            'curl -s -m 3 http://169.254.169.254/latest/meta-data/ && echo "REACHED metadata"; true',
            'test ! -e /var/run/docker.sock; aws sts get-caller-identity --query Arn --output text',
        ]);
        assert.equal(reached, 0, log);
        assert.match(log, new RegExp(`Egress refused: ${own} \\(an address of this machine or its network\\)`));
        assert.doesNotMatch(log, /^REACHED/m);
        assert.match(log, /arn:aws:sts::111111111111:assumed-role\/app-build\/AWSCodeBuild-/);
    });

    await t.test('the host\'s files, devices and rights are out of reach', async () => {
        const secret = join(temporary(t), 'host-secret');
        writeFileSync(secret, 'host', { mode: 0o644 });
        const { log } = await once('escape', [
            `test ! -e ${secret} && echo no-host-file`,
            `test ! -e ${server.dir} && echo no-data-directory`,
            'mount -t tmpfs none /mnt 2>/dev/null && echo MOUNTED; true',
            'unshare -Ur true 2>/dev/null && echo NESTED; true',
            'for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /sys/fs/cgroup/cgroup.procs; do (echo x > $f) 2>/dev/null && echo "WROTE $f"; done; true',
            'mknod /tmp/disk b 8 0 2>/dev/null && head -c 1 /tmp/disk >/dev/null 2>&1 && echo DEVICE; true',
            'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status',
        ]);
        assert.match(log, /^no-host-file$/m);
        assert.match(log, /^no-data-directory$/m);
        assert.doesNotMatch(log, /^(MOUNTED|NESTED|WROTE|DEVICE)/m);
        assert.match(log, /^NoNewPrivs:\s*1$/m);
        assert.match(log, /^Seccomp:\s*2$/m);
    });

    await t.test('secrets are hidden in every form that tools give them', async () => {
        const value = 'correct horse/battery+staple';
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/secret/phrase', Value: value, Type: 'SecureString' }));
        const { built, log } = await once('masked', [
            'echo "plain $PHRASE"', 'echo -n "$PHRASE" | base64', 'echo -n "x$PHRASE" | base64', 'echo -n "$PHRASE" | od -An -tx1 | tr -d " \\n"; echo',
            'jq -rn --arg v "$PHRASE" \'$v|@uri\'', 'printf "%s" "$PHRASE" | fold -w 9; echo', 'for c in corr "ect horse/batt" ery+staple; do printf "%s" "$c"; sleep 0.05; done; echo',
            'aws configure export-credentials --format env 2>/dev/null | sed s/export// || true',
            'curl -s http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
        ], { rest: 'env:\n  parameter-store:\n    PHRASE: /secret/phrase\n' });
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^plain \*\*\*/m);
        for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex'), encodeURIComponent(value)]) {
            assert.ok(!log.includes(form), `the log shows ${form}`);
        }
        assert.doesNotMatch(log, /"SecretAccessKey"\s*:\s*"[A-Za-z0-9/+]{20,}"/);
        const { readdirSync, readFileSync, statSync } = await import('node:fs');
        const directory = join(server.dir, 'builds', built.id.split(':')[1]);
        for (const file of readdirSync(directory).filter((f) => statSync(join(directory, f)).isFile())) {
            assert.ok(!readFileSync(join(directory, file)).includes(value), `${file} holds the secret`);
        }
    });

    await t.test('phases run in order, finally always, post_build after a failure', async () => {
        const spec = `version: 0.2
phases:
  install: {commands: ["echo 1-install"], finally: ["echo 2-finally"]}
  pre_build: {commands: ["echo 3-pre"]}
  build: {commands: ["export KEPT=kept", "cd /tmp", "echo 4-build", "false", "echo never"], finally: ["echo 5-finally"]}
  post_build: {commands: ["echo \\"6-post $CODEBUILD_BUILD_SUCCEEDING $KEPT $PWD\\""]}
`;
        await world.project('phases', spec, alone);
        const built = await world.build('phases');
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'FAILED');
        const said = log.split('\n').filter((line) => /^[1-6]-/.test(line));
        assert.deepEqual(said, ['1-install', '2-finally', '3-pre', '4-build', '5-finally', '6-post 0 kept /tmp']);
        assert.doesNotMatch(log, /^never$/m);
        const phase = (name) => built.phases.find((p) => p.phaseType === name);
        assert.equal(phase('BUILD').phaseStatus, 'FAILED');
        assert.equal(phase('POST_BUILD').phaseStatus, 'SUCCEEDED');
        assert.match(phase('BUILD').contexts[0].message, /false/);
        assert.ok(phase('BUILD').durationInSeconds >= 0);
    });

    await t.test('what a build leaves behind is stored, with its digest', async () => {
        await world.project('artifact', `version: 0.2
phases: {build: {commands: ["mkdir -p out/deep", "echo one > out/deep/a.txt", "echo two > out/b.log"]}}
artifacts: {files: ["**/*.txt"], base-directory: out, name: "made-$CODEBUILD_BUILD_NUMBER.zip"}
`, { ...alone, artifacts: { type: 'S3', location: world.bucket, packaging: 'ZIP', name: 'result.zip', path: 'made' } });
        const built = await world.build('artifact');
        assert.equal(built.buildStatus, 'SUCCEEDED', await world.log(built));
        assert.match(built.artifacts.location, /^arn:aws:s3:::app-artifacts\/made\//);
        const Key = built.artifacts.location.replace('arn:aws:s3:::app-artifacts/', '');
        const got = await server.client(S3Client).send(new GetObjectCommand({ Bucket: world.bucket, Key }));
        const dir = temporary(t);
        writeFileSync(join(dir, 'a.zip'), Buffer.from(await got.Body.transformToByteArray()));
        const listed = await run('python3', ['-c', 'import sys,zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))', join(dir, 'a.zip')]);
        assert.deepEqual(listed.stdout.trim().split('\n').filter((n) => !n.endsWith('/')), ['deep/a.txt']);
        if (built.artifacts.sha256sum) {
            const sum = await run('sha256sum', [join(dir, 'a.zip')]);
            assert.equal(sum.stdout.split(' ')[0], built.artifacts.sha256sum);
        }
    });

    await t.test('an artifact with links out, or above its folder, takes nothing from outside', async () => {
        // A file of the host under a name that the container does not have.
        const secret = join(temporary(t), 'host-secret');
        writeFileSync(secret, 'of the host', { mode: 0o644 });
        const { built, log } = await once('links', [
            `mkdir -p out; ln -s ${secret} out/secret; ln -s ${server.dir}/keys.json out/keys; ln -s ../.. out/up; echo ok > out/ok.txt`,
        ], {
            rest: 'artifacts:\n  files: ["**/*", "../../../../etc/hostname"]\n  base-directory: out\n',
            artifacts: { type: 'S3', location: world.bucket, packaging: 'ZIP', name: 'links.zip' },
        });
        if (built.buildStatus === 'SUCCEEDED') {
            const Key = built.artifacts.location.replace('arn:aws:s3:::app-artifacts/', '');
            const got = await server.client(S3Client).send(new GetObjectCommand({ Bucket: world.bucket, Key }));
            const dir = temporary(t);
            writeFileSync(join(dir, 'a.zip'), Buffer.from(await got.Body.transformToByteArray()));
            const found = JSON.parse((await run('python3', ['-c', `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps({n: z.read(n).decode("latin1") for n in z.namelist()}))`, join(dir, 'a.zip')])).stdout);
            assert.equal(found['ok.txt'], 'ok\n');
            for (const [name, content] of Object.entries(found)) {
                assert.doesNotMatch(name, /\.\.|hostname/);
                assert.doesNotMatch(content, /of the host|secretAccessKey/);
            }
        } else {
            assert.match(built.phases.flatMap((p) => p.contexts ?? []).map((c) => c.message).join(), /\.\.|link|outside/i, log);
        }
    });

    await t.test('a build that takes too long is ended, and says so', async () => {
        await world.project('slow', buildspec(['sleep 600']), { ...alone });
        const { build } = await world.builds.send(new cb.StartBuildCommand({ projectName: 'slow' }));
        await until('it runs', async () => (await world.builds.send(new cb.BatchGetBuildsCommand({ ids: [build.id] })))
            .builds[0].currentPhase === 'BUILD');
        await world.builds.send(new cb.StopBuildCommand({ id: build.id }));
        const built = await world.built(build.id);
        assert.equal(built.buildStatus, 'STOPPED');
        assert.ok(built.endTime >= built.startTime);
    });

    await t.test('credentials die with the build', async () => {
        const { built, log } = await once('leak', [
            // Out by a way that is not masked: the last bytes reversed.
            'curl -s http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI | jq -c "[.AccessKeyId,.SecretAccessKey,.Token]" | rev',
        ]);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        const line = log.split('\n').map((l) => [...l].reverse().join('')).find((l) => l.startsWith('["ASIA'));
        assert.ok(line, log);
        const [accessKeyId, secretAccessKey, sessionToken] = JSON.parse(line);
        const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
        const sts = server.client(STSClient, 'shared-services', { credentials: { accessKeyId, secretAccessKey, sessionToken } });
        await assert.rejects(sts.send(new GetCallerIdentityCommand({})), (error) => error.$metadata.httpStatusCode === 403);
    });

    await t.test('real clients reach their account by AWS\'s own names', async () => {
        const { built, log } = await once('names', [
            'env | grep -i -E "endpoint|proxy" && exit 1; true',
            'aws s3 ls s3://app-artifacts >/dev/null && echo s3-ok',
            'curl -s -o /dev/null -w "%{http_code} %{ssl_verify_result}\\n" https://app-artifacts.s3.eu-west-2.amazonaws.com/none',
            'curl -s -o /dev/null -w "%{ssl_verify_result}\\n" https://sts.eu-west-2.amazonaws.com/',
        ]);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^s3-ok$/m);
        assert.match(log, /^403 0$/m);
    });
});

test('egress', { skip }, async (t) => {
    for (const [policy, message] of [['none', /none|refused|not allowed/i], ['locked', /locked|mirror|refused|not allowed/i]]) {
        await t.test(`policy ${policy}: what is refused is a line in the log`, async (t2) => {
            const server = await Server.start(t2, { config: `egress: ${policy}\n` });
            const world = await World.make(server);
            const file = join(temporary(t2), 'tool.txt');
            writeFileSync(file, 'mirrored bytes\n');
            const added = await server.tl('mirror', 'add', 'https://downloads.example.org/tool.txt', file);
            assert.equal(added.status, 0, added.stderr);
            await world.project('egress', buildspec([
                'curl -s -m 20 -o /dev/null -w "other %{http_code}\\n" https://elsewhere.example.org/x; true',
                'curl -s -m 20 https://downloads.example.org/tool.txt; true',
                'aws sts get-caller-identity --query Account --output text',
            ]), alone);
            const built = await world.build('egress');
            const log = await world.log(built);
            assert.equal(built.buildStatus, 'SUCCEEDED', log);
            assert.match(log, /^other 403$/m);
            assert.match(log, /elsewhere\.example\.org/);
            assert.match(log.split('\n').filter((l) => l.includes('elsewhere.example.org')).join('\n'), message);
            assert.match(log, /^111111111111$/m);
            if (policy === 'locked') {
                assert.match(log, /^mirrored bytes$/m);
            }
        });
    }
});

test('a build without a server', { skip }, async (t) => {
    const dir = temporary(t);
    const data = join(dir, 'data');
    const tree = join(dir, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'buildspec.yml'), buildspec(['echo "hello from $ENV"', 'cat file.txt', 'aws sts get-caller-identity --query Account --output text']));
    writeFileSync(join(tree, 'file.txt'), 'of the working tree\n');
    const { PROGRAM } = await import('../lib/server.js');
    const { readdirSync } = await import('node:fs');
    const before = readdirSync(dir).sort();

    await t.test('runs what stands in the folder, and leaves nothing', async () => {
        const done = await run(PROGRAM, ['run', '--env', 'development', tree], { env: { TRUNKLINE_DATA: data } });
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /hello from development/);
        assert.match(done.stdout, /of the working tree/);
        assert.match(done.stdout, /111111111111/);
        assert.deepEqual(readdirSync(dir).sort(), before);
        assert.deepEqual(readdirSync(tree).sort(), ['buildspec.yml', 'file.txt']);
    });

    await t.test('fails as its command failed', async () => {
        writeFileSync(join(tree, 'buildspec.yml'), buildspec(['echo no; exit 3']));
        const done = await run(PROGRAM, ['run', tree], { env: { TRUNKLINE_DATA: data } });
        assert.equal(done.status, 1, done.stdout);
        assert.match(done.stdout + done.stderr, /exit 3|status 3/);
        assert.deepEqual(readdirSync(dir).sort(), before);
    });

    await t.test('without the rights of making containers it is refused, in doctor\'s words', async () => {
        writeFileSync(join(tree, 'buildspec.yml'), buildspec(['echo ran']));
        const less = (...args) => run('setpriv', ['--bounding-set=-fowner,-setuid', PROGRAM, ...args], { env: { TRUNKLINE_DATA: data } });
        const { ready, checks } = JSON.parse((await less('doctor', '--json')).stdout);
        const [first] = checks.filter((c) => c.state === 'missing');
        assert.equal(ready, false);
        assert.equal(first.finding, 'root lacks CAP_SETUID CAP_FOWNER');
        const done = await less('run', tree);
        assert.equal(done.status, 1, done.stdout);
        assert.ok(done.stdout.includes(`no containers on this machine: ${first.finding}; ${first.fix}`), done.stdout);
        assert.deepEqual(readdirSync(dir).sort(), before);
    });

    await t.test('lint without a file looks at what release.yml names', async () => {
        const here = join(dir, 'linted');
        mkdirSync(here);
        writeFileSync(join(here, 'release.yml'), 'name: app\nsource: {repository: .., branch: main}\ntest: {buildspec: check.yml}\nenvironments:\n  one: {account: development}\n');
        writeFileSync(join(here, 'buildspec.yml'), 'version: 0.2\nphases: {}\n');
        writeFileSync(join(here, 'check.yml'), 'version: 0.2\nphases: {build: {commands: 3: x}}\n');
        const done = await run(PROGRAM, ['lint'], { cwd: here });
        assert.equal(done.status, 1, done.stdout);
        assert.match(done.stdout, /^release\.yml: valid$/m);
        assert.match(done.stdout, /^buildspec\.yml: valid$/m);
        assert.match(done.stdout, /^check\.yml:2:\d+: error: /m);
        const none = await run(PROGRAM, ['lint'], { cwd: temporary(t) });
        assert.equal(none.status, 2);
    });

    await t.test('says what is wrong with its files, and where', async () => {
        writeFileSync(join(tree, 'buildspec.yml'), 'version: 0.2\nphases:\n  build:\n    comands: [x]\n');
        const lint = await run(PROGRAM, ['lint', '--json', join(tree, 'buildspec.yml')]);
        const said = JSON.parse(lint.stdout);
        const first = [...(said.errors ?? []), ...(said.warnings ?? [])][0];
        assert.ok(first.line >= 3 && first.column >= 1, lint.stdout);
        writeFileSync(join(tree, 'bad.env'), 'GOOD=1\nno equals sign\n');
        const done = await run(PROGRAM, ['run', '--env', 'development', '--parameters', join(tree, 'bad.env'), tree], { env: { TRUNKLINE_DATA: data } });
        assert.notEqual(done.status, 0);
        assert.match(done.stderr, /bad\.env:2/);
        const missing = await run(PROGRAM, ['run', join(dir, 'nowhere')], { env: { TRUNKLINE_DATA: data } });
        assert.notEqual(missing.status, 0);
        assert.match(missing.stderr, /nowhere/);
    });
});
