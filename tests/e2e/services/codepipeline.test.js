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
        const defaults = structure(name, { version: 1, triggers: [], variables: [] });
        defaults.stages.forEach((stage) => { stage.blockers = []; });
        assert.deepEqual(got.pipeline, defaults);
        assert.deepEqual(made.pipeline, defaults);
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

    await t.test('constraints of the model are told by path, before anything else', async () => {
        const bad = (change, message, command = cp.CreatePipelineCommand) => {
            const pipeline = structure('bad');
            change(pipeline);
            return refuses(send(command, { pipeline }), 'ValidationException', { status: 400, message });
        };
        const action = (p) => p.stages[0].actions[0];
        await bad((p) => { p.name = 'a'.repeat(101); }, /at 'pipeline\.name' failed to satisfy constraint: Member must have length less than or equal to 100/);
        await bad((p) => { p.name = 'a b'; }, /Member must satisfy regular expression pattern: \[A-Za-z0-9\.@\\-_\]\+/);
        await bad((p) => { p.name = 'a\u0000'; }, /pattern/);
        await bad((p) => { p.roleArn = 'role'; }, /at 'pipeline\.roleArn'.*role\/\.\*/);
        await bad((p) => { p.executionMode = 'SLOW'; }, /enum value set: \[QUEUED, SUPERSEDED, PARALLEL\]|enum value set/);
        await bad((p) => { action(p).runOrder = 0; }, /runOrder.*greater than or equal to 1/);
        await bad((p) => { action(p).runOrder = 1000; }, /runOrder.*less than or equal to 999/);
        await bad((p) => { delete action(p).actionTypeId.owner; }, /owner' failed to satisfy constraint: Member must not be null/);
        await bad((p) => { action(p).actionTypeId.provider = 'a'.repeat(36); }, /provider.*35/);
        await bad((p) => { action(p).configuration.Big = 'x'.repeat(1001); }, /configuration\.Big.*1000|length less than or equal to 1000/);
        await bad((p) => { p.variables = Array.from({ length: 51 }, (x, i) => ({ name: `v${i}` })); }, /at 'pipeline\.variables'.*50/);
        await bad((p) => { p.stages[1].onFailure = { conditions: [{}, {}] }; }, /onFailure\.conditions.*less than or equal to 1/);
        await bad((p) => { p.stages[1].beforeEntry = { conditions: [{ result: 'FAIL', rules: [] }] }; }, /rules.*greater than or equal to 1/);
        await bad((p) => { p.name = ''; p.roleArn = ''; }, /^3 validation errors detected/, cp.UpdatePipelineCommand);
        for (const maxResults of [0, -1, 1e9]) {
            await refuses(send(cp.ListPipelinesCommand, { maxResults }), 'ValidationException', { message: /maxResults/ });
        }
    });

    await t.test('what only the whole structure shows is told by stage and action', async () => {
        const bad = (change, exception, message) => {
            const pipeline = structure('bad');
            change(pipeline);
            return refuses(send(cp.CreatePipelineCommand, { pipeline }), exception, { status: 400, message });
        };
        await bad((p) => { p.stages = [p.stages[0], ...Array.from({ length: 199 }, (x, i) => ({ ...p.stages[1], name: `s${i}` }))]; },
            'InvalidStructureException', /200 stages/);
        await bad((p) => { p.stages[0].actions.push({ ...p.stages[0].actions[0], name: 'Second', namespace: 'other' }); },
            'InvalidActionDeclarationException', /Source has been used more than once, by actions Trunk and Second/);
        await bad((p) => { p.stages[0].actions.push(p.stages[0].actions[0]); }, 'InvalidStageDeclarationException', /two actions named Trunk/);
        // An artifact that is made later, by whom it is needed, or by nobody.
        const needs = (name) => (p) => {
            const build = { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' };
            p.stages[1].actions = [
                { name: 'Early', actionTypeId: build, configuration: { ProjectName: 'a' }, inputArtifacts: [{ name }], outputArtifacts: [{ name: 'Early' }] },
                { name: 'Late', runOrder: 2, actionTypeId: build, configuration: { ProjectName: 'a' }, inputArtifacts: [{ name: 'Early' }],
                    outputArtifacts: [{ name: 'Late' }] },
            ];
        };
        for (const name of ['Late', 'Early', 'Nothing']) {
            await bad(needs(name), 'InvalidActionDeclarationException',
                new RegExp(`Input Artifact Bundle ${name} in action Early of stage Approve is not declared as Output Artifact Bundle`));
        }
        await bad((p) => { p.stages[1].actions[0].actionTypeId.provider = 'Unheard'; }, 'InvalidActionDeclarationException', /'Unheard'.* is not available/);
        await bad((p) => { p.roleArn = 'arn:aws:iam::222222222222:role/pipeline'; }, 'AccessDeniedException', /iam:PassRole/);
        await bad((p) => { p.stages[1].blockers = [{ name: 'b', type: 'Schedule' }]; }, 'InvalidBlockerDeclarationException', /Approve/);
        await bad((p) => { p.pipelineType = 'V1'; p.variables = [{ name: 'v' }]; }, 'InvalidStructureException', /can only be used with V2 pipelines/);
        await bad((p) => { p.stages[1].actions[0].configuration.CustomData = '#{Nothing.x}'; }, 'InvalidActionDeclarationException',
            /namespace that does not exist\. StageName=\[Approve\], ActionName=\[Person\]/);
        await bad((p) => { p.artifactStores = { 'eu-west-2': p.artifactStore }; }, 'InvalidStructureException', /both artifactStore and artifactStores/);
        const pipeline = structure('typed', { variables: [{ name: 'v' }] });
        delete pipeline.pipelineType;
        assert.equal((await send(cp.CreatePipelineCommand, { pipeline })).pipeline.pipelineType, 'V2');
        await send(cp.DeletePipelineCommand, { name: 'typed' });
    });

    await t.test('numbers and text that are none are refused', async () => {
        const middleware = (text) => {
            const other = server.client(cp.CodePipelineClient);
            other.middlewareStack.add((next) => (args) => {
                args.request.body = text;
                args.request.headers['content-length'] = String(Buffer.byteLength(text));
                return next(args);
            }, { step: 'build', priority: 'low' });
            return other.send(new cp.ListPipelinesCommand({}));
        };
        for (const text of ['{"maxResults":1e400}', '{"maxResults":9223372036854775808}', '{"maxResults":"1"}', '{"nextToken":"\\ud800"}', '[]', '{']) {
            await refuses(middleware(text), 'SerializationException', { status: 400 });
        }
        await refuses(middleware('{"maxResults":-0}'), 'ValidationException');
    });

    await t.test('action types and rule types are listed with what they are configured by', async () => {
        const { actionTypes, nextToken } = await send(cp.ListActionTypesCommand, { actionOwnerFilter: 'AWS' });
        assert.equal(nextToken, undefined);
        const build = actionTypes.find((a) => a.id.category === 'Build' && a.id.provider === 'CodeBuild');
        assert.deepEqual(build.inputArtifactDetails, { minimumCount: 1, maximumCount: 5 });
        assert.equal(build.actionConfigurationProperties.find((p) => p.name === 'ProjectName').required, true);
        assert.ok(actionTypes.every((a) => a.id.owner === 'AWS' && a.id.version === '1'));
        const others = await send(cp.ListActionTypesCommand, { actionOwnerFilter: 'ThirdParty' });
        const token = others.actionTypes.find((a) => a.id.provider === 'GitHub').actionConfigurationProperties.find((p) => p.name === 'OAuthToken');
        assert.equal(token.secret, true);
        const { ruleTypes } = await send(cp.ListRuleTypesCommand, { ruleOwnerFilter: 'AWS' });
        assert.deepEqual(ruleTypes.map((r) => r.id.provider).sort(),
            ['CloudWatchAlarm', 'CodeBuild', 'Commands', 'DeploymentWindow', 'LambdaInvoke', 'Preflight', 'VariableCheck']);
    });

    await t.test('tags have limits, and arns their owners', async () => {
        const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:app';
        const tag = (tags, arn = resourceArn) => send(cp.TagResourceCommand, { resourceArn: arn, tags });
        await refuses(tag([{ key: 'aws:x', value: '1' }]), 'InvalidTagsException', { message: /System tags start with 'aws:'/ });
        await refuses(tag([{ key: 'x', value: '1' }, { key: 'x', value: '2' }]), 'InvalidTagsException');
        await refuses(tag([{ key: 'k'.repeat(129), value: '1' }]), 'ValidationException');
        await refuses(tag([{ key: 'k', value: 'v'.repeat(257) }]), 'ValidationException');
        await tag(Array.from({ length: 49 }, (x, i) => ({ key: `k${i}`, value: '' })));
        await refuses(tag([{ key: 'one-too-many', value: '' }]), 'TooManyTagsException', { message: /Tag limit exceeded for resource/ });
        await refuses(send(cp.UntagResourceCommand, { resourceArn, tagKeys: ['aws:x'] }), 'InvalidTagsException');
        const { all, count } = await pages((nextToken) => send(cp.ListTagsForResourceCommand, { resourceArn, maxResults: 20, nextToken }),
            (page) => page.tags, (page) => page.nextToken);
        assert.equal(all.length, 50);
        assert.equal(count, 3);
        await send(cp.UntagResourceCommand, { resourceArn, tagKeys: Array.from({ length: 49 }, (x, i) => `k${i}`) });
        await refuses(tag([], 'arn:aws:codepipeline:eu-west-2:111111111111:none'), 'ResourceNotFoundException');
        await refuses(tag([], 'arn:aws:sns:eu-west-2:111111111111:app'), 'ValidationException');
        await refuses(tag([], 'arn:aws:codepipeline:us-east-1:111111111111:app'), 'ResourceNotFoundException');
    });

    await t.test('tokens, tags, paging, deletion', async () => {
        await refuses(send(cp.PutApprovalResultCommand, {
            pipelineName: name, stageName: 'Approve', actionName: 'Person', token: '00000000-0000-0000-0000-000000000000',
            result: { summary: 'x', status: 'Approved' },
        }), 'InvalidApprovalTokenException', { status: 400 });
        const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:app';
        assert.deepEqual((await send(cp.ListTagsForResourceCommand, { resourceArn })).tags, [{ key: 'a', value: 'b' }]);
        for (let i = 0; i < 4; i += 1) {
            await send(cp.CreatePipelineCommand, { pipeline: structure(`p${i}`) });
        }
        const { all } = await pages((nextToken) => send(cp.ListPipelinesCommand, { maxResults: 2, nextToken }),
            (page) => page.pipelines, (page) => page.nextToken);
        assert.deepEqual(all.map((p) => p.name), ['app', 'p0', 'p1', 'p2', 'p3']);
        const { nextToken } = await send(cp.ListPipelinesCommand, { maxResults: 2 });
        await refuses(server.client(cp.CodePipelineClient, 'development').send(new cp.ListPipelinesCommand({ nextToken })), 'InvalidNextTokenException');
        await refuses(send(cp.ListActionTypesCommand, { nextToken }), 'InvalidNextTokenException');
        await refuses(send(cp.ListPipelinesCommand, { nextToken: 'p1' }), 'InvalidNextTokenException');
        await send(cp.DeletePipelineCommand, { name: 'p3' });
        await refuses(send(cp.GetPipelineCommand, { name: 'p3' }), 'PipelineNotFoundException', { status: 400 });
        await send(cp.DeletePipelineCommand, { name: 'p3' });
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'codepipeline', 'get-pipeline', '--name', name,
            '--query', 'pipeline.version', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), '2');
    });
});

test('an account has a thousand pipelines in a region', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const make = (name) => client.send(new cp.CreatePipelineCommand({ pipeline: structure(name) }));
    for (let i = 0; i < 1000; i += 10) {
        await Promise.all(Array.from({ length: 10 }, (x, k) => make(`p${i + k}`)));
    }
    await refuses(make('one-more'), 'LimitExceededException', { status: 400, message: /1000 pipelines/ });
    await client.send(new cp.DeletePipelineCommand({ name: 'p7' }));
    await make('one-more');
});
