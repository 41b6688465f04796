// What ListPipelineExecutions finds by the stage that let a release through, page by page.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { refuses } from '../lib/expect.js';
import { World, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';

test('history', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const send = (Command, input) => world.pipelines.send(new Command(input));
    const through = [];

    await t.test('releases are found by the stage that they succeeded in, newest first', async () => {
        await world.pipeline([stages.source(world), stages.approval('One'), stages.approval('Two')]);
        for (const status of ['Approved', 'Rejected', 'Approved', 'Rejected', 'Approved']) {
            const id = through.length === 0 && status === 'Approved'
                ? await world.newest()
                : (await send(cp.StartPipelineExecutionCommand, { name: 'app' })).pipelineExecutionId;
            await world.answer(await world.waiting(id, 'One'), status, 'x', 'One');
            if (status === 'Approved') {
                await world.answer(await world.waiting(id, 'Two'), 'Rejected', 'x', 'Two');
                through.unshift(id);
            }
        }
        const found = async (stageName) => {
            const ids = [];
            let nextToken;
            do {
                const page = await send(cp.ListPipelineExecutionsCommand,
                    { pipelineName: 'app', maxResults: 1, filter: { succeededInStage: { stageName } }, nextToken });
                assert.ok(page.pipelineExecutionSummaries.length <= 1);
                ids.push(...page.pipelineExecutionSummaries.map((e) => e.pipelineExecutionId));
                nextToken = page.nextToken;
            } while (nextToken);
            return ids;
        };
        assert.deepEqual(await found('One'), through);
        assert.equal((await found('Source')).length, 5);
        assert.deepEqual(await found('Two'), []);
        assert.deepEqual(await found('NoSuchStage'), []);
    });

    await t.test('a token leads on in its own list, of its own pipeline', async () => {
        const other = { ...world.structure([stages.source(world), stages.approval('One')]), name: 'other' };
        await send(cp.CreatePipelineCommand, { pipeline: other });
        const page = { pipelineName: 'app', maxResults: 1 };
        const lists = [cp.ListPipelineExecutionsCommand, cp.ListActionExecutionsCommand];
        for (const [i, List] of lists.entries()) {
            const { nextToken } = await send(List, page);
            assert.ok((await send(List, { ...page, nextToken })).nextToken);
            await refuses(send(List, { ...page, pipelineName: 'other', nextToken }), 'InvalidNextTokenException');
            await refuses(send(lists[1 - i], { ...page, nextToken }), 'InvalidNextTokenException');
        }
    });

    await t.test('a rule that asks for a batch is refused, and not run as a single build', async () => {
        const gate = { ...stages.approval('Gate'), beforeEntry: { conditions: [{ result: 'FAIL', rules: [{
            name: 'built', ruleTypeId: { category: 'Rule', owner: 'AWS', provider: 'CodeBuild', version: '1' },
            configuration: { ProjectName: 'p', BatchEnabled: 'true' }, inputArtifacts: [{ name: 'Source' }],
        }] }] } };
        await refuses(send(cp.CreatePipelineCommand, { pipeline: { ...world.structure([stages.source(world), gate]), name: 'batch' } }),
            'InvalidStageDeclarationException', { message: /BatchEnabled of rules is not available here/ });
    });
});
