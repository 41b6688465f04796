// The files that `trunkline init` writes: clean for lint, and a release that runs as it is, in a
// repository whose branch is not called main.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { git } from '../lib/release.js';
import { PROGRAM, Server, run, temporary } from '../lib/server.js';
import { find, withoutBuilds } from '../lib/tools.js';

test('init', { skip: (find('git') ? false : 'git is not installed') || withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const here = join(temporary(t), 'My_Shop');
    mkdirSync(here);
    await git(here, 'init', '-q', '-b', 'trunk/2');
    const here_tl = (...args) => run(PROGRAM, args, { cwd: here, env: { TRUNKLINE_DATA: server.dir } });
    const succeeds = async (...args) => {
        const done = await here_tl(...args);
        assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
        return done.stdout;
    };

    await t.test('writes files of which lint has nothing to say', async () => {
        await succeeds('init');
        assert.match(readFileSync(join(here, 'release.yml'), 'utf8'), /^name: my-shop\n.*branch: "trunk\/2"/m);
        const said = JSON.parse(await succeeds('lint', '--json'));
        assert.equal(said.length, 4);
        assert.deepEqual(said.flatMap((f) => [...f.errors, ...f.warnings]), []);
        assert.match(await succeeds('init'), /^kept {5}release\.yml$/m);
    });

    await t.test('builds without a server', async () => {
        const done = await run(PROGRAM, ['run', '--env', 'development'], { cwd: here });
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.match(done.stdout, /hello from development/);
    });

    await t.test('releases to the account of each environment', async () => {
        await git(here, 'add', '-A');
        await git(here, 'commit', '-qm', 'Release by Trunkline');
        appendFileSync(join(here, 'release.yml'), 'gate: {alarms: [errors]}\n');
        await succeeds('lint', 'release.yml');
        await succeeds('account', 'setup', 'accounts.yml');
        await succeeds('apply');
        const watched = await here_tl('watch');
        assert.equal(watched.status, 4, watched.stdout + watched.stderr);
        await succeeds('approve');
        await succeeds('watch');
        for (const account of ['development', 'pre-production', 'production']) {
            const { Parameter } = await server.client(SSMClient, account).send(new GetParameterCommand({ Name: '/my-shop/deployed' }));
            assert.match(Parameter.Value, new RegExp(`^my-shop-${account}:`));
        }
    });

    await t.test('lint says what release.yml names and is not there', async () => {
        rmSync(join(here, 'buildspec.test.yml'));
        const accounts = readFileSync(join(here, 'accounts.yml'), 'utf8');
        writeFileSync(join(here, 'accounts.yml'), accounts.replaceAll('observer:', 'watcher:').replace('my-shop-production-build:', 'other:')
            .replace('shared-services/my-shop-production-build', 'shared-services/other'));
        const text = await succeeds('lint', 'release.yml');
        assert.match(text, /^release\.yml: warning: 'test' is to be built by buildspec\.test\.yml, which is not here \[buildspec-missing\]$/m);
        assert.match(text, /^release\.yml:\d+:\d+: warning: accounts\.yml gives account shared-services no role 'my-shop-production-build', .* \[role-missing\]$/m);
        assert.match(text, /accounts\.yml gives account pre-production no role 'observer'/);
        assert.doesNotMatch(text, /account (production|development) no role 'observer'/);
    });

    await t.test('lint says of release.yml what CodePipeline would', async () => {
        const file = join(here, 'release.yml');
        writeFileSync(file, `${readFileSync(file, 'utf8').replace('DEPLOY_ROLE:', 'X: "#{variables.levle}", DEPLOY_ROLE:')}`);
        const wrong = await here_tl('lint', 'release.yml');
        assert.equal(wrong.status, 1);
        assert.match(wrong.stdout, /The pipeline has no variable 'levle'/);
        writeFileSync(file, '');
        const empty = await here_tl('lint', 'release.yml');
        assert.equal(empty.status, 1);
        assert.doesNotMatch(empty.stdout, /buildspec/);
    });
});
