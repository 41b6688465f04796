// kill -9 of serve while a release runs: nothing is lost, nothing happens twice.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { Counted } from '../lib/counted.js';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server, temporary } from '../lib/server.js';
import { fault, withoutBuilds, withoutFault } from '../lib/tools.js';

const skip = withoutBuilds();

// Numbers of [0, 1) from a seed, so that the moments of a failed run can be had again.
function randoms(seed) {
    let a = seed >>> 0;
    return () => {
        a = (a + 0x6d2b79f5) >>> 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

const after = (ms) => new Promise((done) => { setTimeout(done, ms); });

test('kill -9 between two calls of a build, and while an approval waits', { skip }, async (t) => {
    const server = await Server.start(t);
    const counted = await Counted.make(server, 6);
    const { world } = counted;
    const id = await world.newest();
    await until('the build writes', async () => (await counted.progress(id)) >= 4, { every_ms: 5 });
    await server.kill('SIGKILL');
    await server.launch();
    assert.equal((await world.stage('Development')).latestExecution.status, 'InProgress', 'killed in the middle of Development');
    const token = await world.waiting(id);
    await server.kill('SIGKILL');
    await server.launch();
    assert.equal(await world.waiting(id), token, 'the approval still waits, with the same token');
    await world.answer(token);
    await server.kill('SIGKILL');
    await server.launch();
    assert.equal(await world.ended(id), 'Succeeded');
    await counted.verify(id);
});

test('kill -9 at ten random moments of one release', { skip }, async (t) => {
    const seed = Number(process.env.TRUNKLINE_E2E_SEED ?? Date.now() % 1_000_000);
    t.diagnostic(`TRUNKLINE_E2E_SEED=${seed}`);
    const random = randoms(seed);
    const writes = 12;
    const server = await Server.start(t);
    const counted = await Counted.make(server, writes);
    const { world } = counted;
    const id = await world.newest();
    // Ten of the points that a release passes, and a random while after each: its first moment, every
    // round of writes of both builds but the last two, its approval. So each kill falls into the running
    // release, however fast the machine is.
    const points = Array.from({ length: 2 * writes - 1 }, (_, i) => i).map((point) => [random(), point])
        .sort((a, b) => a[0] - b[0]).slice(0, 10).map(([, point]) => point).sort((a, b) => a - b);
    const kills = [];
    let token = null;
    const answer = async () => { // once, whatever is killed in between
        const action = (await world.stage('Approve')).actionStates?.[0]?.latestExecution;
        if (action?.status === 'InProgress') {
            assert.equal(action.token, token ?? action.token, 'the same approval');
            token = action.token;
            await world.answer(token);
        }
    };
    for (const point of points) {
        await until(`point ${point} of ${points}`, async () => {
            if (await counted.progress(id) >= point) {
                return true;
            }
            await answer();
            return false;
        }, { every_ms: 5, timeout_ms: 120_000 });
        const while_ms = Math.floor(random() * 250);
        await after(while_ms);
        assert.equal((await world.execution(id)).status, 'InProgress', `kill ${kills.length + 1} falls into the release`);
        kills.push([point, await counted.progress(id), while_ms]);
        await server.kill('SIGKILL');
        await after(Math.floor(random() * 1_000)); // calls of the build wait meanwhile
        await server.launch();
    }
    const moments = `seed ${seed}, kills at [point, progress, ms after] ${JSON.stringify(kills)}`;
    t.diagnostic(moments);
    const status = await until(`the end of the release, ${moments}`, async () => {
        await answer();
        const got = await world.execution(id);
        return got.status === 'InProgress' ? null : got.status;
    }, { timeout_ms: 180_000 });
    assert.equal(status, 'Succeeded', moments);
    assert.equal(kills.length, 10);
    await counted.verify(id);
});

// A kill at any moment seldom falls between a write and its answer. Here each one does.
test('kill -9 ten times after a write of a build is made and before it is answered', { skip: skip || withoutFault('kill_at_answer') }, async (t) => {
    const server = await Server.start(t);
    const counted = await Counted.make(server, 12);
    const { world } = counted;
    const id = await world.newest();
    await until('the build writes', async () => (await counted.progress(id)) >= 1, { every_ms: 5 });
    await server.kill('SIGKILL');
    for (let kills = 0; kills < 10; kills += 1) {
        // Its first answer is of the call that the one before it did not answer; then some new ones.
        server.options.env = { LD_PRELOAD: fault('kill_at_answer'), KILL_AT_ANSWER: String(2 + kills % 3) };
        // It may die before it says that it is ready: builds are answered from the first moment on.
        await server.launch().catch((error) => assert.equal(error.signal, 'SIGKILL', error.message));
        const timer = setTimeout(() => server.child.kill('SIGTERM'), 120_000);
        assert.deepEqual(await server.ended, { code: null, signal: 'SIGKILL' }, `kill ${kills + 1}: ${server.log}`);
        clearTimeout(timer);
    }
    server.options.env = {};
    await server.launch();
    assert.equal((await world.stage('Development')).latestExecution.status, 'InProgress', 'killed in the middle of Development');
    await world.answer(await world.waiting(id));
    assert.equal(await world.ended(id), 'Succeeded');
    await counted.verify(id);
});

test('what ended while serve was away is known when it is back', { skip }, async (t) => {
    const signal = temporary(t);
    chmodSync(signal, 0o755); // a build's root is nobody here
    const server = await Server.start(t, { config: `mounts:\n  - {source: "${signal}", target: /signal}\n` });
    const world = await World.make(server);
    await world.project('app-short', buildspec(['echo before', 'timeout 120 sh -c "until [ -e /signal/gone ]; do sleep 0.05; done"', 'echo after']), { pipeline: false });
    const { build } = await world.builds.send(new cb.StartBuildCommand({ projectName: 'app-short' }));
    await until('it runs', async () => (await world.builds.send(new cb.BatchGetBuildsCommand({ ids: [build.id] })))
        .builds[0].currentPhase === 'BUILD', { every_ms: 10 });
    await server.kill('SIGKILL');
    writeFileSync(join(signal, 'gone'), '');
    await until('it ended by itself', () => existsSync(`${server.dir}/builds/${build.id.split(':')[1]}/exit.json`));
    await server.launch();
    const built = await world.built(build.id);
    assert.equal(built.buildStatus, 'SUCCEEDED');
    const lines = (await world.log(built)).split('\n');
    assert.deepEqual(lines.filter((l) => l === 'before' || l === 'after'), ['before', 'after']);
});
