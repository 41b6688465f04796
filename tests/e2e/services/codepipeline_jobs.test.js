// Custom action types and the calls of job workers: a release whose middle is somebody's worker.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { CreateAccessKeyCommand, CreateUserCommand, DeleteRoleCommand, DeleteRolePolicyCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { refuses, until } from '../lib/expect.js';
import { World, makeRoles, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';

const type = (extra = {}) => ({
    category: 'Build', provider: 'Mill', version: '1',
    settings: {
        entityUrlTemplate: 'https://mill.example.org/job/{Config:Job}',
        executionUrlTemplate: 'https://mill.example.org/job/{Config:Job}/run/{ExternalExecutionId}',
    },
    configurationProperties: [
        { name: 'Job', required: true, key: true, secret: false, queryable: true, description: 'which one', type: 'String' },
        { name: 'Password', required: true, key: false, secret: true },
        { name: 'Note', required: false, key: false, secret: false },
    ],
    inputArtifactDetails: { minimumCount: 1, maximumCount: 1 },
    outputArtifactDetails: { minimumCount: 0, maximumCount: 1 },
    ...extra,
});
const id = { category: 'Build', owner: 'Custom', provider: 'Mill', version: '1' };
const ask = { actionTypeId: id, queryParam: { Job: 'flour' } };
const nobody = '00000000-0000-0000-0000-000000000000';

test('custom actions', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files: { 'grain.txt': 'wheat\n' } });
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const invalid = (input, message) => refuses(send(cp.CreateCustomActionTypeCommand, input), 'ValidationException', { message });

    await t.test('a type is made, listed with tags, and refused for a reason', async () => {
        const made = await send(cp.CreateCustomActionTypeCommand, type({ tags: [{ key: 'team', value: 'mill' }] }));
        assert.deepEqual(made.actionType.id, id);
        assert.deepEqual(made.tags, [{ key: 'team', value: 'mill' }]);
        const { actionTypes } = await send(cp.ListActionTypesCommand, { actionOwnerFilter: 'Custom' });
        assert.deepEqual(actionTypes, [made.actionType]);
        assert.equal(actionTypes[0].actionConfigurationProperties[0].queryable, true);
        const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:actiontype:Custom/Build/Mill/1';
        await send(cp.TagResourceCommand, { resourceArn, tags: [{ key: 'a', value: '1' }, { key: 'b', value: '2' }] });
        const first = await send(cp.ListTagsForResourceCommand, { resourceArn, maxResults: 2 });
        assert.deepEqual(first.tags.map((x) => x.key), ['a', 'b']);
        const rest = await send(cp.ListTagsForResourceCommand, { resourceArn, maxResults: 2, nextToken: first.nextToken });
        assert.deepEqual(rest.tags.map((x) => x.key), ['team']);
        assert.equal(rest.nextToken, undefined);
        await send(cp.UntagResourceCommand, { resourceArn, tagKeys: ['a', 'b'] });

        await invalid(type(), /already exists/);
        await invalid(type({ version: '2', category: 'Approval' }), /Approval/);
        await invalid(type({ version: '2', inputArtifactDetails: { minimumCount: 2, maximumCount: 1 } }), /inputArtifactDetails/);
        await invalid(type({ version: '2', inputArtifactDetails: { minimumCount: 0, maximumCount: 6 } }), /less than or equal to 5/);
        await invalid(type({ version: '2', settings: { entityUrlTemplate: 'https://x/{Config:Password}' } }), /Password/);
        await invalid(type({ version: '2', settings: { entityUrlTemplate: 'javascript:x' } }), /http/);
        const properties = (list) => type({ version: '2', settings: undefined, configurationProperties: list });
        const one = { name: 'P', required: true, key: false, secret: false };
        await invalid(properties([one, one]), /named P/);
        await invalid(properties([{ ...one, secret: true, queryable: true }]), /queryable/);
        await invalid(properties([{ ...one, queryable: true }, { ...one, name: 'Q', queryable: true }]), /not 2/);
        await invalid(properties(Array.from({ length: 11 }, (x, i) => ({ ...one, name: `P${i}` }))), /less than or equal to 10/);
        await refuses(send(cp.CreateCustomActionTypeCommand, type({ version: '2', tags: [{ key: 'aws:x', value: '' }] })), 'InvalidTagsException');
    });

    await t.test('a deleted version comes back as what it was, or not at all', async () => {
        await send(cp.CreateCustomActionTypeCommand, type({ provider: 'Old' }));
        await send(cp.DeleteCustomActionTypeCommand, { category: 'Build', provider: 'Old', version: '1' });
        await send(cp.DeleteCustomActionTypeCommand, { category: 'Build', provider: 'Old', version: '1' });
        const { actionTypes } = await send(cp.ListActionTypesCommand, { actionOwnerFilter: 'Custom' });
        assert.deepEqual(actionTypes.map((a) => a.id.provider), ['Mill']);
        await refuses(send(cp.PollForJobsCommand, { actionTypeId: { ...id, provider: 'Old' }, queryParam: { Job: 'x' } }), 'ActionTypeNotFoundException');
        await invalid(type({ provider: 'Old', outputArtifactDetails: { minimumCount: 0, maximumCount: 2 } }), /identical/);
        await send(cp.CreateCustomActionTypeCommand, type({ provider: 'Old' }));
        await send(cp.DeleteCustomActionTypeCommand, { category: 'Build', provider: 'Old', version: '1' });
    });

    await t.test('an account has fifty of them', async () => {
        for (let i = 0; i < 49; i += 1) {
            await send(cp.CreateCustomActionTypeCommand, type({ provider: 'Many', version: `v${i}`, settings: undefined }));
        }
        await refuses(send(cp.CreateCustomActionTypeCommand, type({ provider: 'Many', version: 'v49' })), 'LimitExceededException');
        const first = await send(cp.ListActionTypesCommand, {});
        assert.equal(first.actionTypes.length, 50);
        const second = await send(cp.ListActionTypesCommand, { nextToken: first.nextToken });
        assert.ok(second.actionTypes.length > 25);
        await refuses(send(cp.ListActionTypesCommand, { nextToken: 'zzz' }), 'InvalidNextTokenException');
        for (let i = 0; i < 49; i += 1) {
            await send(cp.DeleteCustomActionTypeCommand, { category: 'Build', provider: 'Many', version: `v${i}` });
        }
    });

    const work = (configuration, extra = {}) => ({
        name: 'Mill',
        actions: [{
            name: 'Grind', runOrder: 1, actionTypeId: id, configuration, namespace: 'Milled',
            inputArtifacts: [{ name: 'Source' }], outputArtifacts: [{ name: 'Flour' }], ...extra,
        }],
    });
    const good = { Job: 'flour', Password: 'sesame' };

    await t.test('an action keeps to its type', async () => {
        const refused = (stage, message) => refuses(world.pipeline([stages.source(world), stage, stages.approval()]),
            'InvalidActionDeclarationException', { message });
        await refused(work({ Job: 'flour' }), /missing required configuration 'Password'/);
        await refused(work({ ...good, Other: 'x' }), /unknown configuration 'Other'/);
        await refused(work({ ...good, Job: 'a b' }), /queryable 'Job'/);
        await refused(work({ ...good, Job: 'a'.repeat(21) }), /queryable 'Job'/);
        await refused(work(good, { inputArtifacts: [] }), /declares 0 input artifacts/);
        await refused(work(good, { actionTypeId: { ...id, version: '7' } }), /Version: '7'\) in action 'Grind' is not available in region eu-west-2/);
    });

    await world.pipeline([stages.source(world), work({ ...good, Note: '#{SourceVariables.CommitId}' }),
        stages.approval('Approve', { CustomData: 'bread of #{Milled.kind}' })]);
    const execution = await world.newest();
    const poll = async (input = ask) => (await send(cp.PollForJobsCommand, input)).jobs;
    const polled = () => until('a job', async () => (await poll())[0]);
    const grind = async (e = execution) => (await world.actions(e)).find((a) => a.actionName === 'Grind');

    await t.test('secrets are shown to workers only', async () => {
        const shown = (p) => p.stages[1].actions[0].configuration.Password;
        const got = await send(cp.GetPipelineCommand, { name: world.name });
        assert.equal(shown(got.pipeline), '****');
        await refuses(send(cp.CreatePipelineCommand, { pipeline: { ...got.pipeline, name: 'other' } }), 'InvalidActionDeclarationException', { message: /asterisks/ });
        await until('the action', () => grind());
        assert.equal((await grind()).input.configuration.Password, '****');
    });

    let job;
    await t.test('a worker polls for a job by its queryable property', async () => {
        await refuses(poll({ actionTypeId: id }), 'ValidationException', { message: /Job/ });
        await refuses(poll({ actionTypeId: { ...id, owner: 'AWS' } }), 'ActionTypeNotFoundException');
        assert.deepEqual(await poll({ actionTypeId: id, queryParam: { Job: 'oats' } }), []);
        job = await polled();
        assert.equal(job.accountId, '111111111111');
        assert.deepEqual(job.data.actionConfiguration.configuration.Password, 'sesame');
        assert.match(job.data.actionConfiguration.configuration.Note, /^[0-9a-f]{40}$/);
        assert.equal(job.data.pipelineContext.pipelineExecutionId, execution);
        assert.equal(job.data.pipelineContext.action.actionExecutionId, (await grind()).actionExecutionId);
        assert.equal(job.data.inputArtifacts[0].location.s3Location.bucketName, world.bucket);
        assert.deepEqual(await poll(), [], 'a delivered job is not delivered at once again');
    });

    const keys = (from) => ({
        accessKeyId: from.data.artifactCredentials.accessKeyId, secretAccessKey: from.data.artifactCredentials.secretAccessKey,
        sessionToken: from.data.artifactCredentials.sessionToken,
    });
    const place = (artifact) => ({ Bucket: artifact.location.s3Location.bucketName, Key: artifact.location.s3Location.objectKey });

    await t.test('one worker takes it', async () => {
        await refuses(send(cp.AcknowledgeJobCommand, { jobId: nobody, nonce: job.nonce }), 'JobNotFoundException');
        await refuses(send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: '1' }), 'InvalidNonceException');
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: job.id }), 'InvalidJobStateException', { message: /Dispatched/ });
        assert.equal((await send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce })).status, 'InProgress');
        await refuses(send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce }), 'InvalidNonceException');
        const other = server.client(cp.CodePipelineClient, 'development');
        await refuses(other.send(new cp.GetJobDetailsCommand({ jobId: job.id })), 'JobNotFoundException');
        const { jobDetails } = await send(cp.GetJobDetailsCommand, { jobId: job.id });
        assert.deepEqual(jobDetails.data.inputArtifacts, job.data.inputArtifacts);
    });

    await t.test('its keys open its artifacts and nothing else', async () => {
        const s3 = server.client(S3Client, 'shared-services', { credentials: keys(job) });
        const input = await s3.send(new GetObjectCommand(place(job.data.inputArtifacts[0])));
        assert.ok((await input.Body.transformToByteArray()).length > 100);
        await server.client(S3Client).send(new PutObjectCommand({ Bucket: world.bucket, Key: 'private', Body: 'x' }));
        await refuses(s3.send(new GetObjectCommand({ Bucket: world.bucket, Key: 'private' })), 'AccessDenied');
        await refuses(s3.send(new PutObjectCommand({ Bucket: world.bucket, Key: 'private', Body: 'y' })), 'AccessDenied');
        const asWorker = server.client(cp.CodePipelineClient, 'shared-services', { credentials: keys(job) });
        await refuses(asWorker.send(new cp.ListPipelinesCommand({})), 'AccessDeniedException');
    });

    await t.test('work that goes on comes back as a further job', async () => {
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: job.id, continuationToken: 'x', outputVariables: { a: 'b' } }),
            'ValidationException', { message: /continuation token/ });
        await send(cp.PutJobSuccessResultCommand, {
            jobId: job.id, continuationToken: 'stone 4', executionDetails: { summary: 'grinding', externalExecutionId: '17', percentComplete: 40 },
        });
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: job.id }), 'InvalidJobStateException');
        const next = await polled();
        assert.notEqual(next.id, job.id);
        assert.equal(next.data.continuationToken, 'stone 4');
        const shown = (await grind()).output.executionResult;
        assert.equal(shown.externalExecutionId, '17');
        assert.equal(shown.externalExecutionUrl, 'https://mill.example.org/job/flour/run/17');
        const state = (await world.stage('Mill')).actionStates[0];
        assert.equal(state.entityUrl, 'https://mill.example.org/job/flour');
        assert.equal(state.latestExecution.summary, 'grinding');
        job = next;
        await send(cp.AcknowledgeJobCommand, { jobId: job.id, nonce: job.nonce });
    });

    await t.test('its result moves the release on, with variables and artifacts', async () => {
        const s3 = server.client(S3Client, 'shared-services', { credentials: keys(job) });
        await s3.send(new PutObjectCommand({ ...place(job.data.outputArtifacts[0]), Body: 'PK flour' }));
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: job.id, outputVariables: { big: 'x'.repeat(122878) } }),
            'OutputVariablesSizeExceededException');
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: job.id, outputVariables: { 'a b': 'x' } }), 'ValidationException');
        await send(cp.PutJobSuccessResultCommand, { jobId: job.id, outputVariables: { kind: 'rye' }, executionDetails: { summary: 'ground' } });
        await world.waiting(execution);
        const done = await grind();
        assert.equal(done.status, 'Succeeded');
        assert.equal(done.output.outputVariables.kind, 'rye');
        assert.equal(done.output.outputArtifacts[0].name, 'Flour');
        assert.equal((await world.actions(execution)).find((a) => a.actionName === 'Person').input.resolvedConfiguration.CustomData, 'bread of rye');
        await refuses(s3.send(new GetObjectCommand(place(job.data.inputArtifacts[0]))), 'InvalidAccessKeyId');
    });

    const start = async () => (await send(cp.StartPipelineExecutionCommand, { name: world.name })).pipelineExecutionId;
    const take = async () => {
        const got = await polled();
        await send(cp.AcknowledgeJobCommand, { jobId: got.id, nonce: got.nonce });
        return got;
    };

    await t.test('a failure says its kind and its words', async () => {
        const second = await start();
        const taken = await take();
        await send(cp.PutJobFailureResultCommand, { jobId: taken.id, failureDetails: { type: 'RevisionUnavailable', message: 'no grain', externalExecutionId: '18' } });
        const failed = await until('the failure', async () => {
            const a = await grind(second);
            return a?.status === 'Failed' ? a : null;
        });
        assert.deepEqual(failed.output.executionResult.errorDetails, { code: 'RevisionUnavailable', message: 'no grain' });
    });

    await t.test('an output that is not there fails the action', async () => {
        const third = await start();
        const taken = await take();
        await send(cp.PutJobSuccessResultCommand, { jobId: taken.id });
        const failed = await until('the failure', async () => {
            const a = await grind(third);
            return a?.status === 'Failed' ? a : null;
        });
        assert.match(failed.output.executionResult.errorDetails.message, /output artifact/);
    });

    await t.test('abandoning takes its keys and its answer away', async () => {
        const fourth = await start();
        const taken = await take();
        const s3 = server.client(S3Client, 'shared-services', { credentials: keys(taken) });
        await s3.send(new GetObjectCommand(place(taken.data.inputArtifacts[0])));
        await send(cp.StopPipelineExecutionCommand, { pipelineName: world.name, pipelineExecutionId: fourth, abandon: true });
        assert.equal(await world.ended(fourth), 'Stopped');
        await refuses(s3.send(new GetObjectCommand(place(taken.data.inputArtifacts[0]))), 'InvalidAccessKeyId');
        await refuses(send(cp.PutJobSuccessResultCommand, { jobId: taken.id }), 'InvalidJobStateException', { message: /TimedOut/ });
        assert.deepEqual(await poll(), []);
    });

    await t.test('a source of one\'s own says what it took', async () => {
        await send(cp.CreateCustomActionTypeCommand, {
            category: 'Source', provider: 'Field', version: '1', inputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
            outputArtifactDetails: { minimumCount: 1, maximumCount: 1 },
        });
        const field = { category: 'Source', owner: 'Custom', provider: 'Field', version: '1' };
        await send(cp.CreatePipelineCommand, {
            pipeline: {
                ...world.structure([
                    { name: 'Source', actions: [{ name: 'Reap', actionTypeId: field, outputArtifacts: [{ name: 'Grain' }] }] }, stages.approval(),
                ]),
                name: 'own-source',
            },
        });
        const [own] = await until('a job', async () => {
            const jobs = await poll({ actionTypeId: field });
            return jobs.length > 0 ? jobs : null;
        });
        await send(cp.AcknowledgeJobCommand, { jobId: own.id, nonce: own.nonce });
        await server.client(S3Client, 'shared-services', { credentials: keys(own) }).send(
            new PutObjectCommand({ ...place(own.data.outputArtifacts[0]), Body: 'PK grain' }));
        await send(cp.PutJobSuccessResultCommand, { jobId: own.id, currentRevision: { revision: 'harvest-7', changeIdentifier: '7', revisionSummary: 'a good year' } });
        const [revision] = await until('the revision', async () => {
            const { pipelineExecutionSummaries: [latest] } = await send(cp.ListPipelineExecutionsCommand, { pipelineName: 'own-source' });
            return latest.sourceRevisions?.length > 0 ? latest.sourceRevisions : null;
        });
        assert.deepEqual([revision.actionName, revision.revisionId, revision.revisionSummary], ['Reap', 'harvest-7', 'a good year']);
    });

    await t.test('no secret lies in the store', () => {
        const files = readdirSync(server.dir).filter((name) => /\.db|\.sqlite|-wal$/.test(name));
        assert.ok(files.length > 0);
        for (const name of files) {
            assert.equal(readFileSync(join(server.dir, name)).includes('sesame'), false, name);
        }
    });

    await t.test('a secret survives an update that shows asterisks', async () => {
        const { pipeline } = await send(cp.GetPipelineCommand, { name: world.name });
        await send(cp.UpdatePipelineCommand, { pipeline });
        await start();
        assert.equal((await take()).data.actionConfiguration.configuration.Password, 'sesame');
    });
});

