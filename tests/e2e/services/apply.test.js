// `trunkline apply` of a release.yml that uses all of CodePipeline: what it makes, what it says when
// something differs, and that the server keeps what was said.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { until } from '../lib/expect.js';
import { World, makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const release = (world, { mode = 'queued', window = 'window: {cron: "0 * 9-17 ? * MON-FRI", zone: Europe/London}', level = 'info', tags = '["v*"]', eyes = 'four-eyes: required' } = {}) => `
name: shop
mode: ${mode}
preflight: true
${eyes}
variables: {level: ${level}, ticket: }
source:
  repository: ${world.repository}
  tags: ${tags}
  ignore: ["docs/**"]
  pull-requests: [opened]
environments:
  development:
    variables: {LEVEL: "#{variables.level}"}
    on-failure: retry
  production:
    plan: true
    approval: {message: "Look at the graphs", timeout: 90}
    ${window}
    after: {alarms: [errors], wait: 5}
    on-failure: rollback
gate: {alarms: [errors]}
`;

test('apply', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { name: 'shop' });
    await makeRoles(server, { 'shop-development-build': 'codebuild', 'shop-production-build': 'codebuild' });
    const file = join(world.root, 'release.yml');
    const apply = async (options, ...args) => {
        writeFileSync(file, release(world, options));
        const done = await server.tl('apply', ...args, file);
        assert.equal(done.status, 0, done.stdout + done.stderr);
        return done.stdout;
    };
    const pipeline = async () => (await server.client(cp.CodePipelineClient).send(new cp.GetPipelineCommand({ name: 'shop' }))).pipeline;

    await t.test('makes what the file says', async () => {
        assert.match(await apply(), /pipeline +shop +new/);
        const made = await pipeline();
        assert.equal(made.executionMode, 'QUEUED');
        assert.deepEqual(made.variables, [{ name: 'level', defaultValue: 'info' }, { name: 'ticket' }]);
        assert.deepEqual(made.stages.map((s) => s.name), ['Source', 'Development', 'Production-Plan', 'Production-Approve', 'Production']);
        const [, development, plan, , production] = made.stages;
        assert.deepEqual(JSON.parse(development.actions[0].configuration.EnvironmentVariables), [{ name: 'LEVEL', value: '#{variables.level}', type: 'PLAINTEXT' }]);
        assert.equal(development.beforeEntry.conditions[0].rules[0].ruleTypeId.provider, 'Preflight');
        assert.deepEqual(development.onFailure, { result: 'RETRY', retryConfiguration: { retryMode: 'FAILED_ACTIONS' } });
        assert.deepEqual(JSON.parse(plan.actions[0].configuration.EnvironmentVariables), [{ name: 'PLAN', value: 'true', type: 'PLAINTEXT' }]);
        assert.deepEqual(production.actions[0].inputArtifacts, [{ name: 'source' }, { name: 'plan' }]);
        assert.deepEqual(production.beforeEntry.conditions[0].rules.map((r) => r.ruleTypeId.provider), ['CloudWatchAlarm', 'DeploymentWindow']);
        assert.equal(production.onSuccess.conditions[0].result, 'ROLLBACK');
        assert.deepEqual(made.triggers[0].gitConfiguration.pullRequest[0].events, ['OPEN']);
    });

    await t.test('has nothing to change a second time', async () => {
        assert.match(await apply(), /Nothing to change\./);
        assert.equal((await pipeline()).version, 1);
    });

    await t.test('shows what differs field by field', async () => {
        const text = await apply({ mode: 'superseded', window: '', level: 'debug', tags: '["v*", "hot-*"]' });
        assert.match(text, /pipeline +shop +changed/);
        assert.match(text, /~ executionMode: "QUEUED" -> "SUPERSEDED"/);
        assert.match(text, /~ variables\.level\.defaultValue: "info" -> "debug"/);
        assert.match(text, /- stages\.Production\.beforeEntry\.conditions\.1\.rules\.window: /);
        assert.match(text, /~ triggers\.1\.gitConfiguration\.push\.2\.tags\.includes: \["v\*"\] -> \["v\*","hot-\*"\]/);
        const made = await pipeline();
        assert.equal(made.version, 2);
        assert.equal(made.executionMode, 'SUPERSEDED');
        assert.equal(made.stages[4].beforeEntry.conditions[0].rules.length, 1);
        assert.match(await apply({ mode: 'superseded', window: '', level: 'debug', tags: '["v*", "hot-*"]' }), /Nothing to change\./);
    });

    await t.test('tags the pipeline for four eyes, and takes the tag away for nobody', async () => {
        const changed = { mode: 'superseded', window: '', level: 'debug', tags: '["v*", "hot-*"]' };
        const tag = async () => (await server.client(cp.CodePipelineClient).send(new cp.ListTagsForResourceCommand({ resourceArn: 'arn:aws:codepipeline:eu-west-2:111111111111:shop' })))
            .tags.find((one) => one.key === 'trunkline:four-eyes')?.value;
        assert.equal(await tag(), 'required');
        assert.match(await apply({ ...changed, eyes: 'four-eyes: required-by-session-name' }), /four eyes +required-by-session-name +changed/);
        assert.equal(await tag(), 'required-by-session-name');
        assert.match(await apply({ ...changed, eyes: '' }), /Nothing to change\./);
        assert.equal(await tag(), 'required-by-session-name');
    });

    await t.test('says where the file is wrong, and changes nothing', async () => {
        writeFileSync(file, release(world, { window: 'window: "0 0 25 ? * *"' }));
        const done = await server.tl('apply', file);
        assert.equal(done.status, 1);
        assert.match(done.stderr, /release\.yml:\d+:\d+: window needs a cron expression: the field hours/);
        assert.equal((await pipeline()).version, 2);
    });
});

test('apply asks a webhook again that has not confirmed', async (t) => {
    const server = await Server.start(t, { config: 'notify: [127.0.0.0/8]\n' });
    const world = await World.make(server);
    await makeRoles(server, { 'shop-pipeline': 'codepipeline', 'shop-development-build': 'codebuild' });
    const asked = [];
    const receiver = createServer((request, response) => {
        request.resume().on('end', () => response.end());
        asked.push(request.headers['x-amz-sns-message-type']);
    });
    await new Promise((done) => { receiver.listen(0, '127.0.0.1', done); });
    t.after(() => receiver.close());
    const file = join(server.dir, 'release.yml');
    writeFileSync(file, `name: shop\nsource: {repository: ${world.repository}}\nenvironments: {development: {}}\n`
        + `notify: [{webhook: "http://127.0.0.1:${receiver.address().port}/", on: [failed]}]\n`);
    const apply = async () => {
        const done = await server.tl('apply', '--yes', file);
        assert.equal(done.status, 0, done.stdout + done.stderr);
        return done.stdout;
    };
    await apply();
    await until('the first question', () => asked.length === 1);
    assert.match(await apply(), /webhook .* new .* is not confirmed yet, and asked again/);
    await until('the second question', () => asked.length === 2);
    assert.deepEqual(asked, ['SubscriptionConfirmation', 'SubscriptionConfirmation']);
});
