// `trunkline run`: one build of a folder with no server of anybody's, what it takes, what it leaves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
    existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, utimesSync, writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import * as iam from '@aws-sdk/client-iam';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { smallImage } from '../lib/registry.js';
import { PROGRAM, Server, run, temporary } from '../lib/server.js';
import { find, withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const SUBREAPER = join(dirname(fileURLToPath(import.meta.url)), '../lib/subreaper.py');

// Commands that leave what they can, where they can.
const LITTER = [
    'nohup sleep 1000 >/dev/null 2>&1 & echo $! > /tmp/pid',
    'setsid sh -c "sleep 1000 & sleep 1000" </dev/null >/dev/null 2>&1 &',
    `python3 -c "
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)"`,
    'echo x > /tmp/left; mkdir -p /root/deep/er /var/tmp/x; mkfifo /tmp/pipe; ln -s / /tmp/root; chmod 0 /root/deep/er',
    'kill -0 $(cat /tmp/pid)',
];

// Folders of control groups whose path contains the text.
function groupsOf(text) {
    const found = [];
    const walk = (dir) => {
        let entries = [];
        try {
            entries = readdirSync(dir, { withFileTypes: true });
        } catch {
            // it ended while it was looked at: it is nobody's any more
        }
        for (const entry of entries.filter((e) => e.isDirectory())) {
            const path = join(dir, entry.name);
            found.push(...(path.includes(text) ? [path] : []));
            walk(path);
        }
    };
    walk('/sys/fs/cgroup');
    return found;
}

// A folder to build, with places of its own for everything that a run may write.
class Bench {
    constructor(t, commands, more = '') {
        this.root = temporary(t);
        this.dir = join(this.root, 'project');
        this.env = { TMPDIR: join(this.root, 'tmp'), HOME: join(this.root, 'home'), TRUNKLINE_DATA: join(this.root, 'data') };
        for (const dir of [this.dir, this.env.TMPDIR, this.env.HOME]) {
            mkdirSync(dir);
        }
        this.write('buildspec.yml', `version: 0.2\n${more}phases:\n  build:\n    commands:\n${
            ['echo "mine $CODEBUILD_BUILD_ID $(readlink /proc/self/ns/net)"', ...commands]
                .map((c) => `      - ${JSON.stringify(c)}\n`).join('')}`);
    }

    write(name, text) { writeFileSync(join(this.dir, name), text); }

    run(...args) { return run(PROGRAM, ['run', ...args, this.dir], { env: this.env }); }

    // As run(), by a subreaper: *.orphans are the processes that outlived it, whatever became of them.
    async reaped(...args) {
        const file = join(this.root, 'orphans');
        const done = await run('python3', [SUBREAPER, file, PROGRAM, 'run', ...args, this.dir], { env: this.env });
        return { ...done, orphans: readFileSync(file, 'utf8').split('\n').filter(Boolean) };
    }

    // Started, not waited for: {child, out, line(regexp), ended}.
    start(...args) {
        const child = spawn(PROGRAM, ['run', ...args, this.dir], {
            env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'],
        });
        const started = { child, out: '', err: '' };
        child.stdout.on('data', (bytes) => { started.out += bytes; });
        child.stderr.on('data', (bytes) => { started.err += bytes; });
        started.ended = new Promise((done) => { child.once('close', (code, signal) => done({ code, signal })); });
        started.line = (wanted) => until(String(wanted), () => wanted.exec(started.out) ?? wanted.exec(started.err),
            { timeout_ms: 60_000 });
        return started;
    }

    // What of this bench is on the machine: processes, mounts, control groups, namespaces, files.
    left(log = '') {
        const found = [];
        const [, id, netns] = /^mine (\S+) (\S+)$/m.exec(log) ?? [];
        const uuid = id?.split(':')[1];
        for (const pid of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
            try {
                const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
                if (words.includes(this.root) && Number(pid) !== process.pid) {
                    found.push(`process ${pid} ${words}`);
                }
                if (netns && readlinkSync(`/proc/${pid}/ns/net`) === netns) {
                    found.push(`process ${pid} in the build's network`);
                }
            } catch {
                // it has ended meanwhile
            }
        }
        found.push(...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(this.root)));
        if (uuid) {
            for (const controller of ['', ...readdirSync('/sys/fs/cgroup')]) {
                if (existsSync(join('/sys/fs/cgroup', controller, `trunkline-tl-${uuid}`))) {
                    found.push(`cgroup ${controller}`);
                }
            }
        }
        found.push(...[this.env.TMPDIR, this.env.HOME].flatMap((dir) => readdirSync(dir).map((name) => join(dir, name))));
        found.push(...readdirSync(this.root).filter((name) => name === 'data'));
        return found;
    }
}

