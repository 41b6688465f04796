// Batch builds: every type, restrictions, stopping, retrying, lists, artifacts, and a crash between.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { pages, refuses, until } from './lib/expect.js';
import { World, everything, makeRoles } from './lib/release.js';
import { Server, run, temporary } from './lib/server.js';
import { withoutBuilds } from './lib/tools.js';

const role = (name) => `arn:aws:iam::111111111111:role/${name}`;
const config = { serviceRole: role('batch') };
const spec = (batch, commands, rest = '') => `version: 0.2\nbatch:\n${batch}phases:\n  build:\n    commands:\n`
    + commands.map((c) => `      - ${JSON.stringify(c)}\n`).join('') + rest;

class Batches {
    constructor(world) { this.world = world; }

    send(Command, input) { return this.world.builds.send(new Command(input)); }

    async project(name, text, extra = {}) {
        await this.world.project(name, text, { pipeline: false, buildBatchConfig: config, ...extra });
    }

    async get(id) {
        return (await this.send(cb.BatchGetBuildBatchesCommand, { ids: [id] })).buildBatches[0];
    }

    async start(projectName, extra = {}) {
        return (await this.send(cb.StartBuildBatchCommand, { projectName, ...extra })).buildBatch;
    }

    ended(id) {
        return until(`batch ${id}`, async () => {
            const batch = await this.get(id);
            return batch.complete ? batch : null;
        }, { timeout_ms: 120_000 });
    }

    async run(name, extra) { return this.ended((await this.start(name, extra)).id); }

    async log(batch, identifier) {
        const { arn } = this.summary(batch, identifier);
        const { builds } = await this.send(cb.BatchGetBuildsCommand, { ids: [arn] });
        return this.world.log(builds[0]);
    }

    summary(batch, identifier) {
        return batch.buildGroups.find((g) => g.identifier === identifier)?.currentBuildSummary;
    }

    statuses(batch) {
        return Object.fromEntries(batch.buildGroups.map((g) => [g.identifier, g.currentBuildSummary.buildStatus]));
    }
}

async function world(t) {
    const server = await Server.start(t);
    const made = await World.make(server);
    await makeRoles(server, { batch: 'codebuild' });
    return { server, world: made, batches: new Batches(made) };
}

test('batches that are refused', async (t) => {
    const { batches, world: w } = await world(t);
    await w.project('plain', spec('  build-list:\n    - identifier: a\n', ['true']), { pipeline: false });
    await refuses(batches.start('plain'), 'InvalidInputException', { status: 400, message: /buildBatchConfig/ });
    await refuses(batches.start('nobody'), 'ResourceNotFoundException', { status: 400 });
    await refuses(batches.send(cb.StopBuildBatchCommand, { id: 'plain:x' }), 'ResourceNotFoundException');
    await refuses(batches.send(cb.StopBuildBatchCommand, { id: 'nonsense' }), 'InvalidInputException');
    await refuses(batches.send(cb.RetryBuildBatchCommand, { id: 'plain:x' }), 'ResourceNotFoundException');
    await refuses(batches.send(cb.ListBuildBatchesForProjectCommand, { projectName: 'nobody' }), 'ResourceNotFoundException');
    await refuses(batches.send(cb.DeleteBuildBatchCommand, { id: 'plain:x' }), 'InvalidInputException');
    assert.deepEqual((await batches.send(cb.BatchGetBuildBatchesCommand, { ids: ['plain:x'] })).buildBatchesNotFound, ['plain:x']);
    assert.deepEqual((await batches.send(cb.ListBuildBatchesCommand, {})).ids, []);
});

