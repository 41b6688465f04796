// kill -9 of serve while it starts a build: between making its container and committing that it did, and
// at every moment around. The build goes on at the next start, its commands run once, nothing is left.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { fault, withoutBuilds, withoutFault } from '../lib/tools.js';

const MOMENTS = 6; // of tests/faults/kill_at_start.c: before and after each of three calls

const list = (dir) => (existsSync(dir) ? readdirSync(dir) : []);

// Supervisors of this data directory, whatever they wait for.
const supervisors = (server) => readdirSync('/proc').filter((n) => /^\d+$/.test(n)).filter((pid) => {
    try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return words.includes('supervise') && words.includes(server.dir);
    } catch {
        return false;
    }
});

// Control groups whose name ends in one of these.
const groups = (names) => ['', ...list('/sys/fs/cgroup')].flatMap((c) => list(join('/sys/fs/cgroup', c)))
    .filter((g) => g.startsWith('trunkline-') && names.some((n) => g.endsWith(n)));

test('kill -9 while a build starts', { skip: withoutBuilds() || withoutFault('kill_at_start') }, async (t) => {
    for (const pool of [0, 1]) {
        await t.test(pool ? 'in a container that was made ahead' : 'in a container of its own', async (t) => {
            const server = await Server.start(t, { config: `pool: ${pool}\n` });
            const world = await World.make(server);
            await world.project('app', buildspec(['echo "RAN once"; sleep 0.2']), { pipeline: false });
            const ids = async () => (await world.builds.send(new cb.ListBuildsForProjectCommand({ projectName: 'app' }))).ids;
            const made = new Set();
            const ready = () => {
                list(join(server.dir, 'pool')).forEach((name) => made.add(name));
                return list(join(server.dir, 'pool')).filter((name) => existsSync(join(server.dir, 'pool', name, 'box/container')));
            };
            // One build makes serve want containers of its kind; then there is one, or none.
            const warm = async () => {
                assert.equal((await world.build('app')).buildStatus, 'SUCCEEDED');
                await until('the pool', () => ready().length === pool);
            };
            await warm();
            for (let moment = 1; moment <= MOMENTS + 1; moment += 1) {
                await server.stop();
                server.options.env = {
                    LD_PRELOAD: fault('kill_at_start'),
                    KILL_AT_START: String(moment + (pool ? MOMENTS : 0)), // warming is a start too
                };
                await server.launch();
                if (pool) {
                    await warm();
                }
                const before = await ids();
                // Its answer may not come; then the build is there all the same, for its start was committed.
                await world.builds.send(new cb.StartBuildCommand({ projectName: 'app' })).catch(() => {});
                if (moment <= MOMENTS) {
                    const timer = setTimeout(() => server.child.kill('SIGTERM'), 60_000);
                    assert.deepEqual(await server.ended, { code: null, signal: 'SIGKILL' }, `moment ${moment}: ${server.log}`);
                    clearTimeout(timer);
                    server.options.env = {};
                    await server.launch();
                }
                const started = (await ids()).filter((id) => !before.includes(id));
                assert.equal(started.length, 1, `moment ${moment}: ${started}`);
                const built = await world.built(started[0]);
                const log = await world.log(built);
                assert.equal(built.buildStatus, 'SUCCEEDED', `moment ${moment}: ${JSON.stringify(built.phases)}\n${log}`);
                assert.equal(log.match(/^RAN once$/gm)?.length, 1, `moment ${moment}:\n${log}`);
                const uuid = built.id.split(':')[1];
                await until(`what moment ${moment} left to be cleared away`,
                    () => !existsSync(join(server.dir, 'builds', uuid, 'box')) && groups([uuid]).length === 0);
                assert.ok(server.child.exitCode === null && server.child.signalCode === null, `moment ${moment} is one too many`);
                ready();
            }
            await server.stop();
            await until('all supervisors end', () => supervisors(server).length === 0);
            assert.deepEqual(list(join(server.dir, 'pool')), []);
            assert.deepEqual(groups([...made]), []);
            assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(server.dir));
            assert.deepEqual(list(join(server.dir, 'builds')).filter((b) => existsSync(join(server.dir, 'builds', b, 'box'))), []);
        });
    }
});
