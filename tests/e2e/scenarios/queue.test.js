// Builds that wait for a place: one at a time here, in their order, each as soon as the one before has ended.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BatchGetBuildsCommand, StartBuildCommand, StopBuildCommand } from '@aws-sdk/client-codebuild';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();

test('builds that wait', { skip }, async (t) => {
    const server = await Server.start(t, { config: 'builds: 1\npool: 0\n' });
    const world = await World.make(server);
    const start = async (name) => (await world.builds.send(new StartBuildCommand({ projectName: name }))).build.id;
    const get = async (id) => (await world.builds.send(new BatchGetBuildsCommand({ ids: [id] }))).builds[0];
    const ended = (id) => world.built(id);
    const phase = (built, type) => built.phases.find((p) => p.phaseType === type);
    await world.project('app', buildspec(['true']), { pipeline: false });
    await world.project('long', buildspec(['sleep 600']), { pipeline: false });

    await t.test('run one after the other, without a pause between them', async () => {
        const ids = [];
        for (let i = 0; i < 6; i++) {
            ids.push(await start('app'));
        }
        let before = null;
        for (const id of ids) {
            const built = await ended(id);
            assert.equal(built.buildStatus, 'SUCCEEDED');
            const began = phase(built, 'PROVISIONING').startTime.getTime();
            if (before !== null) {
                assert.ok(began >= before, 'two at once');
                assert.ok(began - before < 10_000, `${began - before} ms between two builds`);
            }
            before = built.endTime.getTime();
        }
    });

    await t.test('one that is stopped while it waits ends at once', async () => {
        const first = await start('long');
        await until('a build that runs', async () => phase(await get(first), 'BUILD'), { timeout_ms: 60_000 });
        const second = await start('app');
        await world.builds.send(new StopBuildCommand({ id: second }));
        assert.equal((await ended(second)).buildStatus, 'STOPPED');
        assert.equal((await get(first)).buildComplete, false);
        await world.builds.send(new StopBuildCommand({ id: first }));
        assert.equal((await ended(first)).buildStatus, 'STOPPED');
    });
});