test('a webhook starts a batch', async (t) => {
    const { server, world: w, batches } = await world(t);
    await w.builds.send(new cb.CreateProjectCommand({
        name: 'hooked', source: { type: 'GITHUB_ENTERPRISE', location: 'https://git.example/acme/app.git' },
        artifacts: { type: 'NO_ARTIFACTS' }, serviceRole: role('app-build'), buildBatchConfig: config,
        environment: { type: 'LINUX_CONTAINER', image: 'debian-bookworm-build', computeType: 'BUILD_GENERAL1_SMALL' },
    }));
    const { webhook } = await batches.send(cb.CreateWebhookCommand, {
        projectName: 'hooked', buildType: 'BUILD_BATCH', manualCreation: true, filterGroups: [[{ type: 'EVENT', pattern: 'PUSH' }]],
    });
    assert.equal(webhook.buildType, 'BUILD_BATCH');
    const body = JSON.stringify({
        ref: 'refs/heads/main', before: '0'.repeat(40), after: 'a'.repeat(40), deleted: false, sender: { id: 7 },
        head_commit: { id: 'a'.repeat(40), message: 'x', added: [], modified: [], removed: [] }, commits: [],
        repository: { full_name: 'acme/app', clone_url: 'https://git.example/acme/app.git' },
    });
    const signature = `sha256=${createHmac('sha256', webhook.secret).update(body).digest('hex')}`;
    const answer = await fetch(webhook.payloadUrl, {
        method: 'POST', body,
        headers: { 'Content-Type': 'application/json', 'X-GitHub-Event': 'push', 'X-Hub-Signature-256': signature, 'User-Agent': 'GitHub-Hookshot/1' },
    });
    const said = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(said));
    const batch = await batches.get(said.buildBatch);
    assert.equal(batch.initiator, 'GitHub-Hookshot/1');
    assert.ok(batch.environment.environmentVariables.some((v) => v.name === 'CODEBUILD_WEBHOOK_EVENT' && v.value === 'PUSH'));
    await batches.send(cb.StopBuildBatchCommand, { id: batch.id });
});

