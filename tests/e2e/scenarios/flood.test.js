// Builds that print without end: the log has its bound and says what it left out, the build goes on,
// and neither serve nor the build's supervisor grows by it. TRUNKLINE_TEST_FULL=1 prints 10 GB of lines
// and one line of 4 GB; otherwise 2 GB and 1 GB.
import assert from 'node:assert/strict';
import { chmodSync, closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server, temporary } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const MIB = 1 << 20;
const LOG_BYTES = 128 * MIB;
const LOG_LINES = 2_000_000;
const FULL = Boolean(process.env.TRUNKLINE_TEST_FULL);
const TIME_OUT = FULL ? 600_000 : 180_000;

// kB of a process: what it has, and the most that it ever had.
function memory(pid) {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kb = (name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))[1]);
    return { now: kb('VmRSS'), most: kb('VmHWM') };
}

test('floods of output', { skip: withoutBuilds() }, async (t) => {
    const signal = temporary(t);
    chmodSync(signal, 0o755); // a build's root is nobody here
    const server = await Server.start(t, { config: `mounts:\n  - {source: "${signal}", target: /signal}\n` });
    const world = await World.make(server);
    const builds = world.builds; // one client: each has connections of its own, which serve keeps for a while

    // A command prints `bytes` by `print`, after everybody's memory was looked at, and one follows it.
    const flood = async (name, bytes, most, print) => {
        await world.project(name, buildspec([
            'echo begun',
            `until [ -e /signal/${name} ]; do sleep 0.05; done`,
            print,
            `until [ -e /signal/${name}-end ]; do sleep 0.05; done; echo still here`,
        ]), { pipeline: false, timeoutInMinutes: 15 });
        const { build } = await builds.send(new cb.StartBuildCommand({ projectName: name }));
        const dir = join(server.dir, 'builds', build.id.split(':')[1]);
        const log = join(dir, 'log');
        const end = () => {
            const size = statSync(log).size;
            const bytes = Buffer.alloc(Math.min(size, 4096));
            const fd = openSync(log, 'r');
            readSync(fd, bytes, 0, bytes.length, size - bytes.length);
            closeSync(fd);
            return bytes.toString('latin1');
        };
        const said = (text) => end().includes(text);
        await until('the build waits', () => existsSync(log) && said(`Running command until [ -e /signal/${name} ]`));
        const pids = [server.child.pid, Number(readFileSync(join(dir, 'supervisor.pid'), 'utf8').split(' ')[0])];
        const before = pids.map((pid) => memory(pid).now);
        const began = Date.now();
        writeFileSync(join(signal, name), '');
        await until('it has printed', () => said(`Running command until [ -e /signal/${name}-end ]`),
            { timeout_ms: TIME_OUT, every_ms: 200 });
        const seconds = (Date.now() - began) / 1000;
        // The rest of the log is still on its way into the store: serve's memory is looked at to the end.
        writeFileSync(join(signal, `${name}-end`), '');
        const supervisor = memory(pids[1]).most - before[1];
        const built = await until('the build ends', async () => {
            const got = (await builds.send(new cb.BatchGetBuildsCommand({ ids: [build.id] }))).builds[0];
            return got.buildComplete ? got : null;
        }, { timeout_ms: TIME_OUT });
        const grown = [memory(pids[0]).most - before[0], supervisor];
        t.diagnostic(`${name}: ${bytes / 1e9} GB in ${seconds} s, ${(Date.now() - began) / 1000} s to the end; `
            + `serve grew by ${grown[0]} kB, its supervisor by ${grown[1]} kB`);
        assert.equal(built.buildStatus, 'SUCCEEDED');
        assert.ok(statSync(log).size <= most + MIB && statSync(log).size >= most - MIB, `${statSync(log).size} bytes of log`);
        const told = end();
        const left = Number(told.match(/ (\d+) bytes of output left out: the log is full\n/)?.[1]);
        assert.ok(Math.abs(left - (bytes - most)) <= MIB, `${left} of ${bytes} bytes left out:\n${told}`);
        assert.match(told, / Running command .*echo still here\n/);
        assert.ok(grown[0] + grown[1] < 32 * 1024, `serve grew by ${grown[0]} kB, its supervisor by ${grown[1]} kB`);
    };

    const lines = FULL ? 10e9 : 2e9;
    await t.test(`${lines / 1e9} GB of lines`, () => flood('lines', lines, 2 * LOG_LINES, `yes | head -c ${lines}`));
    const line = FULL ? 4e9 : 1e9;
    await t.test(`one line of ${line / 1e9} GB`, () => flood('line', line, LOG_BYTES, `yes xxxxxxx | tr -d '\\n' | head -c ${line}; echo`));
});
