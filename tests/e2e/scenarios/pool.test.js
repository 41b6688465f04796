// Containers that are made ahead: used once, not noticed by builds, gone with their server.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { StartBuildCommand } from '@aws-sdk/client-codebuild';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const waiting = (server) => (existsSync(join(server.dir, 'pool')) ? readdirSync(join(server.dir, 'pool')) : []);
// A container is there when its supervisor has noted who process 1 is.
const ready = (server) => waiting(server).filter((name) => existsSync(join(server.dir, 'pool', name, 'box/container')));
const supervisors = (server) => readdirSync('/proc').filter((n) => /^\d+$/.test(n)).filter((pid) => {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--pool\0${server.dir}/pool/`);
    } catch {
        return false;
    }
});

test('containers made ahead', { skip }, async (t) => {
    const server = await Server.start(t, { config: 'pool: 2\n' });
    const world = await World.make(server);
    const once = async (name = 'app') => {
        const built = await world.build(name);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        return log;
    };
    await world.project('app', buildspec([
        'for d in /tmp /root /var/tmp /dev/shm /etc; do test ! -e $d/mark || echo "SEEN $d"; echo x > $d/mark; done',
        'echo "net $(readlink /proc/self/ns/net) id $CODEBUILD_BUILD_ID"; pwd; ls -ld "$CODEBUILD_SRC_DIR" | cut -d" " -f1,3',
        'aws sts get-caller-identity --query Arn --output text',
    ]), { pipeline: false });

    await t.test('the first build finds none, and then two of its kind are made', async () => {
        assert.deepEqual(waiting(server), []);
        await once();
        await until('two containers', () => ready(server).length === 2);
    });

    await t.test('each is used once, by a build that finds what every build finds', async () => {
        const before = ready(server);
        const logs = [await once(), await once(), await once()];
        await until('two again', () => ready(server).length === 2);
        assert.ok(!ready(server).some((name) => before.includes(name)), 'those that were there were used');
        assert.equal(new Set(logs.map((log) => /^net (\S+)/m.exec(log)[1])).size, 3);
        for (const log of logs) {
            assert.doesNotMatch(log, /^SEEN/m);
            assert.match(log, /^\/codebuild\/output\/src\d+\/src$/m);
            assert.match(log, /^drwxr-xr-x root$/m);
            assert.match(log, /assumed-role\/app-build\/AWSCodeBuild-/);
        }
    });

    await t.test('one that dies is replaced, and no build fails for it', async () => {
        for (const pid of supervisors(server)) {
            process.kill(Number(pid), 'SIGKILL');
        }
        await once();
        await once();
        await until('two again', () => ready(server).length >= 1);
        await once();
    });

    // A supervisor that stands still takes its build and does nothing: so it dies between the two, every time.
    const handed = async (kill) => {
        await until('two containers', () => ready(server).length === 2);
        const stopped = supervisors(server);
        const boxes = new Map(stopped.map((pid) => {
            const dir = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').find((word) => word.startsWith(`${server.dir}/pool/`));
            return [pid, readFileSync(join(dir, 'box/container'), 'utf8').split(' ')[0]];
        }));
        stopped.forEach((pid) => process.kill(Number(pid), 'SIGSTOP'));
        const { build } = await world.builds.send(new StartBuildCommand({ projectName: 'app' }));
        await until('the build has a container', () => existsSync(join(server.dir, 'builds', build.id.split(':')[1], 'box/container')));
        for (const [supervisor, box] of boxes) {
            kill(Number(supervisor), Number(box));
        }
        const built = await world.built(build.id);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', `${JSON.stringify(built.phases)}\n${log}`);
        assert.equal(log.match(/^net /gm)?.length, 1, log);
        assert.doesNotMatch(log, /^SEEN/m);
        assert.deepEqual(built.phases.map((phase) => phase.phaseType), ['SUBMITTED', 'QUEUED', 'PROVISIONING', 'DOWNLOAD_SOURCE',
            'INSTALL', 'PRE_BUILD', 'BUILD', 'POST_BUILD', 'UPLOAD_ARTIFACTS', 'FINALIZING', 'COMPLETED']);
    };

    await t.test('a supervisor that is killed as it is given a build loses the container, not the build', async () => {
        await handed((supervisor) => process.kill(supervisor, 'SIGKILL'));
    });

    await t.test('a container that is killed as it is given a build is replaced', async () => {
        // The supervisor finds it dead before it has read what to do, or behind that: both are right.
        await handed((supervisor, box) => {
            process.kill(box, 'SIGKILL');
            process.kill(supervisor, 'SIGCONT');
        });
    });

    await t.test('where supervisors come from dies, and another one does its work', async () => {
        const forkers = () => readdirSync('/proc').filter((n) => /^\d+$/.test(n)).filter((pid) => {
            try {
                return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('supervise\0--fork\0')
                    && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1] === String(server.child.pid);
            } catch {
                return false;
            }
        });
        const old = forkers();
        assert.equal(old.length, 1);
        process.kill(Number(old[0]), 'SIGKILL');
        await once();
        await once();
        await once();
        await until('another one', () => forkers().length === 1 && forkers()[0] !== old[0]);
        await until('two again', () => ready(server).length === 2);
    });

    await t.test('another kind of build does not get them', async () => {
        await world.project('large', buildspec(['cat /sys/fs/cgroup/memory.max 2>/dev/null; echo done']), {
            pipeline: false,
            environment: { type: 'LINUX_CONTAINER', image: 'debian-bookworm-build', computeType: 'BUILD_GENERAL1_LARGE' },
        });
        const before = ready(server);
        await once('large');
        assert.ok(before.every((name) => waiting(server).includes(name)));
    });

    await t.test('kill -9 of the server ends them, and the next one clears what is left', async () => {
        await until('containers', () => ready(server).length >= 2);
        const old = waiting(server);
        await server.kill('SIGKILL');
        await until('their end', () => supervisors(server).length === 0);
        await server.launch();
        assert.ok(!waiting(server).some((name) => old.includes(name)));
        await once();
    });

    await t.test('the server\'s end is theirs, and nothing stays', async () => {
        await until('containers', () => ready(server).length >= 1);
        const old = waiting(server);
        await server.stop();
        assert.deepEqual(waiting(server), []);
        assert.deepEqual(supervisors(server), []);
        const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
        assert.ok(!mounts.includes(server.dir));
        for (const name of old) {
            assert.ok(!['', ...readdirSync('/sys/fs/cgroup')].some((c) => existsSync(`/sys/fs/cgroup/${c}/trunkline-tl-pool-${name}`)));
        }
    });
});
