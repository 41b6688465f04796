// Privileged builds: who may have them, what they may do, and docker's commands in them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { World, buildspec } from '../lib/release.js';
import { Registry, smallImage } from '../lib/registry.js';
import { PROGRAM, Server, run, temporary } from '../lib/server.js';
import { find, withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds() || (find('skopeo') && find('umoci') ? false : 'skopeo and umoci are not installed');

test('privileged builds', { skip, timeout: 900_000 }, async (t) => {
    const layout = smallImage(temporary(t));
    const open = await Registry.start(t);
    const closed = await Registry.start(t, { username: 'ada', password: 'correct horse' });
    await open.push(`${layout}:app`, 'base/small:1');
    const server = await Server.start(t, {
        config: `registries:
  registry.internal: {address: "${open.address}", insecure: true}
  closed.internal: {address: "${closed.address}", insecure: true}
privileged: [allowed, docker]
`,
    });
    const world = await World.make(server);
    const once = async (name, commands, privilegedMode = true) => {
        await world.project(name, buildspec(commands), {
            pipeline: false,
            environment: { type: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_MEDIUM', image: 'aws/codebuild/standard:7.0', privilegedMode },
        });
        const { build } = await world.builds.send(new (await import('@aws-sdk/client-codebuild')).StartBuildCommand({ projectName: name }));
        const built = await world.built(build.id, 600_000); // the first one makes the image
        return { built, log: await world.log(built) };
    };

    await t.test('they are off until an administrator allows them', async () => {
        const { built } = await once('refused', ['true']);
        assert.equal(built.buildStatus, 'FAILED');
        const context = built.phases.find((p) => p.phaseType === 'PROVISIONING').contexts[0];
        assert.match(context.message, /^Privileged builds are off on this machine\. .*privileged: \[refused\]/);
    });

    await t.test('they mount and make namespaces, in their own user namespace only', async () => {
        const { built, log } = await once('allowed', [
            'mkdir /tmp/m && mount -t tmpfs none /tmp/m && touch /tmp/m/file && umount /tmp/m && echo MOUNTED',
            'unshare -m true && unshare -Un true && echo NESTED',
            'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status; head -1 /proc/self/uid_map',
            // What would be the host's: none of it.
            'mknod /tmp/disk b 8 0 2>/dev/null && head -c 1 /tmp/disk >/dev/null 2>&1 && echo DEVICE; true',
            'for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern; do (echo x > $f) 2>/dev/null && echo "WROTE $f"; done; true',
            'mount -t proc proc /mnt 2>/dev/null && (echo x > /mnt/sys/kernel/core_pattern) 2>/dev/null && echo "WROTE core_pattern"; true',
            'mkdir /tmp/c; for v in cgroup cgroup2; do mount -t $v none /tmp/c 2>/dev/null || continue; for f in cgroup.procs cgroup.kill cgroup.freeze cgroup.subtree_control memory.max release_agent; do (echo 1 > /tmp/c/$f) 2>/dev/null && echo "WROTE $v $f"; done; (mkdir /tmp/c/mine) 2>/dev/null && echo "WROTE $v folder"; done; true',
            'test ! -e /var/run/docker.sock && echo no-socket; cat /proc/1/root/etc/hostname /proc/1/environ 2>/dev/null | grep -q . && echo "WROTE nothing, but reads process 1"; true',
            'python3 -c "import ctypes; l=ctypes.CDLL(None, use_errno=True); print(\'bpf\', l.syscall(321, 0, 0, 0), ctypes.get_errno())"',
            'dmesg 2>/dev/null | head -1 | grep . && echo KERNEL-LOG; true',
        ]);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^MOUNTED$/m);
        assert.match(log, /^NESTED$/m);
        assert.match(log, /^NoNewPrivs:\s*1$/m);
        assert.match(log, /^Seccomp:\s*2$/m);
        assert.match(log, /^\s*0\s+1\d{9}\s+65536$/m, 'its root is nobody of the host');
        assert.match(log, /^bpf -1 1$/m);
        assert.doesNotMatch(log, /^(DEVICE|WROTE|KERNEL-LOG)/m);
    });

    await t.test('docker build, tag, push, pull, run and the rest, without a daemon', async () => {
        const { built, log } = await once('docker', [
            'nohup dockerd --host=unix:///var/run/docker.sock >/dev/null 2>&1 & timeout 15 sh -c "until docker info; do sleep 1; done"',
            'docker --version',
            'mkdir -p app; printf "FROM registry.internal/base/small:1\\nUSER root\\nARG WHO=nobody\\nENV WHO=\\$WHO\\nRUN cat /etc/greeting > /copy; echo made by \\$(id -u) >> /copy\\nCOPY file /file\\nENTRYPOINT [\\"/bin/cat\\"]\\nCMD [\\"/copy\\"]\\n" > app/Dockerfile; echo content > app/file',
            'docker build -t app:latest --build-arg WHO=world --progress=plain app',
            'printf "FROM scratch\\nCOPY file /only\\n" | docker build -q -t nothing -f - app',
            'docker tag app:latest registry.internal/team/app:v1',
            'docker push registry.internal/team/app:v1',
            'echo "correct horse" | docker login --username ada --password-stdin closed.internal',
            'docker tag app registry.internal/team/app:v2 && docker tag app:latest closed.internal/team/app:v2 && docker push closed.internal/team/app:v2',
            'echo wrong | docker login -u ada --password-stdin closed.internal && echo LOGGED-IN; true',
            'docker rmi registry.internal/team/app:v1 && docker pull registry.internal/team/app:v1',
            'echo "ran [$(docker run --rm app)]"',
            'docker run --rm -e WHO=me -v $PWD/app:/mnt -w /mnt --entrypoint /bin/sh app -c "echo who \\$WHO in \\$(pwd): \\$(cat file)"',
            'docker run --rm --entrypoint /bin/sh app -c "exit 7"; echo "status $?"',
            'id=$(docker create app) && docker cp $id:/copy . && docker rm $id >/dev/null && echo "copied $(head -1 copy)"',
            'docker run -d --name sleeper --entrypoint /bin/sh app -c "echo started; while :; do :; done" >/dev/null; until docker logs sleeper | grep -q started; do sleep 0.1; done; docker ps -q | wc -l; docker exec sleeper /bin/cat /file; docker stop sleeper; docker rm sleeper; docker ps -aq | wc -l',
            'docker save app:latest | gzip > app.tgz && docker rmi -f app:latest >/dev/null && docker load -i app.tgz && docker images --format "{{.Name}}:{{.Tag}}" | grep -x "localhost/app:latest"',
            'docker inspect -f "{{.Architecture}} {{.Os}}" app || docker inspect --format="{{.Architecture}}" app',
            'docker inspect --format="{{index .RepoDigests 0}}" registry.internal/team/app:v1',
            'docker swarm init; echo "swarm $?"',
            'docker build -t bad missing-folder; echo "missing $?"',
        ]);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^ran \[hello\nmade by 0\]$/m);
        assert.match(log, /^who me in \/mnt: content$/m);
        assert.match(log, /^status 7$/m);
        assert.match(log, /^copied hello$/m);
        assert.match(log, /^1\ncontent\nsleeper\nsleeper\n0$/m);
        assert.match(log, /^Loaded image: /m);
        assert.match(log, /^amd64$|^arm64$/m);
        assert.match(log, /^registry\.internal\/team\/app@sha256:[0-9a-f]{64}$/m);
        assert.match(log, /docker: 'swarm' is not available in builds here/);
        assert.match(log, /^swarm 1$/m);
        assert.doesNotMatch(log, /^(LOGGED-IN|missing 0)$/m);
        assert.ok(open.manifests.has('team/app:v1'));
        assert.ok(closed.manifests.has('team/app:v2'));
    });

    await t.test('what a build has pushed is an image that builds run in', async () => {
        await world.project('second', buildspec(['cat /copy']), {
            pipeline: false,
            environment: { type: 'LINUX_CONTAINER', computeType: 'BUILD_GENERAL1_SMALL', image: 'registry.internal/team/app:v1' },
        });
        const built = await world.build('second');
        assert.match(await world.log(built), /^hello\nmade by 0$/m);
        const gone = await run(PROGRAM, ['image', 'rm', 'registry.internal/team/app:v1']); // it lies among the machine's own
        assert.equal(gone.status, 0, gone.stderr);
    });
});
