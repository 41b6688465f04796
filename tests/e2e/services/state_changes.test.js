// `trunkline events`: the state changes of a release as they were told, and who may list them.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { World, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { without } from '../lib/tools.js';

test('state changes are kept and listed', { skip: without('git') }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()]);
    const first = await world.newest();
    await world.answer(await world.waiting(first));
    assert.equal(await world.ended(first), 'Succeeded');
    const { pipelineExecutionId: second } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: world.name }));
    await world.waiting(second);
    const listed = async (...args) => {
        const done = await server.tl('events', ...args, '--json');
        assert.equal(done.status, 0, done.stderr);
        return JSON.parse(done.stdout).events;
    };

    await t.test('of one release, oldest first, in the shape of EventBridge', async () => {
        const events = await listed(first);
        assert.deepEqual(events.map((e) => [e['detail-type'].split(' ')[1], e.detail.stage, e.detail.action, e.detail.state]), [
            ['Pipeline', undefined, undefined, 'STARTED'],
            ['Stage', 'Source', undefined, 'STARTED'], ['Action', 'Source', 'Trunk', 'STARTED'],
            ['Action', 'Source', 'Trunk', 'SUCCEEDED'], ['Stage', 'Source', undefined, 'SUCCEEDED'],
            ['Stage', 'Approve', undefined, 'STARTED'], ['Action', 'Approve', 'Person', 'STARTED'],
            ['Action', 'Approve', 'Person', 'SUCCEEDED'], ['Stage', 'Approve', undefined, 'SUCCEEDED'],
            ['Pipeline', undefined, undefined, 'SUCCEEDED']]);
        for (const e of events) {
            assert.equal(e.source, 'aws.codepipeline');
            assert.equal(e['detail-type'], `CodePipeline ${e['detail-type'].split(' ')[1]} Execution State Change`);
            assert.deepEqual(e.resources, [`arn:aws:codepipeline:${e.region}:${e.account}:${world.name}`]);
            assert.deepEqual([e.detail.pipeline, e.detail['execution-id']], [world.name, first]);
            assert.match(e.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        }
        assert.deepEqual(events.map((e) => e.sequence), events.map((e) => e.sequence).sort((a, b) => a - b));
    });

    await t.test('of all releases of the pipeline, the newest of them, after a restart too', async () => {
        const all = await listed();
        assert.deepEqual([...new Set(all.map((e) => e.detail['execution-id']))], [first, second]);
        assert.deepEqual(await listed('--limit', '3'), all.slice(-3));
        await server.restart('SIGKILL');
        assert.deepEqual(await listed(), all);
    });

    await t.test('as text', async () => {
        const { stdout } = await server.tl('events', first);
        assert.match(stdout.split('\n')[0], new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d.* ${first.slice(0, 8)}  Pipeline  STARTED`));
        assert.match(stdout, / Action {4}SUCCEEDED {3}Approve\/Person$/m);
    });

    await t.test('what is not there is said', async () => {
        assert.match((await server.tl('events', 'ffffffff')).stderr, /ffffffff/);
        assert.match((await server.tl('events', '--pipeline', 'none')).stderr, /none/);
        assert.match((await server.tl('events', '--limit', '0')).stderr, /limit/);
    });
});
