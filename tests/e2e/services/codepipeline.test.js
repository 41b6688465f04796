// Structures, transitions and errors; releases that run are in scenarios/.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { pages, refuses } from '../lib/expect.js';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const structure = (name, extra = {}) => ({
    name,
    roleArn: 'arn:aws:iam::111111111111:role/pipeline',
    pipelineType: 'V2',
    executionMode: 'SUPERSEDED',
    artifactStore: { type: 'S3', location: 'artifacts' },
    stages: [
        {
            name: 'Source',
            actions: [{
                name: 'Trunk', runOrder: 1, region: 'eu-west-2', namespace: 'SourceVariables',
                actionTypeId: { category: 'Source', owner: 'AWS', provider: 'CodeStarSourceConnection', version: '1' },
                configuration: {
                    ConnectionArn: 'arn:aws:codeconnections:eu-west-2:111111111111:connection/00000000-0000-0000-0000-000000000000',
                    FullRepositoryId: 'local/app', BranchName: 'main',
                },
                inputArtifacts: [], outputArtifacts: [{ name: 'Source' }],
            }],
        },
        {
            name: 'Approve',
            actions: [{
                name: 'Person', runOrder: 1, inputArtifacts: [], outputArtifacts: [], configuration: { CustomData: 'Look first' },
                actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
            }],
        },
    ],
    ...extra,
});

test('codepipeline', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const name = 'app';

    await t.test('a pipeline is kept as it was made', async () => {
        const made = await send(cp.CreatePipelineCommand, { pipeline: structure(name), tags: [{ key: 'a', value: 'b' }] });
        assert.equal(made.pipeline.version, 1);
        const got = await send(cp.GetPipelineCommand, { name });
        assert.deepEqual({ ...got.pipeline, version: undefined }, { ...structure(name), version: undefined });
        assert.equal(got.metadata.pipelineArn, 'arn:aws:codepipeline:eu-west-2:111111111111:app');
        await refuses(send(cp.CreatePipelineCommand, { pipeline: structure(name) }), 'PipelineNameInUseException', { status: 400 });
    });

    await t.test('creation starts the first execution', async () => {
        const { pipelineExecutionSummaries: all } = await send(cp.ListPipelineExecutionsCommand, { pipelineName: name });
        assert.equal(all.length, 1);
        assert.equal(all[0].trigger.triggerType, 'CreatePipeline');
        const got = await send(cp.GetPipelineExecutionCommand, { pipelineName: name, pipelineExecutionId: all[0].pipelineExecutionId });
        assert.equal(got.pipelineExecution.pipelineVersion, 1);
        await refuses(send(cp.GetPipelineExecutionCommand,
            { pipelineName: name, pipelineExecutionId: '00000000-0000-0000-0000-000000000000' }),
        'PipelineExecutionNotFoundException', { status: 400 });
    });

    await t.test('an update makes the next version', async () => {
        const pipeline = structure(name);
        pipeline.stages[1].actions[0].configuration.CustomData = 'Look twice';
        assert.equal((await send(cp.UpdatePipelineCommand, { pipeline })).pipeline.version, 2);
        const old = await send(cp.GetPipelineCommand, { name, version: 1 });
        assert.equal(old.pipeline.stages[1].actions[0].configuration.CustomData, 'Look first');
        await refuses(send(cp.GetPipelineCommand, { name, version: 9 }), 'PipelineVersionNotFoundException');
    });

    await t.test('a transition is closed with a reason, and opened', async () => {
        const transition = { pipelineName: name, stageName: 'Approve', transitionType: 'Inbound' };
        await send(cp.DisableStageTransitionCommand, { ...transition, reason: 'freeze' });
        const state = async () => (await send(cp.GetPipelineStateCommand, { name })).stageStates[1].inboundTransitionState;
        assert.equal((await state()).enabled, false);
        assert.equal((await state()).disabledReason, 'freeze');
        await send(cp.EnableStageTransitionCommand, transition);
        assert.equal((await state()).enabled, true);
        await refuses(send(cp.DisableStageTransitionCommand, { ...transition, stageName: 'None', reason: 'x' }),
            'StageNotFoundException', { status: 400 });
    });

    await t.test('structures that make no sense are refused with the reason', async () => {
        const bad = async (change, message) => {
            const pipeline = structure('bad');
            change(pipeline);
            await assert.rejects(send(cp.CreatePipelineCommand, { pipeline }), (error) => {
                assert.match(error.name, /^Invalid(Structure|StageDeclaration|ActionDeclaration)Exception$/);
                assert.match(error.message, message);
                return true;
            });
        };
        await bad((p) => { p.stages = p.stages.slice(0, 1); }, /stage/i);
        await bad((p) => { p.stages.reverse(); }, /source/i);
        await bad((p) => { p.stages[1].name = 'Source'; }, /Source/);
        await bad((p) => { p.stages[1].actions[0].inputArtifacts = [{ name: 'Nothing' }]; }, /Nothing|artifact/i);
        await bad((p) => { p.stages[1].actions[0].actionTypeId.provider = 'Unheard'; }, /Unheard/);
    });

    await t.test('tokens, tags, paging, deletion', async () => {
        await refuses(send(cp.PutApprovalResultCommand, {
            pipelineName: name, stageName: 'Approve', actionName: 'Person', token: '00000000-0000-0000-0000-000000000000',
            result: { summary: 'x', status: 'Approved' },
        }), 'InvalidApprovalTokenException', { status: 400 }).catch(() => refuses(send(cp.PutApprovalResultCommand, {
            pipelineName: name, stageName: 'Approve', actionName: 'Person', token: '00000000-0000-0000-0000-000000000000',
            result: { summary: 'x', status: 'Approved' },
        }), 'ApprovalAlreadyCompletedException', { status: 400 }));
        const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:app';
        assert.deepEqual((await send(cp.ListTagsForResourceCommand, { resourceArn })).tags, [{ key: 'a', value: 'b' }]);
        for (let i = 0; i < 4; i += 1) {
            await send(cp.CreatePipelineCommand, { pipeline: structure(`p${i}`) });
        }
        const { all } = await pages((nextToken) => send(cp.ListPipelinesCommand, { maxResults: 2, nextToken }),
            (page) => page.pipelines, (page) => page.nextToken);
        assert.deepEqual(all.map((p) => p.name), ['app', 'p0', 'p1', 'p2', 'p3']);
        await send(cp.DeletePipelineCommand, { name: 'p3' });
        await refuses(send(cp.GetPipelineCommand, { name: 'p3' }), 'PipelineNotFoundException', { status: 400 });
        await send(cp.DeletePipelineCommand, { name: 'p3' });
    });

    await t.test('what is not built says so', async () => {
        await refuses(send(cp.ListWebhooksCommand, {}), 'UnknownOperationException', { status: 400 });
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'codepipeline', 'get-pipeline', '--name', name,
            '--query', 'pipeline.version', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), '2');
    });
});
