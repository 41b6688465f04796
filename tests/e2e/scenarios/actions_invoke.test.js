// Invoke/CodePipeline and Invoke/Lambda.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { until } from '../lib/expect.js';
import { World, action, makeRoles, stages } from '../lib/release.js';
import { Server, run, temporary } from '../lib/server.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

test('a pipeline that starts another one', async (t) => {
    const server = await Server.start(t);
    const w = await World.make(server, { files: { 'a.txt': 'a\n' } });
    const first = await w.push('one', {});
    await w.push('two', {});
    const person = stages.approval();
    const target = w.structure([stages.source(w), { ...person, actions: [{ ...person.actions[0], configuration: { CustomData: '#{variables.WHAT}' } }] }], {
        name: 'target', variables: [{ name: 'WHAT', defaultValue: 'nothing' }],
    });
    await w.pipelines.send(new cp.CreatePipelineCommand({ pipeline: target }));
    const of = (pipelineName) => w.pipelines.send(new cp.ListPipelineExecutionsCommand({ pipelineName })).then((r) => r.pipelineExecutionSummaries);
    const invoke = (configuration, extra = {}) => ({ name: 'Start', actions: [{ ...action('Invoke', 'CodePipeline', configuration), name: 'Start', inputArtifacts: [], ...extra }] });
    const release = async (configuration, extra) => {
        await w.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: w.structure([stages.source(w), invoke(configuration, extra)]) }));
        return (await w.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    const external = (id) => until('the other pipeline is started', async () => (await w.actions(id)).find((a) => a.actionName === 'Start')?.output?.executionResult?.externalExecutionId);
    const token = (id) => until('the other pipeline waits', async () => {
        const { stageStates } = await w.pipelines.send(new cp.GetPipelineStateCommand({ name: 'target' }));
        const stage = stageStates.find((s) => s.stageName === 'Approve');
        return stage.latestExecution?.pipelineExecutionId === id && stage.actionStates[0].latestExecution?.token;
    });
    const answer = async (id, status) => w.pipelines.send(new cp.PutApprovalResultCommand(
        { pipelineName: 'target', stageName: 'Approve', actionName: 'Person', token: await token(id), result: { summary: 'x', status } }));
    const why = async () => (await w.stage('Start')).actionStates[0].latestExecution.errorDetails.message;
    await until('the first execution of the target waits', async () => (await of('target'))[0]?.pipelineExecutionId);
    await w.pipelines.send(new cp.StopPipelineExecutionCommand({ pipelineName: 'target', pipelineExecutionId: (await of('target'))[0].pipelineExecutionId, abandon: true }));
    await w.pipeline([stages.source(w), invoke({ PipelineName: 'nobody' })]);
    assert.equal(await w.ended(await w.newest(), 20_000), 'Failed');

    await t.test('hands on variables and revisions, and waits for its end, also when the server dies', async () => {
        const id = await release({ PipelineName: 'target', Variables: '[{"name":"WHAT","value":"#{SourceVariables.CommitMessage}"}]', SourceRevisions: `[{"actionName":"Trunk","revisionType":"COMMIT_ID","revisionValue":"${first}"}]` }, { namespace: 'Start' });
        const other = await external(id);
        const { pipelineExecution: e } = await w.pipelines.send(new cp.GetPipelineExecutionCommand({ pipelineName: 'target', pipelineExecutionId: other }));
        assert.equal(e.variables.find((v) => v.name === 'WHAT').resolvedValue, 'two');
        await token(other);
        const { pipelineExecution: f } = await w.pipelines.send(new cp.GetPipelineExecutionCommand({ pipelineName: 'target', pipelineExecutionId: other }));
        assert.equal(f.artifactRevisions[0].revisionId, first);
        const n = (await of('target')).length;
        await server.kill();
        await server.launch();
        await answer(other, 'Approved');
        assert.equal(await w.ended(id, 20_000), 'Succeeded');
        assert.equal((await of('target')).length, n, 'it was started once');
        assert.equal((await w.actions(id)).find((a) => a.actionName === 'Start').output.outputVariables.PipelineExecutionId, other);
    });
    await t.test('fails as the other one does', async () => {
        const id = await release({ PipelineName: 'target' });
        await answer(await external(id), 'Rejected');
        assert.equal(await w.ended(id, 20_000), 'Failed');
        assert.match(await why(), /of pipeline target ended as Failed/);
    });
    await t.test('abandoned, it abandons the other one first', async () => {
        const id = await release({ PipelineName: 'target' });
        const other = await external(id);
        await token(other);
        await w.pipelines.send(new cp.StopPipelineExecutionCommand({ pipelineName: 'app', pipelineExecutionId: id, abandon: true }));
        assert.equal(await w.ended(id, 20_000), 'Stopped');
        assert.equal((await of('target')).find((e) => e.pipelineExecutionId === other).status, 'Stopped');
    });
    for (const [name, configuration, message] of [
        ['a pipeline that is not there', { PipelineName: 'nobody' }, /pipeline nobody: .*nobody/],
        ['variables that are none', { PipelineName: 'target', Variables: '#{SourceVariables.CommitMessage}' }, /Variables is not a JSON array of objects with name and value/],
        ['revisions without a value', { PipelineName: 'target', SourceRevisions: '[{"actionName":"Trunk"}]' }, /SourceRevisions is not a JSON array/],
    ]) {
        await t.test(`fails with a reason: ${name}`, async () => {
            const id = await release(configuration);
            assert.equal(await w.ended(id, 20_000), 'Failed');
            assert.match(await why(), message);
        });
    }
});

test('a function of an account that runs none', async (t) => {
    const server = await Server.start(t);
    const w = await World.make(server);
    await makeRoles(server, { 'app-function': 'lambda' });
    const dir = temporary(t);
    writeFileSync(join(dir, 'index.py'), 'def handler(event, context):\n    pass\n');
    await run('python3', ['-m', 'zipfile', '-c', join(dir, 'f.zip'), join(dir, 'index.py')]);
    await server.client(LambdaClient).send(new CreateFunctionCommand({
        FunctionName: 'step', Role: 'arn:aws:iam::111111111111:role/app-function', Runtime: 'python3.12', Handler: 'index.handler', Code: { ZipFile: readFileSync(join(dir, 'f.zip')) },
    }));
    await w.pipeline([stages.source(w), { name: 'Call', actions: [{ ...action('Invoke', 'Lambda', { FunctionName: 'step', UserParameters: 'x' }), name: 'Call' }] }]);
    const id = await w.newest();
    assert.equal(await w.ended(id, 20_000), 'Failed');
    assert.match((await w.stage('Call')).actionStates[0].latestExecution.errorDetails.message, /function step: .*functions are not run here: Lambda is control plane only/);
});
