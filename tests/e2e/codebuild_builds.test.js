// Builds by the API: every override, tokens, retry, limits, deletion, paging; with real builds.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { pages, refuses, until } from './lib/expect.js';
import { World, buildspec } from './lib/release.js';
import { Server } from './lib/server.js';
import { withoutBuilds } from './lib/tools.js';

const alone = { pipeline: false };

test('codebuild: builds', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const send = (Command, input) => world.builds.send(new Command(input));
    const get = async (id) => (await send(cb.BatchGetBuildsCommand, { ids: [id] })).builds[0];

    await t.test('every override is in the build, and the project is as it was', async () => {
        await world.project('over', buildspec('echo "project $A $B"'), { ...alone, variables: [{ name: 'A', value: 'a' }, { name: 'B', value: 'b' }] });
        const overrides = {
            buildspecOverride: buildspec(['echo "override $A $B $C"']), timeoutInMinutesOverride: 7, queuedTimeoutInMinutesOverride: 9,
            environmentVariablesOverride: [{ name: 'B', value: 'over' }, { name: 'C', value: 'new', type: 'PLAINTEXT' }],
            computeTypeOverride: 'BUILD_GENERAL1_MEDIUM', encryptionKeyOverride: 'alias/other', autoRetryLimitOverride: 1,
            imagePullCredentialsTypeOverride: 'SERVICE_ROLE', gitCloneDepthOverride: 1, insecureSslOverride: false,
            cacheOverride: { type: 'LOCAL', modes: ['LOCAL_CUSTOM_CACHE'] },
            logsConfigOverride: { cloudWatchLogs: { status: 'ENABLED', groupName: '/over/ridden', streamName: 'prefix' } },
            secondarySourcesOverride: [], secondaryArtifactsOverride: [],
        };
        const built = await world.build('over', overrides);
        const log = await world.log(built);
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.match(log, /^override a over new$/m);
        assert.deepEqual([built.timeoutInMinutes, built.queuedTimeoutInMinutes, built.environment.computeType, built.environment.imagePullCredentialsType],
            [7, 9, 'BUILD_GENERAL1_MEDIUM', 'SERVICE_ROLE']);
        assert.equal(built.encryptionKey, 'arn:aws:kms:eu-west-2:111111111111:alias/other');
        assert.equal(built.logs.groupName, '/over/ridden');
        assert.ok(built.logs.streamName.startsWith('prefix/'));
        assert.equal(built.source.gitCloneDepth, 1);
        assert.equal(built.cache.type, 'LOCAL');
        assert.deepEqual([built.autoRetryConfig.autoRetryLimit, built.autoRetryConfig.autoRetryNumber], [1, 0]);
        const [project] = (await send(cb.BatchGetProjectsCommand, { names: ['over'] })).projects;
        assert.equal(project.timeoutInMinutes, 60);
        assert.equal(project.environment.environmentVariables.length, 2);
        const start = (more) => send(cb.StartBuildCommand, { projectName: 'over', ...more });
        await refuses(start({ timeoutInMinutesOverride: 4 }), 'InvalidInputException', { status: 400 });
        await refuses(start({ cacheOverride: { type: 'S3' } }), 'InvalidInputException', { message: /location is required/ });
        await refuses(start({ debugSessionEnabled: true }), 'InvalidInputException', { message: /Debug sessions are not available/ });
        await refuses(start({ fleetOverride: { fleetArn: 'arn:aws:codebuild:eu-west-2:111111111111:fleet/f' } }), 'InvalidInputException', { message: /fleets are not available/ });
    });

    await t.test('a token makes one build, of one set of parameters', async () => {
        await world.project('token', buildspec('echo once'), alone);
        const start = (more) => send(cb.StartBuildCommand, { projectName: 'token', idempotencyToken: 't', ...more });
        const { build: first } = await start();
        assert.equal((await start()).build.id, first.id);
        await refuses(start({ timeoutInMinutesOverride: 10 }), 'InvalidInputException', { status: 400, message: /^Request parameter mismatch for idempotency token t$/ });
        await world.built(first.id);
        assert.equal((await start()).build.id, first.id, 'also after it has ended');
        assert.deepEqual((await send(cb.ListBuildsForProjectCommand, { projectName: 'token' })).ids, [first.id]);
    });

    await t.test('a retry runs what the old build ran, as a build of its own', async () => {
        await world.project('retry', buildspec(['echo "ran $CODEBUILD_BUILD_NUMBER $X"', 'test "$CODEBUILD_BUILD_NUMBER" != 1']), alone);
        const failed = await world.build('retry', { environmentVariablesOverride: [{ name: 'X', value: 'kept' }] });
        assert.equal(failed.buildStatus, 'FAILED');
        await send(cb.UpdateProjectCommand, { name: 'retry', source: { type: 'NO_SOURCE', buildspec: buildspec('echo changed') } });
        const { build } = await send(cb.RetryBuildCommand, { id: failed.id, idempotencyToken: 'r' });
        assert.equal(build.buildNumber, 2);
        assert.equal((await send(cb.RetryBuildCommand, { id: failed.id, idempotencyToken: 'r' })).build.id, build.id);
        const again = await world.built(build.id);
        assert.equal(again.buildStatus, 'SUCCEEDED');
        assert.match(await world.log(again), /^ran 2 kept$/m);
        assert.notEqual(again.logs.streamName, failed.logs.streamName);
        await refuses(send(cb.RetryBuildCommand, { id: 'retry:00000000-0000-0000-0000-000000000000' }), 'ResourceNotFoundException');
        await refuses(send(cb.RetryBuildCommand, { id: 'nonsense' }), 'InvalidInputException');
    });

    await t.test('autoRetryLimit retries by itself, as often as it says', async () => {
        await world.project('auto', buildspec('false'), { ...alone, autoRetryLimit: 2 });
        const first = await world.build('auto');
        assert.equal(first.autoRetryConfig.autoRetryLimit, 2);
        const chain = [first];
        while (chain.at(-1).autoRetryConfig.nextAutoRetry) {
            const next = await world.built(chain.at(-1).autoRetryConfig.nextAutoRetry);
            assert.equal(next.autoRetryConfig.previousAutoRetry, chain.at(-1).arn);
            chain.push(next);
        }
        assert.deepEqual(chain.map((b) => b.autoRetryConfig.autoRetryNumber), [0, 1, 2]);
        assert.equal((await send(cb.ListBuildsForProjectCommand, { projectName: 'auto' })).ids.length, 3);
    });

    await t.test('builds over the limit of a project are not started', async () => {
        await world.project('limited', buildspec('until test -e /stop; do sleep 0.1; done'), { ...alone, concurrentBuildLimit: 1 });
        const { build } = await send(cb.StartBuildCommand, { projectName: 'limited' });
        await refuses(send(cb.StartBuildCommand, { projectName: 'limited' }), 'AccountLimitExceededException',
            { status: 400, message: /^Cannot have more than 1 builds in queue for the project$/ });
        await refuses(send(cb.RetryBuildCommand, { id: build.id }), 'InvalidInputException', { message: /still in progress/ });
        assert.deepEqual((await send(cb.BatchDeleteBuildsCommand, { ids: [build.id] })).buildsNotDeleted, [{ id: build.arn, statusCode: 'BUILD_IN_PROGRESS' }]);
        await send(cb.StopBuildCommand, { id: build.id });
        assert.equal((await world.built(build.id)).buildStatus, 'STOPPED');
        assert.equal((await send(cb.StopBuildCommand, { id: build.id })).build.buildStatus, 'STOPPED');
        const { build: next } = await send(cb.StartBuildCommand, { projectName: 'limited' });
        await send(cb.StopBuildCommand, { id: next.id });
        await world.built(next.id);
    });

    await t.test('deleted builds are gone, with their files, and their numbers are not used again', async () => {
        await world.project('gone', buildspec('echo here'), alone);
        const built = await world.build('gone');
        const dir = join(server.dir, 'builds', built.id.split(':')[1]);
        assert.ok(existsSync(dir));
        const { buildsDeleted, buildsNotDeleted } = await send(cb.BatchDeleteBuildsCommand, { ids: [built.id, 'gone:00000000-0000-0000-0000-000000000000'] });
        assert.deepEqual(buildsDeleted, [built.arn]);
        assert.equal(buildsNotDeleted.length, 1);
        assert.equal(await get(built.id), undefined);
        assert.deepEqual((await send(cb.ListBuildsForProjectCommand, { projectName: 'gone' })).ids, []);
        await until('the directory is removed', () => !existsSync(dir));
        assert.equal((await world.build('gone')).buildNumber, 2);
    });

    await t.test('an invalidated cache is not found by the next build', async () => {
        const spec = `version: 0.2
phases: {build: {commands: ["test -e /cached/mark && echo found || echo empty", "mkdir -p /cached && touch /cached/mark"]}}
cache: {paths: ["/cached/**/*"]}
`;
        await world.project('cached', spec, { ...alone, cache: { type: 'S3', location: `${world.bucket}/cache` } });
        const said = async () => /^(found|empty)$/m.exec(await world.log(await world.build('cached')))[1];
        assert.equal(await said(), 'empty');
        assert.equal(await said(), 'found');
        await send(cb.InvalidateProjectCacheCommand, { projectName: 'cached' });
        assert.equal(await said(), 'empty');
        await refuses(send(cb.InvalidateProjectCacheCommand, { projectName: 'none' }), 'ResourceNotFoundException', { status: 400 });
    });

    await t.test('lists, in both orders', async () => {
        const ids = async (sortOrder) => (await pages((nextToken) => send(cb.ListBuildsCommand, { nextToken, sortOrder }),
            (page) => page.ids, (page) => page.nextToken)).all;
        const down = await ids();
        assert.ok(down.length >= 8);
        assert.deepEqual(await ids('DESCENDING'), down);
        assert.deepEqual(await ids('ASCENDING'), [...down].reverse());
        const asked = [down[2], 'x:00000000-0000-0000-0000-000000000000', down[0]];
        const got = await send(cb.BatchGetBuildsCommand, { ids: asked });
        assert.deepEqual(got.builds.map((b) => b.id), [down[2], down[0]]);
        assert.deepEqual(got.buildsNotFound, [asked[1]]);
        await refuses(send(cb.ListBuildsForProjectCommand, { projectName: 'none' }), 'ResourceNotFoundException', { message: /^The provided project .* does not exist$/ });
        await refuses(send(cb.BatchGetBuildsCommand, { ids: Array.from({ length: 101 }, () => down[0]) }), 'InvalidInputException');
    });
});