test('third parties', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const partner = { category: 'Test', owner: 'ThirdParty', provider: 'Wind', version: '1' };
    const declaration = {
        id: partner, description: 'blows',
        executor: { type: 'JobWorker', configuration: { jobWorkerExecutorConfiguration: { pollingAccounts: ['111111111111'] } } },
        inputArtifactDetails: { minimumCount: 0, maximumCount: 1 }, outputArtifactDetails: { minimumCount: 0, maximumCount: 0 },
        properties: [
            { name: 'ClientId', optional: false, key: true, noEcho: false },
            { name: 'ClientToken', optional: false, key: false, noEcho: true },
        ],
    };
    await t.test('a type is registered by its first update', async () => {
        await refuses(send(cp.GetActionTypeCommand, partner), 'ActionTypeNotFoundException');
        await refuses(send(cp.PollForThirdPartyJobsCommand, { actionTypeId: partner }), 'ActionTypeNotFoundException');
        await refuses(send(cp.UpdateActionTypeCommand, { actionType: { ...declaration, properties: [] } }), 'RequestFailedException');
        await refuses(send(cp.UpdateActionTypeCommand, { actionType: { ...declaration, id: { ...partner, owner: 'AWS' } } }), 'ActionTypeNotFoundException');
        await send(cp.UpdateActionTypeCommand, { actionType: declaration });
        assert.deepEqual((await send(cp.GetActionTypeCommand, partner)).actionType, declaration);
        const own = await send(cp.GetActionTypeCommand, { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' });
        assert.equal(own.actionType.properties.find((p) => p.name === 'ProjectName').optional, false);
    });
    await t.test('who may read or update a type is asked for that type', async () => {
        const iam = server.client(IAMClient);
        await iam.send(new CreateUserCommand({ UserName: 'guest' }));
        const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'guest' }));
        const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
        const guest = server.client(cp.CodePipelineClient, 'shared-services', { credentials });
        const other = { ...partner, provider: 'Rain' };
        await send(cp.UpdateActionTypeCommand, { actionType: { ...declaration, id: other } });
        const may = async (read, update, kind) => {
            const calls = [[read, new cp.GetActionTypeCommand(kind)], [update, new cp.UpdateActionTypeCommand({ actionType: { ...declaration, id: kind } })]];
            for (const [allowed, command] of calls) {
                await (allowed ? guest.send(command) : refuses(guest.send(command), 'AccessDeniedException', { status: 400 }));
            }
        };
        await may(false, false, partner);
        const resource = 'arn:aws:codepipeline:eu-west-2:111111111111:actiontype:ThirdParty/Test/Rain/1';
        for (const Action of ['codepipeline:GetActionType', 'codepipeline:UpdateActionType']) {
            await iam.send(new PutUserPolicyCommand({ UserName: 'guest', PolicyName: 'one', PolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: resource }],
            }) }));
            await may(false, false, partner);
            await may(Action.endsWith('GetActionType'), Action.endsWith('UpdateActionType'), other);
        }
    });
    const clientId = '11111111-2222-3333-4444-555555555555';
    await world.pipeline([stages.source(world), {
        name: 'Wind',
        actions: [{
            name: 'Blow', runOrder: 1, actionTypeId: partner, configuration: { ClientId: clientId, ClientToken: 'gale' },
            inputArtifacts: [{ name: 'Source' }], outputArtifacts: [],
        }],
    }]);
    const execution = await world.newest();
    await t.test('a job is shown to whoever has the client token', async () => {
        const job = await until('a job', async () => (await send(cp.PollForThirdPartyJobsCommand, { actionTypeId: partner })).jobs[0]);
        assert.equal(job.clientId, clientId);
        await refuses(send(cp.GetThirdPartyJobDetailsCommand, { jobId: job.jobId, clientToken: 'breeze' }), 'InvalidClientTokenException');
        await refuses(send(cp.GetThirdPartyJobDetailsCommand, { jobId: nobody, clientToken: 'gale' }), 'JobNotFoundException');
        await refuses(send(cp.GetJobDetailsCommand, { jobId: job.jobId }), 'JobNotFoundException');
        const { jobDetails } = await send(cp.GetThirdPartyJobDetailsCommand, { jobId: job.jobId, clientToken: 'gale' });
        const mine = { jobId: job.jobId, clientToken: 'gale' };
        assert.equal((await send(cp.AcknowledgeThirdPartyJobCommand, { ...mine, nonce: jobDetails.nonce })).status, 'InProgress');
        await refuses(send(cp.PutThirdPartyJobFailureResultCommand, { ...mine, clientToken: 'x', failureDetails: { type: 'JobFailed', message: 'm' } }), 'InvalidClientTokenException');
        await send(cp.PutThirdPartyJobSuccessResultCommand, { ...mine, executionDetails: { externalExecutionId: 'w1' } });
        assert.equal(await world.ended(execution), 'Succeeded');
        await refuses(send(cp.PutThirdPartyJobFailureResultCommand, { ...mine, failureDetails: { type: 'JobFailed', message: 'm' } }), 'InvalidJobStateException');
    });

    await t.test('no release keeps another one\'s job from its workers', async () => {
        const Shared = { category: 'Build', owner: 'Custom', provider: 'Shared', version: '1' };
        await send(cp.CreateCustomActionTypeCommand, type({
            provider: 'Shared', settings: undefined,
            configurationProperties: [{ name: 'Note', required: true, key: false, secret: false }],
        }));
        const make = async (name, Note) => {
            const stage = { name: 'Work', actions: [{
                name: 'Work', actionTypeId: Shared, configuration: { Note }, inputArtifacts: [{ name: 'Source' }], outputArtifacts: [],
            }] };
            const structure = { ...world.structure([stages.source(world), stage]), name, roleArn: `arn:aws:iam::111111111111:role/${name}` };
            await makeRoles(server, { [name]: 'codepipeline' });
            await send(cp.CreatePipelineCommand, { pipeline: structure });
            return until(`work of ${name}`, async () => {
                const { actionExecutionDetails: all } = await send(cp.ListActionExecutionsCommand, { pipelineName: name });
                return all.find((a) => a.actionName === 'Work')?.status === 'InProgress' ? all : null;
            });
        };
        await make('odd', '{sealed}but not by us');
        await make('orphan', 'no role');
        await make('plain', 'as it should be');
        const iam = server.client(IAMClient);
        await iam.send(new DeleteRolePolicyCommand({ RoleName: 'orphan', PolicyName: 'all' }));
        await iam.send(new DeleteRoleCommand({ RoleName: 'orphan' }));
        const seen = new Map();
        await until('the jobs of all who can work', async () => {
            const { jobs } = await send(cp.PollForJobsCommand, { actionTypeId: Shared, maxBatchSize: 10 });
            jobs.forEach(({ data }) => seen.set(data.pipelineContext.pipelineName, data.actionConfiguration.configuration.Note));
            return seen.size >= 2;
        });
        assert.deepEqual(Object.fromEntries(seen), { odd: '{sealed}but not by us', plain: 'as it should be' });
        const failed = await until('the end of whoever has no role', async () => {
            const { actionExecutionDetails: all } = await send(cp.ListActionExecutionsCommand, { pipelineName: 'orphan' });
            const work = all.find((a) => a.actionName === 'Work');
            return work.status === 'InProgress' ? null : work;
        });
        assert.equal(failed.status, 'Failed');
        assert.equal(failed.output.executionResult.errorDetails.code, 'PermissionError');
    });
});
