// Every buildspec of tests/corpus/run, built in a container: phases, exported variables, artifacts,
// log. Programs from outside are replaced by ones that record their command line in the log.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test from 'node:test';
import { BatchGetBuildsCommand, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from './lib/expect.js';
import { World } from './lib/release.js';
import { ROOT, Server, run, temporary } from './lib/server.js';
import { withoutBuilds } from './lib/tools.js';

const FOLDER = join(ROOT, 'tests/corpus/run');
const PROGRAMS = '/opt/corpus'; // where builds find the replaced programs, by file
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CALLED = 'corpus-call: ';
const LOOKED_AT = ['DOWNLOAD_SOURCE', 'INSTALL', 'PRE_BUILD', 'BUILD', 'POST_BUILD', 'UPLOAD_ARTIFACTS'];

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yml')).map((name) => ({
    name: basename(name, '.yml'),
    text: readFileSync(join(FOLDER, name)),
    want: JSON.parse(readFileSync(join(FOLDER, name.replace(/yml$/, 'expect.json')), 'utf8')).run,
}));

function put(path, content, executable) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, executable ? 0o755 : 0o644);
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// One folder of programs for each file that replaces some; the folder of all.
function replacePrograms(t) {
    const dir = temporary(t);
    chmodSync(dir, 0o755);
    for (const { name, want } of files) {
        const programs = Array.isArray(want.programs)
            ? Object.fromEntries(want.programs.map((p) => [p, ''])) : want.programs ?? {};
        for (const [program, prints] of Object.entries(programs)) {
            put(join(dir, name, program), `#!/bin/sh\necho "${CALLED}${program} $*" >&2\n`
                + (prints ? `printf '%s\\n' ${quoted(prints)}\n` : ''), true);
        }
    }
    return dir;
}

async function upload(t, world, { name, text, want }) {
    const dir = temporary(t);
    put(join(dir, 'tree/buildspec.yml'), text, false);
    for (const [path, content] of Object.entries(want.source ?? {})) {
        put(join(dir, 'tree', path), content, path.endsWith('.sh'));
    }
    const zipped = await run('zip', ['-qry', '../source.zip', '.'], { cwd: join(dir, 'tree') });
    assert.equal(zipped.status, 0, zipped.stderr);
    await world.server.client(S3Client).send(new PutObjectCommand({
        Bucket: world.bucket, Key: `source/${name}.zip`, Body: readFileSync(join(dir, 'source.zip')),
    }));
}

async function makeInputs(world, { want }) {
    for (const [Name, Value] of Object.entries(want.parameters ?? {})) {
        await world.server.client(SSMClient).send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
    }
    const secrets = world.server.client(SecretsManagerClient);
    for (const [Name, values] of Object.entries(want.secrets ?? {})) {
        const [first, ...later] = [].concat(values);
        await secrets.send(new CreateSecretCommand({ Name, SecretString: first }));
        for (const SecretString of later) {
            await secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
        }
    }
}

