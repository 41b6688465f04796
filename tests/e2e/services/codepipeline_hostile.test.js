// What is made to hurt CodePipeline's API: tests/hostile.md, 29-31 and 68-71.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { pages, refuses, until } from '../lib/expect.js';
import { makeRoles, stages, World } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { without } from '../lib/tools.js';

const nobody = '00000000-0000-0000-0000-000000000000';
const typed = (category, provider) => ({ category, owner: 'AWS', provider, version: '1' });
const structure = (name) => ({
    name,
    roleArn: 'arn:aws:iam::111111111111:role/pipeline',
    pipelineType: 'V2',
    artifactStore: { type: 'S3', location: 'artifacts' },
    variables: [{ name: 'v', defaultValue: 'x', description: 'x' }],
    stages: [
        { name: 'Source', actions: [{
            name: 'Object', runOrder: 1, actionTypeId: typed('Source', 'S3'), outputArtifacts: [{ name: 's' }],
            configuration: { S3Bucket: 'source', S3ObjectKey: 'k', PollForSourceChanges: 'false' } }] },
        { name: 'Approve', actions: [
            { name: 'Person', runOrder: 1, actionTypeId: typed('Approval', 'Manual'), timeoutInMinutes: 60, configuration: { CustomData: 'x' } },
            { name: 'Shell', runOrder: 2, actionTypeId: typed('Compute', 'Commands'), commands: ['true'], inputArtifacts: [{ name: 's' }],
                outputArtifacts: [{ name: 'o', files: ['f'] }], outputVariables: ['V'],
                environmentVariables: [{ name: 'E', value: 'v' }] },
        ] },
    ],
});

// Sends an operation whose body is `text`, whatever it is: what no SDK would write.
function raw(server, Command, input, text) {
    const client = server.client(cp.CodePipelineClient);
    client.middlewareStack.add((next) => (args) => {
        args.request.body = text;
        args.request.headers['content-length'] = String(Buffer.byteLength(text));
        return next(args);
    }, { step: 'build', priority: 'low' });
    return client.send(new Command(input));
}

