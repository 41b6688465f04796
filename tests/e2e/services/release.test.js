// DescribeRelease, behind `trunkline show`: git is asked outside the store's lock.
import assert from 'node:assert/strict';
import { closeSync, constants, existsSync, openSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { World, stages } from '../lib/release.js';
import { PROGRAM, Server, run } from '../lib/server.js';

// Makes git wait in this mirror: a list of other object stores is a pipe that nobody writes to yet.
async function holdGit(mirror) {
    const pipe = join(mirror, 'objects/info/alternates');
    assert.equal((await run('mkfifo', [pipe])).status, 0);
    return pipe;
}

// Opens the pipe once git reads it; null before.
function asked(pipe) {
    try {
        return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
        assert.equal(error.code, 'ENXIO');
        return null;
    }
}

test('a git that takes its time keeps nobody else waiting', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()]);
    const [execution] = await until('the source action is done', async () => {
        const list = await world.executions();
        return list[0]?.sourceRevisions?.length > 0 && list;
    });
    const id = execution.pipelineExecutionId;
    const [mirror] = readdirSync(join(server.dir, 'git')).filter((name) => existsSync(join(server.dir, 'git', name, 'objects')));
    const pipe = await holdGit(join(server.dir, 'git', mirror));
    t.after(() => rmSync(pipe, { force: true }));
    const shown = server.tl('show', id);
    const writer = await until('git is asked for the log', () => asked(pipe));
    await server.client(SSMClient, 'development').send(
        new PutParameterCommand({ Name: '/meanwhile', Value: '1', Type: 'String' }), { abortSignal: AbortSignal.timeout(10_000) });
    rmSync(pipe);
    closeSync(writer);
    const done = await shown;
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /first/);
    assert.match(done.stdout, /Ada Lovelace/);
});

test('a data directory is the same whether it is named from the root or from where one stands', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()]);
    await world.waiting(await world.newest());
    const cwd = dirname(server.dir);
    await server.stop();
    server.options.cwd = cwd;
    await server.launch();
    const done = await run(PROGRAM, ['show', '--data', relative(cwd, server.dir)], { cwd });
    assert.match(done.stdout, /^ {2}[0-9a-f]{7} {2}Ada Lovelace +first$/m, done.stdout + done.stderr);
});