test('run', { skip }, async (t) => {
    await t.test('sources, variables, artifacts and reports come and go by folders', async (t) => {
        const b = new Bench(t, [
            'echo "who $WHO file $FROM_FILE"', 'cat "$CODEBUILD_SRC_DIR_extra/note"', 'echo 1 > made',
            'mkdir -p reports/deep; echo "<testsuite name=\'s\'><testcase name=\'c\'/></testsuite>" > reports/deep/r.xml',
        ], `env: {parameter-store: {WHO: /who}}
artifacts: {files: [made], secondary-artifacts: {two: {files: [made]}}}
reports: {unit: {files: ["**/*.xml"], base-directory: reports}}
`);
        mkdirSync(join(b.root, 'extra'));
        writeFileSync(join(b.root, 'extra', 'note'), 'from the second\n');
        writeFileSync(join(b.root, 'parameters'), '/who=world\n');
        writeFileSync(join(b.root, 'variables'), '# comment\nFROM_FILE="as it stands"\n\n');
        const out = join(b.root, 'out/artifacts');
        const reports = join(b.root, 'out/reports');
        const done = await b.run('--parameters', join(b.root, 'parameters'), '--env-file', join(b.root, 'variables'),
            '--secondary', `extra:${join(b.root, 'extra')}`, '--artifacts', out, '--reports', reports);
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /^who world file "as it stands"$/m);
        assert.match(done.stdout, /^from the second$/m);
        assert.deepEqual(readdirSync(out).sort(), ['artifacts.zip', 'two.zip']);
        assert.match((await run('unzip', ['-l', join(out, 'artifacts.zip')])).stdout, / made$/m);
        assert.match(readFileSync(join(reports, 'unit/deep/r.xml'), 'utf8'), /testcase/);
        assert.deepEqual(b.left(done.stdout), []);
    });

    await t.test('a failure ends with the command, its status and its last lines', async (t) => {
        const b = new Bench(t, ['for i in $(seq 100); do echo "line $i"; done; exit 3', 'echo not reached']);
        const done = await b.run();
        assert.equal(done.status, 1);
        const end = done.stderr.slice(done.stderr.indexOf('FAILED in'));
        assert.match(end, /reason {2}Error while executing command: .*exit 3\. Reason: exit status 3/);
        assert.match(end, /^ +line 100$/m);
        assert.doesNotMatch(end, /^ +line 80$/m);
        assert.deepEqual(b.left(done.stdout), []);
    });

    await t.test('what a build leaves running or lying about ends with it', async (t) => {
        for (const [args, last, status] of [
            [[], 'true', 0],
            [[], 'exit 3', 1],
            [['--privileged'], 'mkdir /mnt/m; mount -t tmpfs none /mnt/m; echo y > /mnt/m/y; unshare -Um sleep 1000 &', 0],
            [['--mount-source'], 'true', 0],
        ]) {
            const b = new Bench(t, [...LITTER, last], 'artifacts: {files: [buildspec.yml]}\n');
            const out = join(b.root, 'out');
            const before = readdirSync(b.dir);
            const done = await b.reaped(...args, '--artifacts', out);
            assert.equal(done.status, status, done.stdout + done.stderr);
            assert.deepEqual(done.orphans, [], `${args} ${last}`);
            assert.deepEqual(b.left(done.stdout), []);
            assert.deepEqual(readdirSync(b.dir), before, 'nothing is added to the folder');
            const uuid = /^mine \S+:(\S+)/m.exec(done.stdout)[1];
            assert.deepEqual(groupsOf(uuid), []);
        }
    });

    await t.test('hints: what is missing, and what gives it', async (t) => {
        const b = new Bench(t, ['npm ci', 'mvn package'], 'env: {parameter-store: {A: /a/$ENV, B: /b}, secrets-manager: {C: "c:key"}}\n');
        let done = await b.run();
        assert.match(done.stderr, /hint .*\/a\/\$ENV names a variable that is not set: --env NAME/);
        assert.match(done.stderr, /hint +--parameters FILE gives .* like these:\n +\/b=\.\.\.\n +c=secret:\.\.\.\n/);
        writeFileSync(join(b.root, 'parameters'), '/b=1\n/a/dev=2\nc=secret:{"key": "v"}\n');
        done = await b.run('--env', 'dev', '--parameters', join(b.root, 'parameters'));
        assert.equal(done.status, 1);
        assert.match(done.stderr, /hint +'npm' is not in the image debian-bookworm-build; .*\n +--image debian:bookworm\+npm,maven$/m);
        assert.doesNotMatch(done.stderr, /--parameters/);
        b.write('buildspec.yml', 'version: 0.2\nphases: {build: {commands: ["git status"]}}\n');
        done = await b.run('--json');
        assert.match(JSON.parse(done.stdout).hints.join(), /--mount-source/);
        b.write('buildspec.yml', 'version: 0.2\nbatch: {build-list: [{identifier: a, buildspec: x.yml}, {identifier: b}]}\nphases: {}\n');
        done = await b.run();
        assert.equal(done.status, 0);
        assert.match(done.stderr, /hint .*batch of 2 builds, .*\n +--buildspec x\.yml is another/);
    });

    await t.test('--mount-source works in the folder itself, with its owner', async (t) => {
        const b = new Bench(t, ['echo from the build > made', 'echo from another user > other || true', 'cat theirs'],
            'artifacts: {files: [made]}\n');
        b.write('theirs', 'of the person\n');
        for (const path of [b.dir, join(b.dir, 'theirs'), join(b.dir, 'buildspec.yml')]) {
            assert.equal((await run('chown', ['1234:2345', path])).status, 0);
        }
        const out = join(b.root, 'out');
        const done = await b.run('--mount-source', '--artifacts', out);
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /^of the person$/m);
        assert.equal(readFileSync(join(b.dir, 'made'), 'utf8'), 'from the build\n');
        const { uid, gid } = statSync(join(b.dir, 'made'));
        assert.deepEqual([uid, gid], [1234, 2345], 'what root makes inside is the person\'s');
        assert.match((await run('unzip', ['-p', join(out, 'artifacts.zip'), 'made'])).stdout, /from the build/);
        assert.deepEqual(b.left(done.stdout), []);
    });

    await t.test('--image takes a layout, relative to where one stands', async (t) => {
        if (!find('skopeo') || !find('umoci')) {
            return t.skip('skopeo and umoci are not installed');
        }
        const b = new Bench(t, ['echo "greeting $GREETING"']);
        smallImage(b.root);
        const images = temporary(t);
        b.env.TRUNKLINE_IMAGES = images;
        const done = await run(PROGRAM, ['run', '--image', 'oci:layout:app', b.dir], { env: b.env, cwd: b.root });
        assert.equal(done.status, 0, done.stderr);
        assert.match(done.stdout, /^greeting hello$/m);
        return undefined;
    });

    await t.test('Ctrl-C stops the build and leaves nothing', async (t) => {
        const b = new Bench(t, ['trap "echo asked; exit 0" TERM; echo begun; while :; do sleep 0.1; done']);
        const started = b.start();
        await started.line(/^begun$/m);
        started.child.kill('SIGINT');
        const { code } = await started.ended;
        assert.equal(code, 3, started.err);
        assert.match(started.out, /^asked$/m);
        assert.deepEqual(b.left(started.out), []);
    });

    await t.test('kill -9: the build ends by itself, the next run removes the rest', async (t) => {
        const b = new Bench(t, ['echo begun; test -e quick || sleep 600']);
        const started = b.start();
        await started.line(/^begun$/m);
        started.child.kill('SIGKILL');
        await started.ended;
        assert.notDeepEqual(b.left(started.out), [], 'or this test shows nothing');
        await until('the build to notice', () => !b.left(started.out).some((l) => !l.startsWith(b.root)),
            { timeout_ms: 40_000 });
        b.write('quick', '');
        const done = await b.run();
        assert.equal(done.status, 0, done.stderr);
        assert.deepEqual(b.left(started.out), []);
        assert.deepEqual(b.left(done.stdout), []);
    });

    await t.test('kill -9 of all: what nobody cleared away, the next run does', async (t) => {
        const b = new Bench(t, ['echo begun; test -e quick || sleep 600']);
        const started = b.start();
        await started.line(/^begun$/m);
        // The supervisors first: a container ends with its supervisor, its cgroup and layer stay.
        for (const line of b.left(started.out).filter((l) => /^process \d+ \S+ supervise /.test(l))) {
            process.kill(Number(line.split(' ')[1]), 'SIGKILL');
        }
        started.child.kill('SIGKILL');
        await started.ended;
        b.write('quick', '');
        const done = await b.run();
        assert.equal(done.status, 0, done.stderr);
        assert.deepEqual(b.left(started.out), []);
        assert.deepEqual(b.left(done.stdout), []);
    });

    await t.test('two runs at once do not take each other for leftovers', async (t) => {
        const b = new Bench(t, ['echo begun; until test -e /tmp/never; do sleep 0.1; [ $((n = n + 1)) -lt 30 ] || break; done']);
        const one = b.start();
        await one.line(/^begun$/m);
        const two = b.start();
        const ends = await Promise.all([one.ended, two.ended]);
        assert.deepEqual(ends.map((e) => e.code), [0, 0], one.err + two.err);
        assert.deepEqual(b.left(one.out), []);
    });

    await t.test('--watch builds again when a file changes, and not for what is ignored', async (t) => {
        const b = new Bench(t, ['echo "content $(cat word)"']);
        b.write('word', 'first');
        await run('git', ['-C', b.dir, 'init', '-q']);
        b.write('.gitignore', 'ignored\n');
        const started = b.start('--watch');
        await started.line(/waiting for a change/);
        assert.match(started.out, /^content first$/m);
        b.write('ignored', 'x');
        b.write('word', 'second');
        await started.line(/^content second$/m);
        await until('waiting again', () => started.err.split('waiting for a change').length === 3);
        utimesSync(join(b.dir, 'ignored'), new Date(), new Date());
        b.write('word', 'third');
        await started.line(/^content third$/m);
        await until('waiting again', () => started.err.split('waiting for a change').length === 4);
        started.child.kill('SIGINT');
        const { code } = await started.ended;
        assert.equal(code, 0);
        assert.equal(started.out.match(/^content /mg).length, 3);
        assert.deepEqual(b.left(started.out), []);
    });

    await t.test('--shell opens the failed container as the build left it', async (t) => {
        const b = new Bench(t, ['mkdir deep', 'cd deep', 'export COLOUR=blue', 'false']);
        const refused = await b.run('--shell');
        assert.equal(refused.status, 2);
        assert.match(refused.stderr, /--shell needs a terminal/);
        // A terminal, and a person who types: what the shell prints back is asserted below.
        const person = `
import os, pty, select, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen, typed = b'', 0
while True:
    ready, _, _ = select.select([fd], [], [], 60)
    if not ready:
        print('TIMEOUT'); break
    try:
        part = os.read(fd, 65536)
    except OSError:
        break
    if not part:
        break
    seen += part
    if typed == 0 and b'ends it.' in seen and b'# ' in seen.split(b'ends it.')[1]:
        typed = 1
        # One line: what is typed right after an interruption may reach bash while it changes the
        # terminal's mode, and is lost then, here as anywhere.
        os.write(fd, b'echo "at $(pwd) colour $COLOUR tty $([ -t 0 ] && echo yes)"; '
                     b'(trap "echo after \\$((40 + 2)); exit" INT; echo ready \\$; while :; do sleep 1; done); exit\\n')
    if typed == 1 and b'ready $' in seen.split(b'tty yes')[-1]:
        typed = 2
        os.write(fd, b'\\x03')
sys.stdout.buffer.write(seen)
_, status = os.waitpid(pid, 0)
print('STATUS', os.waitstatus_to_exitcode(status))`;
        const done = await run('python3', ['-c', person, PROGRAM, 'run', '--shell', b.dir], { env: b.env });
        assert.match(done.stdout, /at \/codebuild\/output\/\S+\/deep colour blue tty yes/);
        assert.match(done.stdout, /after 42/);
        assert.match(done.stdout, /STATUS 1/);
        assert.deepEqual(b.left(done.stdout.replaceAll('\r', '')), []);
    });

    await t.test('--account: parameters and rights of an account of a running server', async (t) => {
        const server = await Server.start(t);
        await server.client(SSMClient).send(new PutParameterCommand({ Name: '/who', Value: 'the account', Type: 'SecureString' }));
        const b = new Bench(t, [
            'echo "account $(aws sts get-caller-identity --query Account --output text) who ${#WHO}"',
            'aws ssm put-parameter --name /seen --type String --value yes',
        ], 'env: {parameter-store: {WHO: /who}}\n');
        const done = await b.run('--data', server.dir, '--account', 'shared-services');
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /^account 111111111111 who 11$/m);
        assert.match((await server.aws('shared-services', 'ssm', 'get-parameter', '--name', '/seen')).stdout, /"yes"/);
        assert.doesNotMatch(done.stdout, /the account/);
        // With a role of that account, its policies count.
        await server.client(iam.IAMClient).send(new iam.CreateRoleCommand({
            RoleName: 'nothing', AssumeRolePolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'sts:AssumeRole' }],
            }),
        }));
        const key = server.keys['shared-services'];
        const denied = await b.run('--data', server.dir, '--account', key.account, '--role', 'nothing');
        assert.equal(denied.status, 1);
        assert.match(denied.stderr, /not authorized to perform: ssm:GetParameters|root|AssumeRole/);
        assert.match((await b.run('--data', server.dir, '--account', 'nowhere')).stderr, /there is no account 'nowhere'/);
        assert.match((await b.run('--account', 'x', '--aws-profile', 'y')).stderr, /choose one/);
    });

    await t.test('--aws-profile: keys, region and endpoint of a profile', async (t) => {
        const server = await Server.start(t);
        await server.client(SSMClient, 'development').send(new PutParameterCommand({ Name: '/who', Value: 'a real account', Type: 'String' }));
        const b = new Bench(t, [
            'echo "who ${#WHO} region $AWS_REGION"',
            'curl -s 169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI | grep -o "AccessKeyId" | head -1',
        ], 'env: {parameter-store: {WHO: /who}}\n');
        const key = server.keys.development;
        mkdirSync(join(b.env.HOME, '.aws'));
        writeFileSync(join(b.env.HOME, '.aws/config'), `[default]\nregion = us-east-1\n[profile dev]\nregion = ${key.region}\nendpoint_url = ${server.url}\n`);
        writeFileSync(join(b.env.HOME, '.aws/credentials'), `[other]\naws_access_key_id = x\n[dev]\naws_access_key_id=${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`);
        const done = await b.run('--aws-profile', 'dev');
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, new RegExp(`^who 14 region ${key.region}$`, 'm'));
        assert.match(done.stdout, /^AccessKeyId$/m);
        assert.deepEqual(b.left(done.stdout).filter((l) => !l.endsWith('/.aws')), []);
        const missing = await b.run('--aws-profile', 'nobody');
        assert.equal(missing.status, 1);
        assert.match(missing.stderr, /profile nobody holds no keys/);
    });

    await t.test('wrong options are told before anything is made', async (t) => {
        const b = new Bench(t, ['true']);
        for (const [args, text] of [
            [['--secondary', 'noid'], /--secondary takes ID:DIR/],
            [['--secondary', `x:${b.root}/missing`], /is not a folder/],
            [['--env-file', join(b.dir, 'buildspec.yml')], /buildspec\.yml:1: not NAME=VALUE/],
            [['--image', 'oci:nowhere:app'], /nowhere/],
            [['--image', 'Host/Bad:t'], /it is no \[HOST/],
        ]) {
            const done = await b.run(...args);
            assert.notEqual(done.status, 0, args.join(' '));
            assert.match(done.stderr, text);
            assert.deepEqual(b.left(), []);
        }
    });
});
