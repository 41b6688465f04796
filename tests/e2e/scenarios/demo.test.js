// `trunkline demo </dev/null`, without any network; then what happened, read by the real command line.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { demo, inOrder, tellsAll } from '../lib/demo.js';
import { until } from '../lib/expect.js';
import { Server, run } from '../lib/server.js';
import { find, without, withoutBuilds, withoutTerraform } from '../lib/tools.js';

const needs = withoutBuilds() || without('aws') || without('jq') || without('git') || without('zip');

// A network of its own with nothing but loopback. The mounts stay the machine's.
async function alone() {
    const words = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
    const tried = find('unshare') && find('ip') && await run(words[0], [...words.slice(1), 'true']);
    return tried && tried.status === 0 ? words : null;
}

test('the demo, without any network', { skip: needs }, async (t) => {
    const before = await alone();
    if (!before) {
        t.skip('no network namespace can be made here (unshare --net, ip link)');
        return;
    }
    const ran = await demo(t, { before });
    await t.test('tells all of it, and ends what it started', () => {
        tellsAll(ran);
        if (!withoutTerraform()) {
            inOrder(ran.text, [/Development +PRE_BUILD succeeded/, /Development +\$ scripts\/terraform_apply\.sh/,
                /Development +BUILD succeeded/]);
        }
    });

    // As a person does it afterwards: a server on the demo's data, and the aws command line.
    const server = await Server.start(t, { dir: ran.data });
    const json = async (account, ...words) => {
        const done = await server.aws(account, ...words, '--output', 'json');
        assert.equal(done.status, 0, `aws ${words.join(' ')}: ${done.stderr}`);
        return JSON.parse(done.stdout);
    };
    const pipeline = ['--pipeline-name', 'logging-platform'];

    await t.test('env prints what a shell needs', async () => {
        const done = await run('sh', ['-c', `eval "$("$0" env shared-services --data "$1")"
            exec aws --endpoint-url "$AWS_ENDPOINT_URL" sts get-caller-identity --query Account --output text`,
        process.env.TRUNKLINE ?? 'trunkline', ran.data], { env: { AWS_PAGER: '' } });
        assert.equal(done.stdout.trim(), '111111111111', done.stderr);
    });

    await t.test('sts get-caller-identity', async () => {
        for (const [account, id] of [['shared-services', '111111111111'], ['production', '444444444444']]) {
            const who = await json(account, 'sts', 'get-caller-identity');
            assert.equal(who.Account, id);
            assert.equal(who.Arn, `arn:aws:iam::${id}:root`);
        }
    });

    await t.test('codepipeline get-pipeline-state', async () => {
        const { stageStates } = await json('shared-services', 'codepipeline', 'get-pipeline-state', '--name', 'logging-platform');
        assert.deepEqual(stageStates.map((s) => [s.stageName, s.latestExecution.status]), [
            ['Source', 'Succeeded'], ['Test', 'Succeeded'], ['Development', 'Succeeded'], ['Pre_Production', 'Succeeded'],
            ['Production-Approve', 'Failed'], ['Production', 'Succeeded']]);
    });

    const { actionExecutionDetails: actions } = await json('shared-services', 'codepipeline', 'list-action-executions', ...pipeline);
    await t.test('codepipeline list-action-executions', () => {
        // The second commit's four, then the first one's six, the newest first.
        assert.deepEqual(actions.map((a) => `${a.stageName} ${a.status}`), [
            'Pre_Production Succeeded', 'Development Succeeded', 'Test Succeeded', 'Source Succeeded',
            'Production Succeeded', 'Production-Approve Succeeded', 'Pre_Production Succeeded', 'Development Succeeded',
            'Test Succeeded', 'Source Succeeded']);
        const approval = actions.find((a) => a.stageName === 'Production-Approve');
        assert.equal(approval.updatedBy, 'arn:aws:sts::111111111111:assumed-role/approver/demo-approver');
    });

    await t.test('codebuild batch-get-builds and logs filter-log-events', async () => {
        const production = actions.find((a) => a.stageName === 'Production');
        const id = production.output.executionResult.externalExecutionId;
        const { builds, buildsNotFound } = await json('shared-services', 'codebuild', 'batch-get-builds', '--ids', id, 'logging-platform-production:none');
        assert.deepEqual(buildsNotFound, ['logging-platform-production:none']);
        const [build] = builds;
        assert.equal(build.buildStatus, 'SUCCEEDED');
        assert.equal(build.initiator, 'codepipeline/logging-platform');
        for (const phase of build.phases.filter((p) => p.phaseType !== 'COMPLETED')) {
            assert.equal(phase.phaseStatus, 'SUCCEEDED', phase.phaseType);
        }
        assert.match(build.exportedEnvironmentVariables.find((v) => v.name === 'PLAN_SUMMARY').value, /^\d+ to add/);
        const { events } = await json('shared-services', 'logs', 'filter-log-events', '--log-group-name', build.logs.groupName,
            '--log-stream-names', build.logs.streamName, '--filter-pattern', '"Running command"');
        const commands = events.map((e) => e.message.split(' Running command ')[1].trim());
        assert.ok(commands.includes('scripts/smoke.sh'), `${commands}`);
        assert.equal(new Set(commands).size, commands.length, 'each command ran once');
    });

    await t.test('ssm get-parameters-by-path', async () => {
        const { Parameters } = await json('production', 'ssm', 'get-parameters-by-path', '--path', '/logging-platform/production', '--recursive');
        const release = JSON.parse(Parameters.find((p) => p.Name.endsWith('/release')).Value);
        const source = actions.filter((a) => a.stageName === 'Source')[1];
        assert.equal(release.commit, source.output.outputVariables.CommitId);
    });

    await t.test('the unchanged buildspec in a plan stage fails there, and deploys nothing', { skip: withoutTerraform() }, async (t2) => {
        const pipelines = server.client(cp.CodePipelineClient);
        const name = 'logging-platform';
        const { pipeline } = await pipelines.send(new cp.GetPipelineCommand({ name }));
        const test1 = pipeline.stages.findIndex((s) => s.name === 'Test');
        const production = pipeline.stages.find((s) => s.name === 'Production').actions[0];
        pipeline.stages.splice(test1 + 1, 0, { name: 'Production-Plan', actions: [{
            ...production, name: 'Plan', namespace: undefined,
            configuration: { ...production.configuration, EnvironmentVariables: JSON.stringify([{ name: 'PLAN', value: 'true', type: 'PLAINTEXT' }]) },
        }] });
        await pipelines.send(new cp.UpdatePipelineCommand({ pipeline }));
        const { pipelineExecutionId } = await pipelines.send(new cp.StartPipelineExecutionCommand({ name }));
        const status = await until('the plan stage has decided', async () => {
            const { pipelineExecution: e } = await pipelines.send(new cp.GetPipelineExecutionCommand({ pipelineName: name, pipelineExecutionId }));
            return e.status === 'InProgress' ? null : e.status;
        }, { timeout_ms: 240_000 });
        assert.equal(status, 'Failed');
        const { actionExecutionDetails: found } = await pipelines.send(new cp.ListActionExecutionsCommand(
            { pipelineName: name, filter: { pipelineExecutionId } }));
        const plan = found.find((a) => a.stageName === 'Production-Plan');
        assert.equal(plan.status, 'Failed');
        assert.match(plan.output.executionResult.externalExecutionSummary,
            /scripts\/\w+\.sh\. Reason: exit status \d+\. This is a plan stage \(PLAN=true\): (terraform apply is denied|AWS calls that write)/);
        assert.ok(!found.some((a) => a.stageName === 'Production'), 'production was not entered');
        const { stdout } = await server.tl('logs', pipelineExecutionId);
        t2.diagnostic(stdout.split('\n').filter((l) => /plan stage|Plan:|No changes/.test(l)).join(' | ').slice(0, 600));
    });
});
