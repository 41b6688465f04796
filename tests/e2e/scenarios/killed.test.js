// A supervisor that is killed leaves a container that runs, and files. Neither is anybody else's business.
import assert from 'node:assert/strict';
import { StartBuildCommand } from '@aws-sdk/client-codebuild';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const FILES = 20_000;

test('kill -9 of a supervisor whose build has written many files', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t, { config: 'pool: 0\n' });
    const world = await World.make(server);
    await world.project('many', buildspec([
        `mkdir /many && cd /many && seq ${FILES} | xargs touch && echo "MADE $(ls | wc -l)"`,
        'sleep 600',
    ]), { pipeline: false });
    await world.project('app', buildspec(['echo ok']), { pipeline: false });
    const { build } = await world.builds.send(new StartBuildCommand({ projectName: 'many' }));
    const dir = join(server.dir, 'builds', build.id.split(':')[1]);
    const log = () => (existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8') : '');
    await until('the files', () => log().includes(`MADE ${FILES}`) && log().includes('Running command sleep'));
    const supervisor = Number(readFileSync(join(dir, 'supervisor.pid'), 'utf8').split(' ')[0]);
    const box = Number(readFileSync(join(dir, 'box/container'), 'utf8').split(' ')[0]);
    process.kill(supervisor, 'SIGKILL');

    await t.test('another build runs meanwhile', async () => {
        assert.equal((await world.build('app')).buildStatus, 'SUCCEEDED');
    });

    await t.test('its own build is told to have ended once nothing of it runs', async () => {
        const built = await world.built(build.id);
        assert.equal(built.buildStatus, 'FAULT', JSON.stringify(built.phases));
        assert.ok(!existsSync(`/proc/${box}`) || readFileSync(`/proc/${box}/stat`, 'utf8').split(') ')[1].startsWith('Z'));
    });

    await t.test('its files and its control group go', async () => {
        await until('the container is cleared away', () => !existsSync(join(dir, 'box')));
        const name = `trunkline-tl-${build.id.split(':')[1]}`;
        assert.ok(!['', ...readdirSync('/sys/fs/cgroup')].some((c) => existsSync(`/sys/fs/cgroup/${c}/${name}`)));
    });
});