test('text that is none', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const name = 'app';
    const resourceArn = `arn:aws:codepipeline:eu-west-2:111111111111:${name}`;
    await send(cp.CreatePipelineCommand, { pipeline: structure(name), tags: [{ key: 'a', value: 'b' }] });

    // Everything that this account has: the same text before and after means that nothing was stored.
    const everything = async () => JSON.stringify([
        await send(cp.GetPipelineCommand, { name }),
        (await send(cp.ListPipelinesCommand, {})).pipelines,
        (await send(cp.ListPipelineExecutionsCommand, { pipelineName: name })).pipelineExecutionSummaries.map((e) => e.pipelineExecutionId),
        (await send(cp.GetPipelineStateCommand, { name })).stageStates.map((s) => s.inboundTransitionState),
        (await send(cp.ListTagsForResourceCommand, { resourceArn })).tags,
        (await send(cp.ListActionTypesCommand, { actionOwnerFilter: 'Custom' })).actionTypes,
        (await send(cp.ListWebhooksCommand, {})).webhooks,
    ], (key, value) => (key === '$metadata' ? undefined : value));

    const inStructure = (change) => {
        const pipeline = structure(name);
        change(pipeline, 'a@@b');
        return [cp.UpdatePipelineCommand, { pipeline }];
    };
    const [person, shell] = [(p) => p.stages[1].actions[0], (p) => p.stages[1].actions[1]];
    const id = { pipelineName: name, stageName: 'Approve' };
    const text = 'a@@b';
    const type = (extra) => [cp.CreateCustomActionTypeCommand, {
        category: 'Build', provider: 'Mill', version: '1', inputArtifactDetails: { minimumCount: 0, maximumCount: 1 },
        outputArtifactDetails: { minimumCount: 0, maximumCount: 1 }, ...extra,
    }];
    const job = (failure) => [cp.PutJobFailureResultCommand, { jobId: nobody, failureDetails: { type: 'JobFailed', message: 'm', ...failure } }];
    // Every member that is free text: that no pattern narrows to letters.
    const members = {
        'a variable\'s default': inStructure((p, s) => { p.variables[0].defaultValue = s; }),
        'a variable\'s description': inStructure((p, s) => { p.variables[0].description = s; }),
        'an encryption key': inStructure((p, s) => { p.artifactStore.encryptionKey = { id: s, type: 'KMS' }; }),
        'a value of a configuration': inStructure((p, s) => { person(p).configuration.CustomData = s; }),
        'a key of a configuration': inStructure((p, s) => { shell(p).configuration = { [s]: 'x' }; }),
        'a command': inStructure((p, s) => { shell(p).commands = [s]; }),
        'a file': inStructure((p, s) => { shell(p).outputArtifacts[0].files = [s]; }),
        'an output variable': inStructure((p, s) => { shell(p).outputVariables = [s]; }),
        'the value of an environment variable': inStructure((p, s) => { shell(p).environmentVariables[0].value = s; }),
        'a role': inStructure((p, s) => { shell(p).roleArn = `arn:aws:iam::111111111111:role/${s}`; }),
        'a region': inStructure((p, s) => { shell(p).region = s; }),
        'a value of a rule': inStructure((p, s) => {
            p.stages[1].beforeEntry = { conditions: [{ result: 'FAIL', rules: [{
                name: 'r', ruleTypeId: typed('Rule', 'CloudWatchAlarm'), configuration: { AlarmName: s } }] }] };
        }),
        'a blocker': inStructure((p, s) => { p.stages[1].blockers = [{ name: s, type: 'Schedule' }]; }),
        'a branch': inStructure((p, s) => {
            p.triggers = [{ providerType: 'CodeStarSourceConnection', gitConfiguration: { sourceActionName: 'Object',
                push: [{ branches: { includes: [s] } }] } }];
        }),
        'the value of a start': [cp.StartPipelineExecutionCommand, { name, variables: [{ name: 'v', value: text }] }],
        'a revision of a start': [cp.StartPipelineExecutionCommand, { name, sourceRevisions: [
            { actionName: 'Object', revisionType: 'S3_OBJECT_VERSION_ID', revisionValue: text }] }],
        'a reason to stop': [cp.StopPipelineExecutionCommand, { pipelineName: name, pipelineExecutionId: nobody, reason: text }],
        'a reason to close': [cp.DisableStageTransitionCommand, { ...id, transitionType: 'Inbound', reason: text }],
        'a summary': [cp.PutApprovalResultCommand, { ...id, actionName: 'Person', token: nobody, result: { summary: text, status: 'Approved' } }],
        'a revision': [cp.PutActionRevisionCommand, { pipelineName: name, stageName: 'Source', actionName: 'Object',
            actionRevision: { revisionId: text, revisionChangeId: 'c', created: 1 } }],
        'a tag\'s key': [cp.TagResourceCommand, { resourceArn, tags: [{ key: text, value: 'v' }] }],
        'a tag\'s value': [cp.TagResourceCommand, { resourceArn, tags: [{ key: 'k', value: text }] }],
        'a tag to remove': [cp.UntagResourceCommand, { resourceArn, tagKeys: [text] }],
        'a property': type({ configurationProperties: [{ name: text, required: false, key: false, secret: false }] }),
        'a property\'s description': type({ configurationProperties: [{ name: 'P', required: false, key: false, secret: false, description: text }] }),
        'a template': type({ settings: { entityUrlTemplate: `https://${text}` } }),
        'a failure': job({ message: text }),
        'an external id': job({ externalExecutionId: text }),
        'a filter of a webhook': [cp.PutWebhookCommand, { webhook: { name: 'w', targetPipeline: name, targetAction: 'Object',
            filters: [{ jsonPath: '$.x', matchEquals: text }], authentication: 'UNAUTHENTICATED', authenticationConfiguration: {} } }],
        'a secret of a webhook': [cp.PutWebhookCommand, { webhook: { name: 'w', targetPipeline: name, targetAction: 'Object',
            filters: [{ jsonPath: '$.x' }], authentication: 'GITHUB_HMAC', authenticationConfiguration: { SecretToken: text } } }],
        'a page\'s token': [cp.ListPipelinesCommand, { nextToken: text }],
    };
    const written = (input, what) => JSON.stringify(input).replaceAll('@@', what);

    await t.test('half of a surrogate pair is refused before anything is read of it', async () => {
        const before = await everything();
        for (const half of ['\\ud800', '\\udc00', '\\udc00\\ud800']) {
            for (const [what, [Command, input]] of Object.entries(members)) {
                await refuses(raw(server, Command, input, written(input, half)), 'SerializationException', { status: 400 })
                    .catch((error) => assert.fail(`${what}, ${half}: ${error.message}`));
            }
        }
        assert.equal(await everything(), before);
    });

    await t.test('so is U+0000, by the member that has it', async () => {
        const before = await everything();
        for (const [what, [Command, input]] of Object.entries(members)) {
            // A key of an object is refused with the text around it.
            const [exception, message] = what === 'a key of a configuration' ? ['SerializationException', /NUL/]
                : ['ValidationException', /Member must (not contain the character U\+0000|satisfy regular expression)/];
            await refuses(raw(server, Command, input, written(input, '\\u0000')), exception, { status: 400, message })
                .catch((error) => assert.fail(`${what}: ${error.message}`));
        }
        assert.equal(await everything(), before);
    });

    await t.test('a whole pair, and every other control character, is text', async () => {
        for (const good of ['\\ud83d\\ude00', '\\u0001\\u001b[31m\\u007f', '\\u2028']) {
            const [Command, input] = members['a tag\'s value'];
            await raw(server, Command, input, written(input, good));
            const { tags } = await send(cp.ListTagsForResourceCommand, { resourceArn });
            assert.equal(tags.find((x) => x.key === 'k').value, JSON.parse(`"a${good}b"`));
        }
    });

    await t.test('numbers that are none, and those that are too large', async () => {
        const before = await everything();
        const numbers = {
            runOrder: (n) => [cp.UpdatePipelineCommand, `{"pipeline":${JSON.stringify(structure(name)).replace('"runOrder":1', `"runOrder":${n}`)}}`],
            timeoutInMinutes: (n) => [cp.UpdatePipelineCommand,
                `{"pipeline":${JSON.stringify(structure(name)).replace('"timeoutInMinutes":60', `"timeoutInMinutes":${n}`)}}`],
            version: (n) => [cp.GetPipelineCommand, `{"name":"${name}","version":${n}}`],
            maxResults: (n) => [cp.ListPipelinesCommand, `{"maxResults":${n}}`],
        };
        for (const [what, body] of Object.entries(numbers)) {
            const says = async (n, exception) => {
                const [Command, words] = body(n);
                assert.ok(words.includes(`"${what}":${n}`));
                await refuses(raw(server, Command, {}, words), exception, { status: 400 })
                    .catch((error) => assert.fail(`${what} ${n}: ${error.message}`));
            };
            for (const n of ['1e400', '-1e400', '9223372036854775808', '-9223372036854775809', '"1"', '1.5', 'true', '[]']) {
                await says(n, 'SerializationException');
            }
            for (const n of ['-0', '0', '-1']) {
                await says(n, 'ValidationException');
            }
        }
        assert.equal(await everything(), before);
    });
});