test('batches', { skip: withoutBuilds() }, async (t) => {
    const { server, world: w, batches } = await world(t);

    await t.test('a list: each build has its variables, its image and its identifier', async () => {
        await batches.project('list', spec(
            '  build-list:\n    - identifier: one\n      env:\n        variables:\n          WHO: eins\n'
            + '    - identifier: two\n      env:\n        compute-type: BUILD_GENERAL1_MEDIUM\n        variables:\n          WHO: zwei\n',
            ['echo "I am $CODEBUILD_BATCH_BUILD_IDENTIFIER $WHO"']),
        { variables: [{ name: 'WHO', value: 'nobody' }] });
        const submitted = await batches.start('list');
        assert.equal(submitted.currentPhase, 'SUBMITTED');
        assert.equal(submitted.buildBatchStatus, 'IN_PROGRESS');
        assert.equal(submitted.buildBatchNumber, 1);
        assert.match(submitted.arn, /^arn:aws:codebuild:eu-west-2:111111111111:build-batch\/list:/);
        const batch = await batches.ended(submitted.id);
        assert.equal(batch.buildBatchStatus, 'SUCCEEDED', JSON.stringify(batch, null, 1));
        assert.deepEqual(batch.phases.map((p) => [p.phaseType, p.phaseStatus]), [
            ['SUBMITTED', 'SUCCEEDED'], ['DOWNLOAD_BATCHSPEC', 'SUCCEEDED'], ['IN_PROGRESS', 'SUCCEEDED'], ['SUCCEEDED', undefined]]);
        assert.deepEqual(batches.statuses(batch), { DOWNLOAD_SOURCE: 'SUCCEEDED', one: 'SUCCEEDED', two: 'SUCCEEDED' });
        assert.match(await batches.log(batch, 'one'), /^I am one eins$/m);
        assert.match(await batches.log(batch, 'two'), /^I am two zwei$/m);
        const { builds } = await batches.send(cb.BatchGetBuildsCommand, { ids: [batches.summary(batch, 'two').arn] });
        assert.equal(builds[0].environment.computeType, 'BUILD_GENERAL1_MEDIUM');
        assert.equal(builds[0].buildBatchArn, batch.arn);
    });

    await t.test('a graph waits; fast-fail, ignored failures and dependents of failures', async () => {
        await batches.project('graph', spec(
            '  build-graph:\n    - identifier: a\n    - identifier: b\n      depend-on: [a]\n    - identifier: c\n      depend-on: [b]\n',
            ['test "$FAIL" != "$CODEBUILD_BATCH_BUILD_IDENTIFIER"']));
        const good = await batches.run('graph');
        assert.equal(good.buildBatchStatus, 'SUCCEEDED');
        assert.deepEqual(good.buildGroups.map((g) => g.dependsOn), [undefined, [], ['a'], ['b']]);
        const times = await Promise.all(['a', 'b'].map(async (id) => (await batches.send(
            cb.BatchGetBuildsCommand, { ids: [batches.summary(good, id).arn] })).builds[0]));
        assert.ok(times[0].endTime <= times[1].startTime, 'b began after a had ended');
        const bad = await batches.run('graph', { environmentVariablesOverride: [{ name: 'FAIL', value: 'b' }] });
        assert.equal(bad.buildBatchStatus, 'FAILED');
        assert.equal(bad.currentPhase, 'FAILED');
        assert.deepEqual(batches.statuses(bad), { DOWNLOAD_SOURCE: 'SUCCEEDED', a: 'SUCCEEDED', b: 'FAILED', c: 'STOPPED' });
        assert.equal(bad.phases[2].contexts[0].message, 'Builds failed: b');

        await batches.project('ignore', spec(
            '  build-graph:\n    - identifier: a\n      ignore-failure: true\n    - identifier: b\n      depend-on: [a]\n',
            ['test "a" != "$CODEBUILD_BATCH_BUILD_IDENTIFIER"']));
        const ignored = await batches.run('ignore');
        assert.equal(ignored.buildBatchStatus, 'SUCCEEDED');
        assert.deepEqual(batches.statuses(ignored), { DOWNLOAD_SOURCE: 'SUCCEEDED', a: 'FAILED', b: 'SUCCEEDED' });
    });

    await t.test('fast-fail stops the others', async () => {
        await batches.project('fast', spec(
            '  fast-fail: true\n  build-list:\n    - identifier: bad\n    - identifier: slow\n',
            ['if [ $CODEBUILD_BATCH_BUILD_IDENTIFIER = bad ]; then sleep 1; false; else sleep 300; fi']));
        const batch = await batches.run('fast');
        assert.equal(batch.buildBatchStatus, 'FAILED');
        assert.deepEqual(batches.statuses(batch), { DOWNLOAD_SOURCE: 'SUCCEEDED', bad: 'FAILED', slow: 'STOPPED' });
    });

    await t.test('a matrix is the product of its dimensions', async () => {
        await batches.project('matrix', spec(
            '  build-matrix:\n    static:\n      ignore-failure: false\n    dynamic:\n      env:\n        variables:\n          A: ["1", "2"]\n          B: [x, y]\n',
            ['echo "cell $A$B"']));
        const batch = await batches.run('matrix');
        assert.equal(batch.buildBatchStatus, 'SUCCEEDED', JSON.stringify(batch.phases));
        const cells = await Promise.all(batch.buildGroups.slice(1).map(async (g) => /^cell (\w+)$/m.exec(await batches.log(batch, g.identifier))[1]));
        assert.deepEqual(cells, ['1x', '1y', '2x', '2y']);
    });

    await t.test('a fan-out splits the test files over its builds', async () => {
        await batches.project('fan', spec(
            '  build-fanout:\n    parallelism: 2\n',
            ['mkdir -p tests/deep && touch tests/a.test.js tests/b.test.js tests/deep/c.test.js tests/x.txt && cd .',
                'codebuild-tests-run --test-command "printf \'ran %s\\n\'" --files-search "codebuild-glob-search \'tests/**/*.test.js\'" --sharding-strategy equal-distribution',
                'codebuild-tests-run --test-command \'echo "lines: $(echo "$CODEBUILD_CURRENT_SHARD_FILES" | tr "\\n" ,)"\' --files-search "codebuild-glob-search \'tests/*.test.js\' \'tests/deep/*.test.js\'"',
                'codebuild-tests-run --test-command "printf \'stable %s\\n\'" --files-search "codebuild-glob-search \'**/*.test.js\'" --sharding-strategy stability']));
        const batch = await batches.run('fan');
        assert.equal(batch.buildBatchStatus, 'SUCCEEDED', await batches.log(batch, 'fanout_1'));
        const logs = await Promise.all(['fanout_1', 'fanout_2'].map((id) => batches.log(batch, id)));
        const files = (word) => logs.map((log) => [...log.matchAll(new RegExp(`^${word} (\\S+)$`, 'gm'))].map((m) => m[1]));
        assert.deepEqual(files('ran'), [['tests/a.test.js', 'tests/b.test.js'], ['tests/deep/c.test.js']]);
        assert.match(logs[0], /^lines: tests\/a\.test\.js,tests\/b\.test\.js,/m);
        assert.deepEqual(files('stable').flat().sort(), ['tests/a.test.js', 'tests/b.test.js', 'tests/deep/c.test.js']);
    });

    await t.test('stop, and a retry of what failed or of all', async () => {
        await batches.project('stop', spec('  build-list:\n    - identifier: a\n    - identifier: b\n', ['sleep 300']));
        const { id } = await batches.start('stop');
        await until('both run', async () => {
            const states = batches.statuses(await batches.get(id));
            return states.a === 'IN_PROGRESS' && states.b === 'IN_PROGRESS';
        });
        const stopped = (await batches.send(cb.StopBuildBatchCommand, { id })).buildBatch;
        assert.equal(stopped.buildBatchStatus, 'STOPPED');
        assert.equal(stopped.currentPhase, 'STOPPED');
        await until('both have stopped', async () => {
            const states = batches.statuses(await batches.get(id));
            return states.a === 'STOPPED' && states.b === 'STOPPED';
        });
        await refuses(batches.send(cb.RetryBuildBatchCommand, { id }), 'InvalidInputException', { message: /failed/ });

        await batches.project('retry', spec('  build-list:\n    - identifier: a\n    - identifier: b\n', ['test $CODEBUILD_BATCH_BUILD_IDENTIFIER = a']));
        const failed = await batches.run('retry');
        assert.equal(failed.buildBatchStatus, 'FAILED');
        const token = { id: failed.id, retryType: 'RETRY_FAILED_BUILDS', idempotencyToken: 'once' };
        const again = (await batches.send(cb.RetryBuildBatchCommand, token)).buildBatch;
        assert.equal(again.currentPhase, 'SUBMITTED');
        assert.equal((await batches.send(cb.RetryBuildBatchCommand, token)).buildBatch.id, failed.id);
        await refuses(batches.send(cb.RetryBuildBatchCommand, { ...token, retryType: 'RETRY_ALL_BUILDS' }), 'InvalidInputException', { message: /idempotency/ });
        const second = await batches.ended(failed.id);
        assert.equal(batches.summary(second, 'a').arn, batches.summary(failed, 'a').arn, 'a was not run again');
        const group = second.buildGroups.find((g) => g.identifier === 'b');
        assert.notEqual(group.currentBuildSummary.arn, batches.summary(failed, 'b').arn);
        assert.equal(group.priorBuildSummaryList[0].arn, batches.summary(failed, 'b').arn);
        await batches.send(cb.RetryBuildBatchCommand, { id: failed.id, retryType: 'RETRY_ALL_BUILDS' });
        const third = await batches.ended(failed.id);
        assert.notEqual(batches.summary(third, 'a').arn, batches.summary(failed, 'a').arn);
        assert.equal(third.buildGroups.find((g) => g.identifier === 'b').priorBuildSummaryList.length, 2);
    });

    await t.test('the batch role must be allowed to start builds; restrictions hold', async () => {
        const iam = server.client(IAMClient);
        await batches.project('rights', spec('  build-list:\n    - identifier: a\n    - identifier: b\n', ['true']), {
            buildBatchConfig: { ...config, restrictions: { maximumBuildsAllowed: 2, computeTypesAllowed: ['BUILD_GENERAL1_SMALL'] } } });
        assert.equal((await batches.run('rights')).buildBatchStatus, 'SUCCEEDED');
        const few = await batches.run('rights', { buildBatchConfigOverride: { ...config, restrictions: { maximumBuildsAllowed: 1 } } });
        assert.equal(few.buildBatchStatus, 'FAILED');
        assert.match(few.phases[1].contexts[0].message, /maximumBuildsAllowed/);
        const large = await batches.run('rights', { computeTypeOverride: 'BUILD_GENERAL1_LARGE' });
        assert.match(large.phases[1].contexts[0].message, /computeTypesAllowed/);
        await iam.send(new DeleteRolePolicyCommand({ RoleName: 'batch', PolicyName: 'all' }));
        const denied = await batches.run('rights');
        assert.equal(denied.buildBatchStatus, 'FAILED');
        assert.match(denied.phases[1].contexts[0].message, /not authorized to perform: codebuild:StartBuild/);
        await iam.send(new PutRolePolicyCommand({ RoleName: 'batch', PolicyName: 'all', PolicyDocument: everything }));
        await batches.project('nobatch', 'version: 0.2\nphases: {}\n');
        const none = await batches.run('nobatch');
        assert.match(none.phases[1].contexts[0].message, /no batch section/);
    });

    await t.test('idempotent starts, lists in pages, deletion', async () => {
        const first = await batches.start('list', { idempotencyToken: 'mine' });
        assert.equal((await batches.start('list', { idempotencyToken: 'mine' })).id, first.id);
        await refuses(batches.start('list', { idempotencyToken: 'mine', sourceVersion: 'x' }), 'InvalidInputException', { message: /idempotency/ });
        const second = await batches.start('list');
        await refuses(batches.send(cb.DeleteBuildBatchCommand, { id: second.id }), 'InvalidInputException', { message: /in progress/ });
        await batches.ended(first.id);
        const ended = await batches.ended(second.id);
        const list = (extra) => pages((nextToken) => batches.send(cb.ListBuildBatchesForProjectCommand, { projectName: 'list', maxResults: 2, nextToken, ...extra }),
            (page) => page.ids, (page) => page.nextToken);
        const all = (await list({})).all;
        assert.equal(all.length, 3);
        assert.deepEqual(all.slice(0, 2), [second.id, first.id]);
        assert.deepEqual((await list({ sortOrder: 'ASCENDING' })).all, [...all].reverse());
        assert.deepEqual((await batches.send(cb.ListBuildBatchesCommand, { filter: { status: 'STOPPED' } })).ids.map((id) => id.split(':')[0]), ['stop']);
        const deleted = await batches.send(cb.DeleteBuildBatchCommand, { id: second.id });
        assert.equal(deleted.buildsDeleted.length, 3);
        assert.deepEqual((await batches.send(cb.BatchGetBuildBatchesCommand, { ids: [second.id] })).buildBatchesNotFound, [second.id]);
        const gone = await batches.send(cb.BatchGetBuildsCommand, { ids: [batches.summary(ended, 'one').arn] });
        assert.equal(gone.buildsNotFound.length, 1);
    });

    await t.test('artifacts of all builds, each below its identifier, and together in one zip', async () => {
        const s3 = server.client(S3Client);
        await s3.send(new CreateBucketCommand({ Bucket: 'batch-out', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
        const text = spec('  build-list:\n    - identifier: one\n    - identifier: two\n', ['echo $CODEBUILD_BATCH_BUILD_IDENTIFIER >who'], 'artifacts:\n  files: [who]\n');
        const artifacts = { type: 'S3', location: 'batch-out', path: 'p', name: 'out.zip', packaging: 'ZIP' };
        await batches.project('apart', text, { artifacts });
        const apart = await batches.run('apart');
        const uuid = apart.id.split(':')[1];
        assert.equal(apart.buildBatchStatus, 'SUCCEEDED');
        assert.deepEqual(batches.summary(apart, 'one').primaryArtifact,
            { type: 'S3', identifier: 'one', location: `arn:aws:s3:::batch-out/p/${uuid}/one/out.zip` });
        await batches.project('together', text, { artifacts, buildBatchConfig: { ...config, combineArtifacts: true } });
        const together = await batches.run('together');
        assert.equal(together.buildBatchStatus, 'SUCCEEDED', JSON.stringify(together.phases, null, 1));
        assert.deepEqual(together.phases.map((p) => p.phaseType),
            ['SUBMITTED', 'DOWNLOAD_BATCHSPEC', 'IN_PROGRESS', 'COMBINE_ARTIFACTS', 'SUCCEEDED']);
        const key = `p/${together.id.split(':')[1]}/out.zip`;
        assert.equal(together.artifacts.location, `arn:aws:s3:::batch-out/${key}`);
        const object = await s3.send(new GetObjectCommand({ Bucket: 'batch-out', Key: key }));
        const { writeFileSync } = await import('node:fs');
        const dir = temporary(t, 'trunkline-zip-');
        writeFileSync(`${dir}/out.zip`, Buffer.from(await object.Body.transformToByteArray()));
        const shown = await run('unzip', ['-p', `${dir}/out.zip`, 'one/who', 'two/who']);
        assert.equal(shown.stdout, 'one\ntwo\n', shown.stderr);
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'batch-out', Prefix: `p/${together.id.split(':')[1]}/` }));
        assert.equal(Contents.length, 3);
    });

    await t.test('a server that is killed goes on with the batch', async () => {
        await batches.project('crash', spec(
            '  build-graph:\n    - identifier: a\n    - identifier: b\n      depend-on: [a]\n', ['sleep 3']));
        const { id } = await batches.start('crash');
        await until('a runs', async () => batches.statuses(await batches.get(id)).a === 'IN_PROGRESS');
        await server.restart('SIGKILL');
        const batch = await batches.ended(id);
        assert.equal(batch.buildBatchStatus, 'SUCCEEDED');
        assert.equal((await batches.send(cb.ListBuildsForProjectCommand, { projectName: 'crash' })).ids.length, 3, 'each build once');
    });
});
