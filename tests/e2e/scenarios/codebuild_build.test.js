// What a build leaves behind, by the API: caches in S3, artifacts in every packaging, logs, retries.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as cb from '@aws-sdk/client-codebuild';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import * as s3 from '@aws-sdk/client-s3';
import { until } from '../lib/expect.js';
import { World, buildspec } from '../lib/release.js';
import { Server, run, temporary } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();
const alone = { pipeline: false };

test('what builds leave behind', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const store = server.client(s3.S3Client);
    const Bucket = world.bucket;
    const once = async (name, spec, options = {}) => {
        await world.project(name, spec, { ...alone, ...options });
        return again(name);
    };
    const again = async (name, overrides) => {
        const built = await world.build(name, overrides);
        return { built, log: await world.log(built) };
    };
    const keys = async (Prefix) => ((await store.send(new s3.ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map((o) => o.Key);
    const bytes = async (Key) => Buffer.from(await (await store.send(new s3.GetObjectCommand({ Bucket, Key }))).Body.transformToByteArray());
    const names = async (Key) => {
        const file = join(temporary(t), 'a.zip');
        writeFileSync(file, await bytes(Key));
        return (await run('python3', ['-c', 'import sys,zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))', file]))
            .stdout.trim().split('\n').filter((n) => !n.endsWith('/'));
    };
    const inS3 = (more) => ({ type: 'S3', location: Bucket, ...more });

    await t.test('a cache without a key is one object that every build updates', async () => {
        const spec = `version: 0.2
phases:
  build:
    commands:
      - echo "seen $(cat deps/count 2>/dev/null) $(readlink deps/link) $(cat /root/.tool/x 2>/dev/null)"
      - mkdir -p deps /root/.tool; echo "x$(cat deps/count 2>/dev/null)" > deps/count; ln -sf /usr/bin/env deps/link; echo kept > /root/.tool/x
      - chmod 750 deps/count
cache:
  paths: ["deps/**/*", "/root/.tool/**/*"]
`;
        const first = await once('cached', spec, { cache: inS3({ location: `${Bucket}/caches/` }) });
        assert.equal(first.built.buildStatus, 'SUCCEEDED', first.log);
        assert.match(first.log, /Expanded cache path deps\/\*\*\/\*/);
        assert.match(first.log, /Unable to download cache: .*NoSuchKey|Unable to download cache: .*does not exist/);
        assert.match(first.log, /^seen *$/m);
        assert.deepEqual(await keys('caches/'), ['caches/project-111111111111-eu-west-2-cached/cache.zip']);
        const second = await again('cached');
        assert.match(second.log, /^seen x \/usr\/bin\/env kept$/m);
        const third = await again('cached');
        assert.match(third.log, /^seen xx \/usr\/bin\/env kept$/m);
        assert.equal((await keys('caches/')).length, 1);
        await world.builds.send(new cb.InvalidateProjectCacheCommand({ projectName: 'cached' }));
        assert.match((await again('cached')).log, /^seen *$/m);
        assert.deepEqual(await keys('caches/'), ['caches/project-111111111111-eu-west-2-cached.1/cache.zip', 'caches/project-111111111111-eu-west-2-cached/cache.zip']);
    });

    await t.test('a local cache is the project\'s, and goes with it', async () => {
        const spec = 'version: 0.2\nphases: {build: {commands: ["echo \\"seen $(cat /root/.kept/x 2>/dev/null)\\"; echo kept > /root/.kept/x"]}}\ncache: {paths: ["/root/.kept/**/*"]}\n';
        const cache = { type: 'LOCAL', modes: ['LOCAL_CUSTOM_CACHE', 'LOCAL_SOURCE_CACHE'] };
        assert.match((await once('local', spec, { cache })).log, /^seen *$/m);
        assert.match((await again('local')).log, /^seen kept$/m);
        await world.builds.send(new cb.DeleteProjectCommand({ name: 'local' }));
        assert.match((await once('local', spec, { cache })).log, /^seen *$/m);
    });

    await t.test('phases and log are as AWS shows them', async () => {
        const { built, log } = await once('shown', 'version: 0.2\nphases:\n  pre_build: {commands: ["echo one"]}\n  build: {commands: ["exit 4"]}\n  post_build: {commands: ["echo two"]}\n');
        const ok = [{ statusCode: '', message: '' }];
        const failed = [{ statusCode: 'COMMAND_EXECUTION_ERROR', message: 'Error while executing command: exit 4. Reason: exit status 4' }];
        assert.deepEqual(built.phases.map((p) => [p.phaseType, p.phaseStatus, p.contexts]), [
            ['SUBMITTED', 'SUCCEEDED', undefined], ['QUEUED', 'SUCCEEDED', undefined], ['PROVISIONING', 'SUCCEEDED', ok],
            ['DOWNLOAD_SOURCE', 'SUCCEEDED', ok], ['INSTALL', 'SUCCEEDED', ok], ['PRE_BUILD', 'SUCCEEDED', ok], ['BUILD', 'FAILED', failed],
            ['POST_BUILD', 'SUCCEEDED', ok], ['UPLOAD_ARTIFACTS', 'SUCCEEDED', ok], ['FINALIZING', 'SUCCEEDED', ok], ['COMPLETED', undefined, undefined],
        ]);
        const completed = built.phases.at(-1);
        assert.deepEqual([completed.endTime, completed.durationInSeconds, built.currentPhase], [undefined, undefined, 'COMPLETED']);
        const lines = log.split('\n').filter((l) => l.trim()).map((l) => l.replace(/^\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} /, '> ').replace(/src\d+/, 'srcN').replace(/took [\d.]+ s/, 'took N s'));
        assert.deepEqual(lines, [
            '> Running on CodeBuild On-demand', '> Waiting for agent ping', '> Waiting for DOWNLOAD_SOURCE', '> Phase is DOWNLOAD_SOURCE',
            '> CODEBUILD_SRC_DIR=/codebuild/output/srcN/src', '> YAML location is /codebuild/readonly/buildspec.yml', '> Processing environment variables',
            '> No runtime version selected in buildspec.', '> Moving to directory /codebuild/output/srcN/src', '> Cache is not defined in the buildspec',
            '> Skip cache due to: no paths specified to be cached', '> Registering with agent', '> Phases found in YAML: 3', '>  PRE_BUILD: 1 commands',
            '>  BUILD: 1 commands', '>  POST_BUILD: 1 commands', '> Phase complete: DOWNLOAD_SOURCE State: SUCCEEDED', '> Phase context status code:  Message: ',
            '> Entering phase INSTALL', '> Phase complete: INSTALL State: SUCCEEDED', '> Phase context status code:  Message: ',
            '> Entering phase PRE_BUILD', '> Running command echo one', 'one', '> Phase complete: PRE_BUILD State: SUCCEEDED', '> Phase context status code:  Message: ',
            '> Entering phase BUILD', '> Running command exit 4', '> Command did not exit successfully exit 4 exit status 4', '> Phase complete: BUILD State: FAILED',
            '> Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: exit 4. Reason: exit status 4',
            '> Entering phase POST_BUILD', '> Running command echo two', 'two', '> Phase complete: POST_BUILD State: SUCCEEDED', '> Phase context status code:  Message: ',
            '> Set report auto-discover timeout to 5 seconds', '> Expanding base directory path:  .', '> Assembling file list', '> Expanding .',
            '> Expanding file paths for base directory .', '> Assembling file list', '> Expanding **/*', '> No matching auto-discover report paths found',
            '> Report auto-discover file discovery took N seconds',
            '> Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED', '> Phase context status code:  Message: ',
        ]);
    });

    await t.test('what a build knows about itself', async () => {
        const { built, log } = await once('self', buildspec('env | sort'));
        const env = Object.fromEntries(log.split('\n').filter((l) => /^[A-Z_a-z0-9]+=/.test(l)).map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));
        assert.equal(built.buildStatus, 'SUCCEEDED');
        assert.equal(env.CODEBUILD_BUILD_ID, built.id);
        assert.equal(env.CODEBUILD_BUILD_ARN, built.arn);
        assert.equal(env.CODEBUILD_BUILD_NUMBER, '1');
        assert.equal(env.CODEBUILD_BUILD_SUCCEEDING, '1');
        assert.equal(env.CODEBUILD_BUILD_IMAGE, built.environment.image);
        assert.equal(env.CODEBUILD_INITIATOR, built.initiator);
        assert.equal(env.CODEBUILD_KMS_KEY_ID, 'arn:aws:kms:eu-west-2:111111111111:alias/aws/s3');
        assert.equal(env.CODEBUILD_LOG_PATH, built.logs.streamName);
        assert.equal(env.CODEBUILD_PROJECT_ARN, 'arn:aws:codebuild:eu-west-2:111111111111:project/self');
        assert.equal(env.CODEBUILD_START_TIME, String(built.startTime.getTime()));
        assert.match(env.CODEBUILD_BUILD_URL, /self/);
        assert.deepEqual([env.AWS_REGION, env.AWS_DEFAULT_REGION, env.HOME, env.CODEBUILD_CI], ['eu-west-2', 'eu-west-2', '/root', 'true']);
        assert.equal(env.CODEBUILD_RESOLVED_SOURCE_VERSION, undefined);
        assert.equal(env.CODEBUILD_BATCH_BUILD_IDENTIFIER, undefined);
        assert.equal(env.PWD, env.CODEBUILD_SRC_DIR);
    });

    await t.test('a key is written once, and fallback keys find the newest beginning with them', async () => {
        const spec = `version: 0.2
phases:
  build:
    commands: ['echo "seen $(cat deps/value 2>/dev/null)"', 'mkdir -p deps; echo "of build $CODEBUILD_BUILD_NUMBER" > deps/value']
cache:
  key: npm-$LOCK
  fallback-keys: ["npm-two", "npm-"]
  paths: [deps]
`;
        const lock = (value) => ({ environmentVariablesOverride: [{ name: 'LOCK', value }] });
        await world.project('keyed', spec, { ...alone, cache: inS3({ location: `${Bucket}/keyed` }) });
        assert.match((await again('keyed', lock('one'))).log, /^seen *$/m);
        const same = await again('keyed', lock('one'));
        assert.match(same.log, /^seen of build 1$/m);
        assert.match(same.log, /Cache is not saved: there is one with this key already/);
        const other = await again('keyed', lock('three'));
        assert.match(other.log, /Cache found by fallback key npm-$/m);
        assert.match(other.log, /^seen of build 1$/m);
        assert.equal((await keys('keyed/')).length, 2);
        // Nothing that a failed build has made is kept under a key.
        await world.project('failing', `${spec}`.replace('phases:', 'phases:\n  post_build: {commands: ["false"]}'), {
            ...alone, cache: inS3({ location: `${Bucket}/failing` }),
        });
        const failed = await again('failing', lock('one'));
        assert.equal(failed.built.buildStatus, 'FAILED');
        assert.deepEqual(await keys('failing/'), []);
    });

    await t.test('restore reads only, save writes only, a namespace is shared, a denied bucket fails nothing', async () => {
        const spec = (action, key = 'k') => `version: 0.2
phases: {build: {commands: ['echo "seen $(cat deps/v 2>/dev/null)"; mkdir -p deps; echo made > deps/v']}}
cache: {key: ${key}, action: ${action}, paths: ["deps/**/*"]}
`;
        const cache = inS3({ location: `${Bucket}/shared`, cacheNamespace: 'team' });
        await once('reader', spec('restore'), { cache });
        assert.deepEqual(await keys('shared/'), []);
        const saved = await once('writer', spec('save'), { cache });
        assert.doesNotMatch(saved.log, /Downloading S3 cache/);
        assert.match((await keys('shared/'))[0], /^shared\/namespace-team\/[0-9a-f]{32}\/k\.zip$/);
        assert.match((await again('reader')).log, /^seen made$/m);
        const denied = await once('denied', spec('save', 'x'), { cache: inS3({ location: 'no-such-bucket-anywhere/x' }) });
        assert.equal(denied.built.buildStatus, 'SUCCEEDED', denied.log);
        assert.match(denied.log, /Unable to upload cache: /);
    });

    await t.test('artifacts: path, build id, name, metadata and encryption', async () => {
        const { KeyMetadata } = await server.client(KMSClient).send(new CreateKeyCommand({}));
        const spec = `version: 0.2
phases: {build: {commands: ["mkdir -p out/deep other; echo 1 > out/deep/a.txt; echo 2 > out/b.log; echo 3 > other/c.txt; echo 4 > .hidden"]}}
artifacts:
  files: ["**/*"]
  exclude-paths: ["**/*.log", "**/.*"]
  base-directory: o*t*
  name: "release-$CODEBUILD_BUILD_NUMBER/app.zip"
  s3-prefix: pre
`;
        const { built, log } = await once('zipped', spec, {
            artifacts: inS3({ packaging: 'ZIP', name: 'unused.zip', path: 'p', namespaceType: 'BUILD_ID', overrideArtifactName: true, bucketOwnerAccess: 'FULL' }),
            encryptionKey: KeyMetadata.Arn,
        });
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        const uuid = built.id.split(':')[1];
        const Key = `pre/${uuid}/release-1/app.zip`;
        assert.equal(built.artifacts.location, `arn:aws:s3:::${Bucket}/${Key}`);
        assert.equal(built.artifacts.overrideArtifactName, true);
        assert.equal(built.artifacts.bucketOwnerAccess, 'FULL');
        assert.match(built.artifacts.md5sum, /^[0-9a-f]{32}$/);
        assert.deepEqual(await names(Key), ['c.txt', 'deep/a.txt']);
        const head = await store.send(new s3.HeadObjectCommand({ Bucket, Key }));
        assert.equal(head.ServerSideEncryption, 'aws:kms');
        assert.equal(head.SSEKMSKeyId, KeyMetadata.Arn);
        assert.equal(head.Metadata['codebuild-buildarn'], built.arn);
        assert.equal(head.Metadata['codebuild-content-sha256'], built.artifacts.sha256sum);
    });

    await t.test('artifacts: a folder of objects, flat, plain, and secondary ones of their own', async () => {
        const spec = `version: 0.2
phases: {build: {commands: ["mkdir -p a/b; echo 1 > a/b/one; echo 2 > a/two; ln -s one a/b/link; ln -s b a/folder"]}}
artifacts:
  files: ["a/**/*"]
  discard-paths: yes
  secondary-artifacts:
    linked: {files: ["**/*"], base-directory: a, enable-symlinks: yes}
    plain: {files: ["a/two"], name: "n"}
`;
        const { built, log } = await once('folders', spec, {
            artifacts: inS3({ packaging: 'NONE', name: 'flat', encryptionDisabled: true }),
            secondaryArtifacts: [
                inS3({ artifactIdentifier: 'linked', packaging: 'ZIP', name: 'linked.zip' }),
                inS3({ artifactIdentifier: 'plain', packaging: 'NONE', name: '/', path: 'root' }),
            ],
        });
        assert.equal(built.buildStatus, 'SUCCEEDED', log);
        assert.deepEqual(await keys('flat/'), ['flat/link', 'flat/one', 'flat/two']);
        assert.deepEqual(await names('linked.zip'), ['b/link', 'b/one', 'folder', 'two']);
        assert.deepEqual(await keys('root'), ['root/a/two']);
        assert.equal(built.artifacts.encryptionDisabled, true);
        assert.equal(built.artifacts.sha256sum, undefined);
        assert.deepEqual(built.secondaryArtifacts.map((a) => a.artifactIdentifier).sort(), ['linked', 'plain']);
        assert.notEqual((await store.send(new s3.HeadObjectCommand({ Bucket, Key: 'flat/one' }))).ServerSideEncryption, 'aws:kms');
    });

    await t.test('artifacts that match nothing, and a secondary one that the buildspec lacks', async () => {
        const nothing = await once('nothing', buildspec('true', 'artifacts: {files: ["*.none"]}\n'), { artifacts: inS3({ packaging: 'ZIP', name: 'x' }) });
        const upload = nothing.built.phases.find((p) => p.phaseType === 'UPLOAD_ARTIFACTS');
        assert.equal(upload.phaseStatus, 'FAILED');
        assert.deepEqual(upload.contexts, [{ statusCode: 'CLIENT_ERROR', message: 'no matching artifact paths found' }]);
        assert.match(nothing.log, /Skipping invalid file path \*\.none/);
        assert.equal(nothing.built.buildStatus, 'FAILED');
        const lacking = await once('lacking', buildspec('true', 'artifacts: {files: ["**/*"], base-directory: "no*"}\n'), { artifacts: inS3({ packaging: 'ZIP', name: 'x' }) });
        assert.match(lacking.log, /CLIENT_ERROR Message: no matching base directory path found for no\*/);
    });

    await t.test('the log goes where the project says', async () => {
        const { built, log } = await once('logged', buildspec('echo to be kept'), {
            logsConfig: {
                cloudWatchLogs: { status: 'ENABLED', groupName: 'own-group', streamName: 'own/stream' },
                s3Logs: { status: 'ENABLED', location: `${Bucket}/logs` },
            },
        });
        const uuid = built.id.split(':')[1];
        assert.equal(built.logs.groupName, 'own-group');
        assert.equal(built.logs.streamName, `own/stream/${uuid}`);
        assert.equal(built.logs.s3LogsArn, `arn:aws:s3:::${Bucket}/logs/${uuid}.gz`);
        assert.equal(built.logs.s3Logs.status, 'ENABLED');
        const text = gunzipSync(await bytes(`logs/${uuid}.gz`)).toString();
        assert.match(text, /^to be kept$/m);
        assert.match(text, /Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED/);
        assert.match(log, /^to be kept$/m);
        await world.project('silent', buildspec('echo x'), { ...alone, logsConfig: { cloudWatchLogs: { status: 'DISABLED' } } });
        const silent = await world.build('silent');
        assert.equal(silent.buildStatus, 'SUCCEEDED');
        assert.equal(silent.logs.groupName, undefined);
        assert.equal(silent.logs.cloudWatchLogs.status, 'DISABLED');
    });

    await t.test('a failed build is retried as often as its buildspec says', async () => {
        await world.project('flaky', 'version: 0.2\nphases:\n  build:\n    on-failure: RETRY-2-exit status 7\n    commands: ["exit 7"]\n', alone);
        const first = await world.build('flaky');
        const all = await until('three builds', async () => {
            const { ids } = await world.builds.send(new cb.ListBuildsForProjectCommand({ projectName: 'flaky' }));
            return ids.length === 3 ? ids : null;
        });
        const last = await world.built(all[0]);
        assert.equal(last.autoRetryConfig.autoRetryNumber, 2);
        assert.equal(last.autoRetryConfig.nextAutoRetry, undefined);
        const { builds } = await world.builds.send(new cb.BatchGetBuildsCommand({ ids: [first.id, all[1]] }));
        assert.equal(builds[0].autoRetryConfig.nextAutoRetry, builds[1].arn);
        assert.equal(builds[1].autoRetryConfig.previousAutoRetry, builds[0].arn);
        assert.equal((await world.builds.send(new cb.ListBuildsForProjectCommand({ projectName: 'flaky' }))).ids.length, 3);
    });
});