test('pages', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const other = server.client(cp.CodePipelineClient, 'development');
    for (let i = 0; i < 3; i += 1) {
        await send(cp.CreatePipelineCommand, { pipeline: structure(`p${i}`), tags: [{ key: 'a', value: '1' }, { key: 'b', value: '2' }] });
        await send(cp.PutWebhookCommand, { webhook: { name: `w${i}`, targetPipeline: 'p0', targetAction: 'Object',
            filters: [{ jsonPath: '$.x' }], authentication: 'UNAUTHENTICATED', authenticationConfiguration: {} } });
    }
    const ended = () => until('an execution that has ended', async () => (
        await send(cp.ListPipelineExecutionsCommand, { pipelineName: 'p0' })).pipelineExecutionSummaries.every((e) => e.status !== 'InProgress'));
    await ended();
    await send(cp.StartPipelineExecutionCommand, { name: 'p0' });
    await ended();
    const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:p0';
    const p0 = { pipelineName: 'p0' };
    const [{ actionExecutionId }] = (await send(cp.ListActionExecutionsCommand, p0)).actionExecutionDetails;
    // [operation, its input, its largest page, has it more than one page here]
    const lists = [
        [cp.ListPipelinesCommand, {}, 1000, true],
        [cp.ListPipelineExecutionsCommand, p0, 100, true],
        [cp.ListActionExecutionsCommand, p0, 100, true],
        [cp.ListRuleExecutionsCommand, p0, 100, false],
        [cp.ListTagsForResourceCommand, { resourceArn }, 100, true],
        [cp.ListWebhooksCommand, {}, 100, true],
        [cp.ListDeployActionExecutionTargetsCommand, { actionExecutionId }, 100, false],
    ];
    const capital = (Command) => Command === cp.ListWebhooksCommand;
    const size = (Command, n) => ({ [capital(Command) ? 'MaxResults' : 'maxResults']: n });
    const from = (Command, token) => ({ [capital(Command) ? 'NextToken' : 'nextToken']: token });

    await t.test('sizes that none has are refused by every list', async () => {
        for (const [Command, input, most] of lists) {
            for (const n of [0, -1, most + 1, 1e9]) {
                const { message } = await refuses(send(Command, { ...input, ...size(Command, n) }), 'ValidationException', { status: 400 });
                assert.match(message, /maxResults/i, Command.name);
            }
            for (const n of [1, most]) {
                await send(Command, { ...input, ...size(Command, n) });
            }
        }
    });

    await t.test('a token is of one list, of one account', async () => {
        let given = 0;
        for (const [Command, input, , several] of lists) {
            const page = await send(Command, { ...input, ...size(Command, 1) });
            const token = page.nextToken ?? page.NextToken;
            assert.equal(token !== undefined, several, Command.name);
            await refuses(send(Command, { ...input, ...from(Command, 'x') }), 'InvalidNextTokenException', { status: 400 })
                .catch((error) => assert.fail(`${Command.name}: ${error.message}`));
            for (const [Strange, strange] of several ? lists.filter(([c]) => c !== Command) : []) {
                await refuses(send(Strange, { ...strange, ...from(Strange, token) }), 'InvalidNextTokenException', { status: 400 })
                    .catch((error) => assert.fail(`${Strange.name} of ${Command.name}: ${error.message}`));
                given += 1;
            }
            if (several && Object.keys(input).length === 0) {
                await refuses(other.send(new Command(from(Command, token))), 'InvalidNextTokenException', { status: 400 });
            }
        }
        assert.ok(given >= 20);
    });

    await t.test('a token of another account says nothing of what is there', async () => {
        const iam = [[cp.ListPipelineExecutionsCommand, p0], [cp.ListActionExecutionsCommand, p0]];
        await makeRoles({ client: (C) => server.client(C, 'development') }, { pipeline: 'codepipeline' });
        const mine = { ...structure('p0'), roleArn: 'arn:aws:iam::222222222222:role/pipeline' };
        await other.send(new cp.CreatePipelineCommand({ pipeline: mine }));
        for (const [Command, input] of iam) {
            const { nextToken } = await send(Command, { ...input, maxResults: 1 });
            await refuses(other.send(new Command({ ...input, nextToken })), 'InvalidNextTokenException', { status: 400 });
            const { all } = await pages((token) => send(Command, { ...input, maxResults: 1, nextToken: token }),
                (page) => page.pipelineExecutionSummaries ?? page.actionExecutionDetails, (page) => page.nextToken);
            assert.equal(all.length, 2);
        }
    });
});

