// Approvals that are bound to what was shown, and newest first. Four eyes: approval_four_eyes.test.js.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { until } from '../lib/expect.js';
import { buildspec, stages, World } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { without, withoutBuilds } from '../lib/tools.js';

const noGit = without('git');

const inbound = (world, stage, n) => until(`${n} in front of ${stage}`, async () => {
    const list = (await world.stage(stage)).inboundExecutions ?? [];
    return list.length === n ? list.map((e) => e.pipelineExecutionId) : null;
});

async function card(server) {
    const shown = await server.tl('show', '--json');
    assert.equal(shown.status, 0, shown.stderr);
    return JSON.parse(shown.stdout);
}

test('an approval is refused when a Terraform state has moved since it was shown', { skip: noGit || withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const state = (serial) => server.client(S3Client).send(new PutObjectCommand({
        Bucket: world.bucket, Key: 'app.tfstate', Body: JSON.stringify({ version: 4, lineage: 'one-line', serial }) }));
    await state(7);
    await world.project('plan', buildspec(`export TF_STATE=s3://${world.bucket}/app.tfstate`, 'env:\n  exported-variables: [TF_STATE]\n'));
    await world.pipeline([stages.source(world), stages.build('Plan', 'plan'), stages.approval()]);
    const id = await world.newest();
    await world.waiting(id);
    const before = await card(server);
    assert.match(before.approvalDigest, /^[0-9a-f]{64}$/);
    assert.equal(before.approvalParts[`state s3://${world.bucket}/app.tfstate`], 'lineage one-line serial 7');
    assert.equal(before.approvalParts['revision of Trunk'], before.revision.id);
    assert.match(before.approvalParts['artifact Source'], /^[0-9a-f]{64}$/);
    await state(8);
    const refused = await server.tl('approve', '--digest', before.approvalDigest);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /state s3:.*: was lineage one-line serial 7, is lineage one-line serial 8/);
    assert.match(refused.stderr, /not answered/);
    assert.equal((await world.execution(id)).status, 'InProgress');
    const unseen = await server.tl('approve', '--digest', '0'.repeat(64));
    assert.equal(unseen.status, 1);
    assert.match(unseen.stderr, /was not shown/);
    const after = await card(server);
    assert.notEqual(after.approvalDigest, before.approvalDigest);
    const done = await server.tl('approve', '--digest', after.approvalDigest, '--summary', 'read it');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(await world.ended(id), 'Succeeded');
    const person = (await world.actions(id)).find((a) => a.actionName === 'Person');
    assert.equal(person.output.executionResult.externalExecutionSummary, 'read it');
});

// A gate is looked at once more for the release that takes the place, which takes a moment.
test('newest first waits for the gate in front of the approval', { skip: noGit }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const gate = {
        name: 'quiet', ruleTypeId: { category: 'Rule', owner: 'AWS', provider: 'CloudWatchAlarm', version: '1' },
        configuration: { AlarmName: 'errors', WaitTime: '0' },
    };
    const approve = { ...stages.approval('Approve', { CustomData: 'Read \u001b[31mthe plan' }), beforeEntry: { conditions: [{ result: 'FAIL', rules: [gate] }] } };
    await world.pipeline([stages.source(world), approve]);
    const older = await world.newest();
    await world.waiting(older);
    const short = await server.tl('approve', '--digest', '1234');
    assert.equal(short.status, 2);
    assert.match(short.stderr, /--digest takes the 64 digits/);
    const card = await server.tl('show');
    assert.match(card.stdout, /asks: Read \ufffd\[31mthe plan/);
    assert.match(card.stdout, /MISSING\s+errors\n\s+there is no alarm of this name/);
    await world.push('second', { 'README.md': 'two\n' });
    const newer = await world.newest(2);
    await inbound(world, 'Approve', 1);
    const done = await server.tl('approve', '--newest');
    assert.equal(done.status, 0, done.stderr);
    assert.equal(await world.ended(newer), 'Succeeded');
    const first = await server.tl('show', newer);
    assert.match(first.stdout, /nothing had reached production before/);
});

test('newest first retires the older release at the gate', { skip: noGit }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()]);
    const older = await world.newest();
    await world.waiting(older);
    await world.push('second', { 'README.md': 'two\n' });
    const newer = await world.newest(2);
    await inbound(world, 'Approve', 1);
    const done = await server.tl('approve', '--newest');
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, new RegExp(`Retired release ${older} in favour of ${newer}`));
    assert.equal(await world.ended(newer), 'Succeeded');
    const retired = await world.execution(older);
    assert.equal(retired.status, 'Superseded');
    assert.match(retired.statusSummary, new RegExp(newer));
    const none = await server.tl('approve', '--newest');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /nothing waits for approval/);
});

test('approvals of a PARALLEL pipeline are answered by release', { skip: noGit }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.pipeline([stages.source(world), stages.approval()], { executionMode: 'PARALLEL' });
    const first = await world.newest();
    const { pipelineExecutionId: second } = await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: world.name }));
    const asks = (id) => until(`approval of ${id}`, async () => (await world.actions(id))
        .find((a) => a.actionName === 'Person' && a.status === 'InProgress'));
    await asks(first);
    await asks(second);
    const which = await server.tl('approve');
    assert.equal(which.status, 1);
    assert.match(which.stderr, /2 approvals wait/);
    const done = await server.tl('approve', '--release', second.slice(0, 8));
    assert.equal(done.status, 0, done.stderr);
    assert.equal(await world.ended(second), 'Succeeded');
    assert.equal((await world.execution(first)).status, 'InProgress');
});
