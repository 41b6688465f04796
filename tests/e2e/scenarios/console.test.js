// The console in a real browser: sign-in, the matrix, a live log, Approve. Screenshots of every page
// go to $TRUNKLINE_E2E_SHOTS when it is set.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { chromium } from 'playwright-core';
import * as iam from '@aws-sdk/client-iam';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
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

// The stages whose words are wider than their box, at a desk and on a phone.
async function inTheirBoxes(page) {
    const wide = [];
    for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        wide.push(...await page.locator('.stages li').evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)));
    }
    return wide;
}

const HOSTILE = `<script>document.title = "owned"</script>
</pre><script>document.title = "owned"</script>
\u001b]8;;javascript:document.title="owned"\u001b\\click here\u001b]8;;\u001b\\
`;

test('console', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files: { 'x.txt': HOSTILE } });
    const wait = (name) => `timeout 120 sh -c "until aws ssm get-parameter --name /go/${name} >/dev/null 2>&1; do sleep 0.2; done"`;
    const go = (Name) => server.client(SSMClient).send(new PutParameterCommand({ Name: `/go/${Name}`, Value: '1', Type: 'String' }));
    await world.project('app-build', buildspec(['cat x.txt', `echo line-one; ${wait('two')}; echo line-two; ${wait('three')}; echo line-three`]));
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

    const log = page.locator('[data-log]');
    const logHas = (line) => until(`the page's log has ${line}`, async () => (await log.textContent())?.split('\n').includes(line));
    const release = await context.newPage();
    release.setDefaultTimeout(60_000);
    // A page that is loaded anew forgets this.
    const mark = (tab) => tab.evaluate(() => { window.sameDocument = true; });
    const same = (tab) => tab.evaluate(() => window.sameDocument === true);

    await t.test('a build\'s log appears while it runs', async () => {
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        await release.goto(page.url());
        await mark(release);
        const build = page.locator('a[href*="/console/builds/"]').first();
        await build.waitFor();
        await page.goto(new URL(await build.getAttribute('href'), server.url).href);
        await mark(page);
        // The build waits for us at each line, so that a log that comes only at its end never shows one.
        await logHas('line-one');
        await page.locator('#now').getByText('BUILD', { exact: true }).waitFor();
        assert.equal(await page.locator('#now').getByText(/SUCCEEDED/).count(), 0);
        await go('two');
        await logHas('line-two');
        assert.ok(!(await log.textContent()).split('\n').includes('line-three'), 'the build did not wait');
        await go('three');
        await logHas('line-three');
        await page.locator('#now .status', { hasText: 'SUCCEEDED' }).first().waitFor();
        await page.locator('#now').getByText('POST_BUILD', { exact: true }).waitFor();
        assert.ok(await same(page), 'the page was loaded anew instead of being kept as it is');
        await logHas('</pre><script>document.title = "owned"</script>');
        assert.ok((await log.textContent()).includes('click here')); // a terminal's link (OSC 8), which is none here
        assert.notEqual(await page.title(), 'owned');
        assert.equal(await log.locator('*').count(), 0, 'hostile text became markup');
        const lines = (await log.textContent()).split('\n').filter((l) => /^line-/.test(l));
        assert.deepEqual(lines, ['line-one', 'line-two', 'line-three'], 'each line once, in order');
        await fits(page);
        await look(page, 'build');
    });

    await t.test('a release moves on under the eyes of who looks at it', async () => {
        await release.getByRole('button', { name: /approve/i }).waitFor();
        assert.ok(await same(release));
        await release.close();
    });

    await t.test('somebody clicks Approve, and the release goes on', async () => {
        await world.waiting(id);
        await page.goto(`${server.url}/console`);
        await page.getByText('waits for a person').first().waitFor();
        await fits(page);
        await look(page, 'home');
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        await page.getByText('Is <b>it</b> right?').first().waitFor();
        await page.getByText('Nothing has reached production yet.').waitFor();
        assert.match(await page.locator('.commits').textContent(), /^[0-9a-f]{8} .*Ada Lovelace, /);
        assert.deepEqual(await inTheirBoxes(page), []);
        await fits(page);
        await look(page, 'approval');
        await page.getByLabel('Why').fill('the log looks right');
        await page.getByRole('button', { name: 'Approve' }).click();
        await page.waitForLoadState();
        assert.equal(new URL(page.url()).pathname, `/console/pipelines/app/executions/${id}`, await page.textContent('main'));
        assert.equal(await world.ended(id), 'Succeeded');
        const approval = (await world.actions(id)).find((a) => a.actionName === 'Person');
        assert.match(approval.updatedBy, /^arn:aws:(iam|sts)::111111111111:/);
        assert.equal(approval.output.executionResult.externalExecutionSummary, 'the log looks right');
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        await page.getByText(/Succeeded/).first().waitFor();
        await look(page, 'released');
        await page.goto(`${server.url}/console/pipelines/app`);
        await fits(page);
        await look(page, 'pipeline');
    });

    await t.test('the audit names who signed in and approved, and that it was here', async () => {
        await page.goto(`${server.url}/console`);
        await page.getByRole('link', { name: 'Audit' }).click();
        await page.getByText('trunkline:SignIn').first().waitFor();
        await page.getByRole('row', { name: /trunkline:AnswerApproval.*\(console\).*Summary=the log looks right/ }).waitFor();
        await fits(page);
        await look(page, 'audit');
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
        await page.goto(`${server.url}/console/pipelines/app/executions/${pipelineExecutionId}`);
        const csrf = encodeURIComponent(await page.locator('form[action$="/answer"] input[name=csrf]').getAttribute('value'));
        const fields = `stage=Approve&action=Person&token=${token}&answer=Approved&summary=x`;
        for (const [what, headers, body] of [
            ['no token', { origin: server.url }, fields],
            ['a wrong token', { origin: server.url }, `${fields}&csrf=${csrf.slice(1)}0`],
            ['another origin', { origin: 'http://elsewhere.example.org' }, `${fields}&csrf=${csrf}`],
            ['an opaque origin', { origin: 'null' }, `${fields}&csrf=${csrf}`],
            ['no session', { origin: server.url, cookie: '' }, `${fields}&csrf=${csrf}`],
        ]) {
            const { status } = await post(headers, body);
            assert.ok([401, 403].includes(status), `${what}: ${status}`);
        }
        assert.equal(await world.waiting(pipelineExecutionId), token, 'nobody has answered');
    });

    await t.test('somebody clicks Reject, and the release ends', async () => {
        const refused = await world.newest(2);
        await page.goto(`${server.url}/console/pipelines/app/executions/${refused}`);
        await page.getByLabel('Why').fill('not on a Friday');
        await page.getByRole('button', { name: 'Reject' }).click();
        assert.equal(await world.ended(refused), 'Failed');
        await page.goto(`${server.url}/console/pipelines/app/executions/${refused}`);
        await page.getByText('not on a Friday').first().waitFor();
        await look(page, 'rejected');
        // Another release is in its stages now: how this one went is told by what ran.
        await page.goto(`${server.url}/console/pipelines/app/executions/${id}`);
        assert.deepEqual(await page.locator('.stages li').allTextContents().then((all) => all.map((one) => /Succeeded/.test(one))), [true, true, true, true]);
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
