// Variables of builds that lie in Parameter Store and cannot be had: which one is named, in
// DOWNLOAD_SOURCE, before any command, and no value is shown to anybody, by whatever it fails.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { refuses } from './lib/expect.js';
import { World, buildspec } from './lib/release.js';
import { Server } from './lib/server.js';
import { withoutBuilds } from './lib/tools.js';

const alone = { pipeline: false };
// One that is hidden wherever it is printed, and one that is too short for that: nothing but silence hides it.
const secrets = { '/deploy/long': 'a-value-nobody-may-see', '/deploy/short': 'xq7Zk' };

test('codebuild: parameters', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const put = (Name, Value, extra = {}) => server.client(SSMClient).send(
        new PutParameterCommand({ Name, Value, Type: 'SecureString', ...extra }));
    for (const [name, value] of Object.entries(secrets)) {
        await put(name, value);
    }
    const role = async (RoleName, Statement) => {
        const iam = server.client(IAMClient);
        await iam.send(new CreateRoleCommand({
            RoleName, AssumeRolePolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole' }],
            }),
        }));
        await iam.send(new PutRolePolicyCommand({
            RoleName, PolicyName: 'p', PolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'logs:*', Resource: '*' }, ...Statement],
            }),
        }));
    };
    const variables = (map) => Object.entries(map).map(([name, value]) => ({ name, value, type: 'PARAMETER_STORE' }));
    const failure = (built) => built.phases.find((p) => p.phaseStatus === 'FAILED');

    // All files below a folder. The container is cleared away while we look: what goes is gone.
    const texts = (dir) => {
        const found = [];
        const there = (look) => {
            try {
                return look();
            } catch (error) {
                assert.equal(error.code, 'ENOENT');
                return undefined;
            }
        };
        for (const e of there(() => readdirSync(dir, { withFileTypes: true })) ?? []) {
            const at = join(dir, e.name);
            found.push(...(e.isDirectory() ? texts(at) : e.isFile() ? [there(() => readFileSync(at, 'latin1')) ?? ''] : []));
        }
        return found;
    };

    // Runs a build and looks for the values in all that it leaves: its log, its row as the API and the
    // command line show it, its directory, and what serve printed.
    const build = async (project, map, values = Object.values(secrets)) => {
        const built = await world.build(project, { environmentVariablesOverride: variables(map) });
        const log = await world.log(built);
        const dir = join(server.dir, 'builds', built.id.split(':')[1]);
        const left = texts(dir);
        for (const value of values) {
            for (const form of [value, Buffer.from(value).toString('base64')]) {
                for (const text of [log, JSON.stringify(built), server.log, ...left]) {
                    assert.ok(!text.includes(form), `a value is shown: ${text.slice(Math.max(0, text.indexOf(form) - 200), text.indexOf(form))}`);
                }
            }
        }
        return { built, log };
    };
    const fails = async (project, map, message, values) => {
        const { built, log } = await build(project, map, values);
        assert.equal(built.buildStatus, 'FAILED', log);
        assert.equal(failure(built).phaseType, 'DOWNLOAD_SOURCE');
        assert.equal(failure(built).contexts[0].statusCode, 'Decrypted Variables Error');
        assert.match(failure(built).contexts[0].message, message);
        assert.doesNotMatch(log, /^RAN$/m);
    };
    await world.project('whole', buildspec('echo RAN'), alone);

    await t.test('one that is missing is named, among twenty that are there', async () => {
        const map = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [[`L${i}`, '/deploy/long'], [`S${i}`, '/deploy/short']]).flat());
        await fails('whole', { ...map, GONE: '/deploy/gone', MORE: '/deploy/long' },
            /^Parameter does not exist: \/deploy\/gone \(variable GONE, account 111111111111, asked as arn:aws:iam::111111111111:role\/app-build\)$/);
    });

    await t.test('one that the role may not read is named, and so is the right', async () => {
        await role('one-only', [{
            Effect: 'Allow', Action: 'ssm:GetParameters', Resource: 'arn:aws:ssm:eu-west-2:111111111111:parameter/deploy/long',
        }, { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' }]);
        await world.project('denied', buildspec('echo RAN'), { ...alone, role: 'one-only' });
        await fails('denied', { FIRST: '/deploy/long', SECOND: '/deploy/short' },
            /is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-2:111111111111:parameter\/deploy\/short because no identity-based policy allows .* \(variable SECOND, parameter \/deploy\/short, account/);
    });

    await t.test('one whose key the role may not use, or nobody can, is named', async () => {
        const kms = server.client(KMSClient);
        const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({}));
        await put('/deploy/keyed', 'sealed-with-a-key', { KeyId: key.KeyId });
        await role('no-key', [{ Effect: 'Allow', Action: 'ssm:GetParameters', Resource: '*' }]);
        await world.project('keyless', buildspec('echo RAN'), { ...alone, role: 'no-key' });
        const values = [...Object.values(secrets), 'sealed-with-a-key'];
        await fails('keyless', { FIRST: '/deploy/long', KEYED: '/deploy/keyed' }, /kms:Decrypt on resource: .* \(variable KEYED, parameter \/deploy\/keyed, account/, values);
        await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }));
        await fails('whole', { FIRST: '/deploy/long', KEYED: '/deploy/keyed' }, /disabled.* \(variable KEYED, parameter \/deploy\/keyed, account/, values);
    });

    await t.test('a name that no variable has is refused before anything is read', async () => {
        for (const name of ['1BAD', 'A B', 'x=$(id)', '']) {
            const error = await refuses(world.builds.send(new cb.StartBuildCommand({
                projectName: 'whole', environmentVariablesOverride: variables({ [name]: '/deploy/short' }),
            })), 'InvalidInputException');
            assert.ok(error.message.includes(name) && !error.message.includes('xq7Zk'), error.message);
        }
    });

    await t.test('one that bash keeps to itself shows nothing', async () => {
        await build('whole', { UID: '/deploy/short', PPID: '/deploy/short', BASHOPTS: '/deploy/short' });
    });

    await t.test('values that are too much together are counted, not shown', async () => {
        const large = `${'xq7Zk-'.repeat(1365)}`;
        await put('/deploy/large', large, { Tier: 'Advanced' });
        const map = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`V${i}`, '/deploy/large']));
        const built = await world.build('whole', { environmentVariablesOverride: variables(map) });
        assert.equal(failure(built).phaseType, 'DOWNLOAD_SOURCE');
        assert.match(failure(built).contexts[0].message, /^The variables have \d+ bytes together; programs can be given at most 1572864$/);
        assert.ok(!(await world.log(built)).includes('xq7Zk'));
    });

    await t.test('a buildspec\'s own reference is told the same way', async () => {
        await world.project('own', buildspec('echo RAN', 'env:\n  parameter-store:\n    TOKEN: /deploy/absent\n    FINE: /deploy/short\n'), alone);
        await fails('own', {}, /^Parameter does not exist: \/deploy\/absent \(variable TOKEN,/);
        const shown = await world.builds.send(new cb.BatchGetProjectsCommand({ names: ['own'] }));
        assert.ok(!JSON.stringify(shown).includes(secrets['/deploy/short']));
    });
});