async function makeProject(world, { name, text, want }) {
    const to = (id) => ({
        type: 'S3', location: world.bucket, path: `artifacts/${name}`, name: `${id}.zip`, packaging: 'ZIP',
        overrideArtifactName: true,
    });
    const section = want.artifacts || /^["']?artifacts["']?\s*:/m.test(text.toString('utf8'));
    const keeps = section && (want.artifacts || !want.secondary);
    const variables = { ...want.env, ...(want.programs ? { PATH: `${PROGRAMS}/${name}:${PATH}` } : {}) };
    await world.project(name, undefined, {
        pipeline: false,
        variables: Object.entries(variables).map(([n, value]) => ({ name: n, value, type: 'PLAINTEXT' })),
        source: { type: 'S3', location: `${world.bucket}/source/${name}.zip` },
        artifacts: keeps ? to('primary') : { type: 'NO_ARTIFACTS' },
        secondaryArtifacts: Object.keys(want.secondary ?? {}).map((id) => ({ ...to(id), artifactIdentifier: id })),
    });
}

// All builds of the project once none runs any more, oldest first. What a build's end starts is
// listed as soon as the end is.
function allBuilds(world, projectName) {
    const list = async () => (await world.builds.send(new ListBuildsForProjectCommand({ projectName, sortOrder: 'ASCENDING' }))).ids;
    return until(`builds of ${projectName}`, async () => {
        const ids = await list();
        const { builds } = await world.builds.send(new BatchGetBuildsCommand({ ids }));
        const over = builds.every((b) => b.buildComplete) && (await list()).length === ids.length;
        return over ? ids.map((id) => builds.find((b) => b.id === id)) : null;
    }, { timeout_ms: 180_000 });
}

async function namesIn(t, world, artifact) {
    const [, Bucket, Key] = artifact.location.match(/^arn:aws:s3:::([^/]+)\/(.*)$/);
    const got = await world.server.client(S3Client).send(new GetObjectCommand({ Bucket, Key }));
    const path = join(temporary(t), 'artifact.zip');
    writeFileSync(path, await got.Body.transformToByteArray());
    const listed = await run('unzip', ['-Z1', path]);
    return listed.stdout.split('\n').filter((line) => line && !line.endsWith('/')).sort();
}

function checkCalls(log, calls) {
    const seen = log.split('\n').filter((line) => line.startsWith(CALLED)).map((line) => line.slice(CALLED.length));
    let at = 0;
    for (const call of calls) {
        at = seen.indexOf(call, at) + 1;
        assert.notEqual(at, 0, `no call '${call}' in its place among ${JSON.stringify(seen)}`);
    }
}

async function check(t, world, { name, want }) {
    const builds = await allBuilds(world, name);
    const build = builds[0];
    const log = await world.log(build);
    const phases = Object.fromEntries(build.phases.filter((p) => LOOKED_AT.includes(p.phaseType))
        .map((p) => [p.phaseType, p.phaseStatus]));
    assert.deepEqual(phases, want.phases, log);
    assert.equal(build.buildStatus, want.status, log);
    assert.equal(builds.length, 1 + (want.retries ?? 0), 'builds of the project');
    if (want.exported) {
        assert.deepEqual(Object.fromEntries(build.exportedEnvironmentVariables.map((v) => [v.name, v.value])), want.exported);
    }
    for (const text of want.log ?? []) {
        assert.ok(log.includes(text), `the log lacks ${JSON.stringify(text)}:\n${log}`);
    }
    const printed = log.split('\n').filter((line) => !line.startsWith('[Container]')).join('\n');
    for (const text of want.not_log ?? []) {
        assert.ok(!printed.includes(text), `the log has ${JSON.stringify(text)}:\n${log}`);
    }
    checkCalls(log, want.calls ?? []);
    if (want.artifacts) {
        assert.deepEqual(await namesIn(t, world, build.artifacts), [...want.artifacts].sort());
    }
    for (const [id, names] of Object.entries(want.secondary ?? {})) {
        const artifact = build.secondaryArtifacts.find((a) => a.artifactIdentifier === id);
        assert.ok(artifact, `no secondary artifact ${id}`);
        assert.deepEqual(await namesIn(t, world, artifact), [...names].sort());
    }
}

test('buildspecs of the corpus run to their end', { skip: withoutBuilds(), concurrency: 4 }, async (t) => {
    const server = await Server.start(t, { config: `mounts:\n  - {source: "${replacePrograms(t)}", target: ${PROGRAMS}}\n` });
    const world = await World.make(server, { commit: false });
    await Promise.all(files.map((file) => t.test(file.name, async (s) => {
        await upload(s, world, file);
        await makeInputs(world, file);
        await makeProject(world, file);
        await world.build(file.name);
        await check(s, world, file);
    })));
});
