// Files that people write, damaged: each is refused with file, line and name, and nothing is changed.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListPipelinesCommand, CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { ROOT, Server, temporary } from '../lib/server.js';

const EXAMPLE = join(ROOT, 'examples/logging-platform');

test('accounts.yml, parameters and release.yml', async (t) => {
    const server = await Server.start(t);
    const dir = join(temporary(t), 'example');
    cpSync(EXAMPLE, dir, { recursive: true });
    const damage = (file, change) => {
        const before = readFileSync(join(EXAMPLE, file), 'utf8');
        const after = change(before);
        assert.notEqual(after, before, 'the damage changes the file');
        writeFileSync(join(dir, file), after);
    };
    const refused = async (file, line, message, ...verb) => {
        const done = await server.tl(...verb);
        assert.notEqual(done.status, 0, done.stdout);
        assert.match(done.stderr, new RegExp(`${file}:${line}`), done.stderr);
        assert.match(done.stderr, message);
    };
    const accounts = ['account', 'setup', join(dir, 'accounts.yml')];
    const lineOf = (file, text) => readFileSync(join(dir, file), 'utf8').split('\n').findIndex((l) => l.includes(text)) + 1;

    await t.test('accounts.yml that is not YAML', async () => {
        damage('accounts.yml', (s) => s.replace('accounts:\n', 'accounts: [\n'));
        await refused('accounts\\.yml', '\\d+', /./, ...accounts);
    });
    await t.test('a key that nobody knows', async () => {
        damage('accounts.yml', (s) => s.replace(/^    buckets:/m, '    bukets:'));
        await refused('accounts\\.yml', lineOf('accounts.yml', 'bukets'), /bukets/, ...accounts);
    });
    await t.test('an account id that is not one', async () => {
        damage('accounts.yml', (s) => s.replace('"111111111111"', '"1111"'));
        await refused('accounts\\.yml', lineOf('accounts.yml', '"1111"'), /1111/, ...accounts);
    });
    await t.test('a role that trusts one that is not there', async () => {
        damage('accounts.yml', (s) => s.replace(/^( +trust: )\{role: [^}]+\}/m, '$1' + '{role: shared-services/nobody}'));
        await refused('accounts\\.yml', lineOf('accounts.yml', 'nobody'), /nobody/, ...accounts);
    });
    await t.test('nothing was made by any of these', async () => {
        assert.deepEqual((await server.client(S3Client).send(new ListBucketsCommand({}))).Buckets ?? [], []);
        assert.deepEqual((await server.client(SSMClient).send(new DescribeParametersCommand({}))).Parameters, []);
    });
    await t.test('a line of the parameters file', async () => {
        cpSync(join(EXAMPLE, 'accounts.yml'), join(dir, 'accounts.yml'));
        damage('parameters.env', (s) => `${s}\nthis is no parameter\n`);
        await refused('parameters\\.env', lineOf('parameters.env', 'this is no'), /./, ...accounts);
        damage('parameters.env', (s) => `${s}\n/x=@secrets/none\n`);
        await refused('parameters\\.env', lineOf('parameters.env', 'secrets/none'), /none/, ...accounts);
    });
    await t.test('the right ones work, twice', async () => {
        cpSync(join(EXAMPLE, 'parameters.env'), join(dir, 'parameters.env'));
        for (let i = 0; i < 2; i += 1) {
            const done = await server.tl(...accounts);
            assert.equal(done.status, 0, done.stderr);
        }
        const secrets = server.client(SecretsManagerClient);
        const value = async () => (await secrets.send(new GetSecretValueCommand({ SecretId: 'app/db' })));
        writeFileSync(join(dir, 'secrets.env'), 'app/db={"password":"one"}\n');
        damage('accounts.yml', (s) => s.replace(/^( +)parameters: parameters.env$/m, '$&\n$1secrets: secrets.env'));
        assert.match((await server.tl(...accounts)).stdout, /secrets +1 +created/);
        const first = await value();
        assert.equal(JSON.parse(first.SecretString).password, 'one');
        assert.match((await server.tl(...accounts)).stdout, /secrets +1 +kept/);
        assert.equal((await value()).VersionId, first.VersionId);
        writeFileSync(join(dir, 'secrets.env'), 'app/db={"password":"two"}\n');
        assert.match((await server.tl(...accounts)).stdout, /secrets +1 +changed/);
        assert.equal(JSON.parse((await value()).SecretString).password, 'two');
        const { Buckets } = await server.client(S3Client).send(new ListBucketsCommand({}));
        assert.ok(Buckets.length >= 2);
    });

    const release = ['apply', join(dir, 'release.yml')];
    await t.test('release.yml', async () => {
        damage('release.yml', (s) => s.replace('account: pre-production', 'account: nowhere'));
        await refused('release\\.yml', lineOf('release.yml', 'nowhere'), /nowhere/, ...release);
        damage('release.yml', (s) => s.replace('environments:', 'enviroments:'));
        await refused('release\\.yml', '\\d+', /enviroments/, ...release);
        damage('release.yml', (s) => `${s}\tx: [\n`);
        await refused('release\\.yml', '\\d+', /./, ...release);
        assert.deepEqual((await server.client(CodePipelineClient).send(new ListPipelinesCommand({}))).pipelines, []);
    });
    await t.test('release.yml whose repository is not there fails at Source, and says which', async () => {
        cpSync(join(EXAMPLE, 'release.yml'), join(dir, 'release.yml'));
        const done = await server.tl(...release);
        assert.equal(done.status, 0, done.stderr);
        const watched = await server.tl('watch');
        assert.equal(watched.status, 1, watched.stdout);
        assert.match(watched.stdout + watched.stderr, /logging-platform\.git/);
    });
});
