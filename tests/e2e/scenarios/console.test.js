// The console in a real browser: sign-in, the matrix, a live log, Approve. Screenshots of every page
// go to $TRUNKLINE_E2E_SHOTS when it is set.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { chromium } from 'playwright-core';
import * as iam from '@aws-sdk/client-iam';
import { World, buildspec, stages } from '../lib/release.js';
import { Server, atEnd } from '../lib/server.js';
import { find, withoutBuilds } from '../lib/tools.js';

const browserPath = find('chromium') ?? find('google-chrome');
const skip = (browserPath ? false : 'chromium is not installed') || withoutBuilds();
const shots = process.env.TRUNKLINE_E2E_SHOTS;

async function look(page, name) {
    if (!shots) {
        return;
    }
    mkdirSync(shots, { recursive: true });
    for (const [kind, scheme, size] of [
        ['light', 'light', { width: 1280, height: 800 }], ['dark', 'dark', { width: 1280, height: 800 }],
        ['phone', 'light', { width: 390, height: 844 }],
    ]) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize(size);
        await page.screenshot({ path: join(shots, `${name}-${kind}.png`), fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
}

// Nothing on the page is wider than the screen of a phone.
async function fits(page) {
    await page.setViewportSize({ width: 390, height: 844 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.setViewportSize({ width: 1280, height: 800 });
    assert.ok(wide <= 0, `${await page.title()} is ${wide} px too wide for a phone`);
}

test('console', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files: { 'x.txt': '<script>document.title = "owned"</script>\n' } });
    await world.project('app-build', buildspec(['cat x.txt', 'echo line-one; sleep 2; echo line-two; sleep 2; echo line-three']));
    await world.project('app-deploy', buildspec(['echo deployed']));
    await world.pipeline([
        stages.source(world), stages.build('Build', 'app-build'), stages.approval('Approve', { CustomData: 'Is <b>it</b> right?' }),
        stages.build('Deploy', 'app-deploy'),
    ]);
    const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
    atEnd(t, () => browser.close());
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => { if (message.type() === 'error') { problems.push(message.text()); } });
    const id = await world.newest();

    await t.test('nobody is signed in without the link', async () => {
        const answer = await page.goto(`${server.url}/console`);
        assert.ok([401, 403].includes(answer.status()), `${answer.status()}`);
        assert.doesNotMatch(await page.content(), /app-build/);
        problems.length = 0;
    });

    const link = (await server.tl('console')).stdout.match(/http:\S+/)?.[0];
    await t.test('the link signs in, once', async () => {
        assert.ok(link);
        await page.goto(link);
        if (await page.locator('form button').count()) {
            const title = await page.title();
            if (/sign in/i.test(title)) {
                await page.locator('form button').first().click();
            }
        }
        await page.goto(`${server.url}/console`);
        assert.match(await page.content(), /\bapp\b/);
        const other = await (await browser.newContext()).newPage();
        await other.goto(link);
        const answer = await other.goto(`${server.url}/console`);
        assert.ok([401, 403].includes(answer.status()), 'the link worked twice');
    });

    await t.test('a build\'s log appears while it runs', async () => {
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        const build = page.locator('a[href*="/console/builds/"]').first();
        await build.waitFor();
        await page.goto(new URL(await build.getAttribute('href'), server.url).href);
        await page.getByText('line-one').first().waitFor();
        assert.equal(await page.getByText('line-three', { exact: true }).count(), 0, 'the log came only at the end');
        await page.getByText('line-three', { exact: true }).first().waitFor();
        await page.getByText(/SUCCEEDED|Succeeded/).first().waitFor();
        assert.match(await page.title(), /./);
        assert.notEqual(await page.title(), 'owned');
        assert.ok(await page.getByText('<script>document.title').count(), 'hostile text is shown as text');
        await fits(page);
        await look(page, 'build');
    });

    await t.test('somebody clicks Approve, and the release goes on', async () => {
        await world.waiting(id);
        await page.goto(`${server.url}/console`);
        await fits(page);
        await look(page, 'home');
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        await page.getByText('Is <b>it</b> right?').first().waitFor();
        await fits(page);
        await look(page, 'approval');
        await page.getByRole('button', { name: /approve/i }).first().click();
        assert.equal(await world.ended(id), 'Succeeded');
        const approval = (await world.actions(id)).find((a) => a.actionName === 'Person');
        assert.match(approval.updatedBy, /^arn:aws:(iam|sts)::111111111111:/);
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        await page.getByText(/Succeeded/).first().waitFor();
        await look(page, 'released');
        await page.goto(`${server.url}/console/pipelines/app`);
        await fits(page);
        await look(page, 'pipeline');
    });

    await t.test('a form from elsewhere and one without its token are refused', async () => {
        const { pipelineExecutionId } = await world.pipelines.send(new (await import('@aws-sdk/client-codepipeline')).StartPipelineExecutionCommand({ name: 'app' }));
        const token = await world.waiting(pipelineExecutionId);
        const cookies = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
        assert.ok((await context.cookies()).every((c) => c.httpOnly && c.sameSite !== 'None'));
        const url = `${server.url}/console/pipelines/app/executions/${pipelineExecutionId}/answer`;
        const post = (headers, body) => fetch(url, {
            method: 'POST', redirect: 'manual', body,
            headers: { cookie: cookies, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        });
        const fields = `stage=Approve&action=Person&token=${token}&status=Approved&summary=x`;
        assert.equal((await post({ origin: server.url }, fields)).status, 403);
        await page.goto(`${server.url}/console/pipelines/app/executions/${pipelineExecutionId}`);
        const csrf = await page.locator('input[name*="csrf"], input[name="token_csrf"], input[type=hidden]').first();
        const name = await csrf.getAttribute('name');
        const value = await csrf.getAttribute('value');
        assert.equal((await post({ origin: 'http://elsewhere.example.org' }, `${fields}&${name}=${encodeURIComponent(value)}`)).status, 403);
        await world.waiting(pipelineExecutionId);
        await world.answer(token, 'Rejected');
    });

    await t.test('every page keeps to its policy and threw no error', async () => {
        const answer = await page.goto(`${server.url}/console`);
        const policy = answer.headers()['content-security-policy'];
        assert.ok(policy && !policy.includes('unsafe-inline'), policy);
        assert.equal(answer.headers()['x-content-type-options'], 'nosniff');
        assert.deepEqual(problems, []);
    });

    await t.test('a person without the right sees no more than that, and cannot approve', async () => {
        const client = server.client(iam.IAMClient);
        await client.send(new iam.CreateUserCommand({ UserName: 'guest' }));
        const { AccessKey: key } = await client.send(new iam.CreateAccessKeyCommand({ UserName: 'guest' }));
        const { PROGRAM, run } = await import('../lib/server.js');
        const done = await run(PROGRAM, ['console', '--url', server.url], {
            env: { ...server.env(), AWS_ACCESS_KEY_ID: key.AccessKeyId, AWS_SECRET_ACCESS_KEY: key.SecretAccessKey },
        });
        if (done.status !== 0) {
            assert.match(done.stderr, /AccessDenied|not authorized/);
            return;
        }
        const guest = await (await browser.newContext()).newPage();
        await guest.goto(done.stdout.match(/http:\S+/)[0]);
        await guest.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        assert.doesNotMatch(await guest.content(), /app-build/);
    });
});