test('approvals that race', { skip: without('git') }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const answers = [...Array(4)].map(() => server.client(cp.CodePipelineClient));
    const answer = (client, token, status, pipelineName = world.name) => client.send(new cp.PutApprovalResultCommand({
        pipelineName, stageName: 'Approve', actionName: 'Person', token, result: { summary: status, status } }));
    const start = async () => (await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: world.name }))).pipelineExecutionId;
    const asks = (id) => until(`approval of ${id}`, async () => (await world.actions(id))
        .find((a) => a.actionName === 'Person' && a.status === 'InProgress'));
    await world.pipeline([stages.source(world), stages.approval()], { executionMode: 'PARALLEL' });

    await t.test('a token of another pipeline is none', async () => {
        const token = (await asks(await world.newest())).output.executionResult.externalExecutionId;
        const twin = { ...world.structure([stages.source(world), stages.approval()]), name: 'twin' };
        await world.pipelines.send(new cp.CreatePipelineCommand({ pipeline: twin }));
        const theirs = await until('approval of the twin', async () => {
            const { stageStates } = await world.pipelines.send(new cp.GetPipelineStateCommand({ name: 'twin' }));
            return stageStates[1].actionStates[0].latestExecution?.token;
        });
        await refuses(answer(world.pipelines, theirs, 'Approved'), 'InvalidApprovalTokenException', { status: 400 });
        await refuses(answer(world.pipelines, token, 'Approved', 'twin'), 'InvalidApprovalTokenException', { status: 400 });
        await refuses(server.client(cp.CodePipelineClient, 'development').send(new cp.PutApprovalResultCommand({
            pipelineName: 'twin', stageName: 'Approve', actionName: 'Person', token: theirs, result: { summary: '', status: 'Approved' } })),
        'PipelineNotFoundException', { status: 400 });
        await answer(world.pipelines, theirs, 'Approved', 'twin');
        await refuses(answer(world.pipelines, theirs, 'Approved'), 'InvalidApprovalTokenException', { status: 400 });
        await refuses(answer(world.pipelines, theirs, 'Approved', 'twin'), 'ApprovalAlreadyCompletedException', { status: 400 });
        await answer(world.pipelines, token, 'Rejected');
    });

    await t.test('of four answers at once one counts, forty times', async () => {
        const ids = [];
        for (let i = 0; i < 40; i += 1) {
            ids.push(await start());
        }
        const tokens = [];
        for (const id of ids) {
            tokens.push((await asks(id)).output.executionResult.externalExecutionId);
        }
        const verdicts = ['Approved', 'Rejected', 'Rejected', 'Approved'];
        // Who asks first changes from one to the next; all 160 are on their way before one is answered.
        const sent = tokens.map((token, i) => Promise.allSettled(
            verdicts.map((x, k) => answer(answers[(i + k) % 4], token, verdicts[(i + k) % 4]))));
        const seen = { Approved: 0, Rejected: 0 };
        for (const [i, race] of sent.entries()) {
            const done = await race;
            const won = done.flatMap((d, k) => (d.status === 'fulfilled' ? [verdicts[(i + k) % 4]] : []));
            assert.equal(won.length, 1, `${won.length} answers counted`);
            for (const { reason } of done.filter((d) => d.status === 'rejected')) {
                assert.equal(reason.name, 'ApprovalAlreadyCompletedException', reason.message);
                assert.equal(reason.$metadata.httpStatusCode, 400);
            }
            seen[won[0]] += 1;
            assert.equal(await world.ended(ids[i]), won[0] === 'Approved' ? 'Succeeded' : 'Failed');
            const person = (await world.actions(ids[i])).find((a) => a.actionName === 'Person');
            assert.equal(person.output.executionResult.externalExecutionSummary, won[0]);
        }
        assert.equal(seen.Approved + seen.Rejected, 40);
    });
});
