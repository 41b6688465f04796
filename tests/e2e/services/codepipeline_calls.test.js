// Every constraint of what CodePipeline's calls carry beside a structure: one below, at and above it.
// A call that keeps to it goes on to the next thing that is wrong, which a row names: nothing is
// ever told of a member that is in order. Structures are codepipeline_limits.test.js's, pages
// codepipeline_hostile.test.js's.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { refuses } from '../lib/expect.js';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const a = (n) => 'a'.repeat(n);
const many = (n, make) => Array.from({ length: n }, (x, i) => make(i + 1));
const nobody = '00000000-0000-0000-0000-000000000000';
const none = { pipelineName: 'none', stageName: 's' };
const NO_PIPELINE = 'PipelineNotFoundException';
const NO_JOB = 'JobNotFoundException';
const NO_TYPE = 'ActionTypeNotFoundException';
const V = 'ValidationException';

const start = (more) => [cp.StartPipelineExecutionCommand, { name: 'none', ...more }];
const failure = (more) => [cp.PutJobFailureResultCommand, { jobId: nobody, failureDetails: { type: 'JobFailed', message: 'm', ...more } }];
const success = (more) => [cp.PutJobSuccessResultCommand, { jobId: nobody, ...more }];
const poll = (more, type = {}) => [cp.PollForJobsCommand, {
    actionTypeId: { category: 'Build', owner: 'Custom', provider: 'None', version: '1', ...type }, ...more }];
const type = (more) => [cp.CreateCustomActionTypeCommand, {
    category: 'Build', provider: 'Mill', version: '1', inputArtifactDetails: { minimumCount: 0, maximumCount: 5 },
    outputArtifactDetails: { minimumCount: 0, maximumCount: 5 }, ...more }];
const property = (more) => ({ name: 'P', required: false, key: false, secret: false, ...more });
const hook = (more) => [cp.PutWebhookCommand, { webhook: {
    name: 'w', targetPipeline: 'none', targetAction: 'a', filters: [{ jsonPath: '$.x' }], authentication: 'UNAUTHENTICATED',
    authenticationConfiguration: {}, ...more } }];
const revision = (more) => [cp.PutActionRevisionCommand, {
    ...none, actionName: 'a', actionRevision: { revisionId: 'r', revisionChangeId: 'c', created: new Date(0), ...more } }];
const tags = (list) => [cp.TagResourceCommand, { resourceArn: 'arn:aws:codepipeline:eu-west-2:111111111111:none', tags: list }];
const approve = (more, result) => [cp.PutApprovalResultCommand, {
    ...none, actionName: 'a', token: nobody, ...more, result: { summary: '', status: 'Approved', ...result } }];

// [the constraint, the call of a value, what is said when it keeps to it (null: it is done), values that
// do, null, values that do not]
const rows = [
    ['StartPipelineExecution.name', (n) => [cp.StartPipelineExecutionCommand, { name: a(n) }], NO_PIPELINE, 1, 99, 100, null, 0, 101],
    ['variables: 1 to 50', (n) => start({ variables: many(n, (i) => ({ name: `v${i}`, value: 'x' })) }), NO_PIPELINE, 1, 49, 50, null, 0, 51],
    ['name of a variable: 1 to 128', (n) => start({ variables: [{ name: a(n), value: 'x' }] }), NO_PIPELINE, 1, 127, 128, null, 0, 129],
    ['value of a variable: 1 to 1000', (n) => start({ variables: [{ name: 'v', value: a(n) }] }), NO_PIPELINE, 1, 999, 1000, null, 0, 1001],
    ['clientRequestToken: 1 to 128', (n) => start({ clientRequestToken: a(n) }), NO_PIPELINE, 1, 127, 128, null, 0, 129],
    ['clientRequestToken: letters, digits, -', (s) => start({ clientRequestToken: s }), NO_PIPELINE, 'a-1', 'Z', null, 'a_b', 'a b', 'ä'],
    ['sourceRevisions: at most 50', (n) => start({ sourceRevisions: many(n, (i) => ({ actionName: `a${i}`, revisionType: 'COMMIT_ID', revisionValue: 'x' })) }),
        NO_PIPELINE, 0, 49, 50, null, 51],
    ['revisionValue: 1 to 1500', (n) => start({ sourceRevisions: [{ actionName: 'a', revisionType: 'COMMIT_ID', revisionValue: a(n) }] }),
        NO_PIPELINE, 1, 1499, 1500, null, 0, 1501],
    ['revisionType', (s) => start({ sourceRevisions: [{ actionName: 'a', revisionType: s, revisionValue: 'x' }] }), NO_PIPELINE,
        'COMMIT_ID', 'IMAGE_DIGEST', 'S3_OBJECT_VERSION_ID', 'S3_OBJECT_KEY', null, 'BRANCH', ''],
    ['reason to stop: at most 200', (n) => [cp.StopPipelineExecutionCommand, { pipelineName: 'none', pipelineExecutionId: nobody, reason: a(n) }],
        NO_PIPELINE, 0, 199, 200, null, 201],
    ['id of an execution', (s) => [cp.StopPipelineExecutionCommand, { pipelineName: 'none', pipelineExecutionId: s }], NO_PIPELINE,
        nobody, 'abcdef00-1111-2222-3333-444444444444', null, '', 'x', nobody.slice(1), `${nobody}0`, nobody.replaceAll('0', 'A')],
    ['reason to close: 1 to 300', (n) => [cp.DisableStageTransitionCommand, { ...none, transitionType: 'Inbound', reason: a(n) }],
        NO_PIPELINE, 1, 299, 300, null, 0, 301],
    ['characters of a reason to close', (s) => [cp.DisableStageTransitionCommand, { ...none, transitionType: 'Inbound', reason: s }],
        NO_PIPELINE, 'a! (b) @c.*?-', null, 'a,b', 'a\nb', 'a;b', 'ä'],
    ['transitionType', (s) => [cp.EnableStageTransitionCommand, { ...none, transitionType: s }], NO_PIPELINE, 'Inbound', 'Outbound', null, 'Sideways'],
    ['retryMode', (s) => [cp.RetryStageExecutionCommand, { ...none, pipelineExecutionId: nobody, retryMode: s }], NO_PIPELINE,
        'FAILED_ACTIONS', 'ALL_ACTIONS', null, 'SOME_ACTIONS', undefined],
    ['conditionType', (s) => [cp.OverrideStageConditionCommand, { ...none, pipelineExecutionId: nobody, conditionType: s }], NO_PIPELINE,
        'BEFORE_ENTRY', 'ON_SUCCESS', null, 'ON_FAILURE', undefined],
    ['summary of an answer: at most 512', (n) => approve({}, { summary: a(n) }), NO_PIPELINE, 0, 511, 512, null, 513],
    ['status of an answer', (s) => approve({}, { status: s }), NO_PIPELINE, 'Approved', 'Rejected', null, 'Perhaps', undefined],
    ['token of an answer', (s) => approve({ token: s }), NO_PIPELINE, nobody, null, 'x', '', undefined],
    ['revisionId: 1 to 1500', (n) => revision({ revisionId: a(n) }), NO_PIPELINE, 1, 1499, 1500, null, 0, 1501],
    ['revisionChangeId: 1 to 100', (n) => revision({ revisionChangeId: a(n) }), NO_PIPELINE, 1, 99, 100, null, 0, 101],
    ['maxBatchSize: at least 1', (n) => poll({ maxBatchSize: n }), NO_TYPE, 1, 2, null, 0, -1],
    ['queryParam: at most 1', (n) => poll({ queryParam: Object.fromEntries(many(n, (i) => [`k${i}`, 'v'])) }), NO_TYPE, 0, 1, null, 2],
    ['value of queryParam: 1 to 50', (n) => poll({ queryParam: { k: a(n) } }), NO_TYPE, 1, 49, 50, null, 0, 51],
    ['owner of polled jobs', (s) => poll({}, { owner: s }), NO_TYPE, 'Custom', 'AWS', null, 'Me'],
    ['nonce: 1 to 50', (n) => [cp.AcknowledgeJobCommand, { jobId: nobody, nonce: a(n) }], NO_JOB, 1, 49, 50, null, 0, 51],
    ['jobId', (s) => [cp.GetJobDetailsCommand, { jobId: s }], NO_JOB, nobody, null, 'x', ''],
    ['message of a failure: 1 to 5000', (n) => failure({ message: a(n) }), NO_JOB, 1, 4999, 5000, null, 0, 5001],
    ['type of a failure', (s) => failure({ type: s }), NO_JOB, 'JobFailed', 'ConfigurationError', 'PermissionError', 'RevisionOutOfSync',
        'RevisionUnavailable', 'SystemUnavailable', null, 'Bored', undefined],
    ['externalExecutionId of a failure: 1 to 1500', (n) => failure({ externalExecutionId: a(n) }), NO_JOB, 1, 1499, 1500, null, 0, 1501],
    ['continuationToken: 1 to 2048', (n) => success({ continuationToken: a(n) }), NO_JOB, 1, 2047, 2048, null, 0, 2049],
    ['summary of a job: 1 to 2048', (n) => success({ executionDetails: { summary: a(n) } }), NO_JOB, 1, 2047, 2048, null, 0, 2049],
    ['percentComplete: 0 to 100', (n) => success({ executionDetails: { percentComplete: n } }), NO_JOB, 0, 1, 99, 100, null, -1, 101],
    ['revision of a job: 1 to 1500', (n) => success({ currentRevision: { revision: a(n), changeIdentifier: 'c' } }), NO_JOB, 1, 1499, 1500, null, 0, 1501],
    ['changeIdentifier: 1 to 100', (n) => success({ currentRevision: { revision: 'r', changeIdentifier: a(n) } }), NO_JOB, 1, 99, 100, null, 0, 101],
    ['name of an output variable', (s) => success({ outputVariables: { [s]: 'v' } }), NO_JOB, 'a@b-c_D1', null, 'a.b', 'a b'],
    ['clientToken: 1 to 256', (n) => [cp.GetThirdPartyJobDetailsCommand, { jobId: nobody, clientToken: a(n) }], NO_JOB, 1, 255, 256, null, 0, 257],
    ['jobId of a third party: 1 to 512', (n) => [cp.GetThirdPartyJobDetailsCommand, { jobId: a(n), clientToken: 'c' }], NO_JOB, 1, 511, 512, null, 0, 513],
    ['provider of a type: 1 to 35', (n) => type({ provider: a(n) }), null, 1, 34, 35, null, 0, 36],
    ['version of a type: 1 to 9', (n) => type({ version: a(n) }), null, 2, 8, 9, null, 0, 10],
    ['properties of a type: at most 10', (n) => type({ provider: `N${n}`, configurationProperties: many(n, (i) => property({ name: `P${i}` })) }),
        null, 0, 9, 10, null, 11],
    ['name of a property: 1 to 50', (n) => type({ provider: `M${n}`, configurationProperties: [property({ name: a(n) })] }), null, 1, 49, 50, null, 0, 51],
    ['description of a property: 1 to 160', (n) => type({ provider: `D${n}`, configurationProperties: [property({ description: a(n) })] }),
        null, 1, 159, 160, null, 0, 161],
    ['artifacts of a type: 0 to 5', (n) => type({ provider: `A${n}`, inputArtifactDetails: { minimumCount: 0, maximumCount: n } }),
        null, 0, 1, 4, 5, null, -1, 6],
    ['category of a type', (s) => type({ category: s, provider: 'Cat' }), null, 'Source', 'Build', 'Test', 'Deploy', null, 'Ship'],
    ['name of a webhook: 1 to 100', (n) => hook({ name: a(n) }), NO_PIPELINE, 1, 99, 100, null, 0, 101],
    ['filters of a webhook: at most 5', (n) => hook({ filters: many(n, (i) => ({ jsonPath: `$.k${i}` })) }), NO_PIPELINE, 1, 4, 5, null, 6],
    ['jsonPath: 1 to 150', (n) => hook({ filters: [{ jsonPath: `$.${a(n)}`.slice(0, n) }] }), NO_PIPELINE, 3, 149, 150, null, 0, 151],
    ['matchEquals: 1 to 150', (n) => hook({ filters: [{ jsonPath: '$.x', matchEquals: a(n) }] }), NO_PIPELINE, 1, 149, 150, null, 0, 151],
    ['SecretToken: 1 to 100', (n) => hook({ authentication: 'GITHUB_HMAC', authenticationConfiguration: { SecretToken: a(n) } }),
        NO_PIPELINE, 1, 99, 100, null, 0, 101],
    ['authentication', (s) => hook({ authentication: s }), NO_PIPELINE, 'UNAUTHENTICATED', null, 'PASSWORD', undefined],
    ['key of a tag: 1 to 128', (n) => tags([{ key: a(n), value: '' }]), 'ResourceNotFoundException', 1, 127, 128, null, 0, 129],
    ['value of a tag: at most 256', (n) => tags([{ key: 'k', value: a(n) }]), 'ResourceNotFoundException', 0, 255, 256, null, 257],
    ['startTimeRange', (s) => [cp.ListActionExecutionsCommand, { pipelineName: 'none', filter: { latestInPipelineExecution: {
        pipelineExecutionId: nobody, startTimeRange: s } } }], NO_PIPELINE, 'Latest', 'All', null, 'Some'],
];

test('constraints of calls', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    for (const [what, call, said, ...values] of rows) {
        await t.test(what, async () => {
            const cut = values.indexOf(null);
            assert.ok(cut > 0 && cut < values.length - 1, 'a row has values on both sides');
            for (const [i, value] of values.entries()) {
                const [Command, input] = value === null ? [] : call(value);
                const shown = String(value).slice(0, 60);
                if (i < cut && said === null) {
                    await client.send(new Command(input)).catch((error) => assert.fail(`${shown}: ${error.name}: ${error.message}`));
                } else if (i !== cut) {
                    await refuses(client.send(new Command(input)), i < cut ? said : V, { status: 400 })
                        .catch((error) => assert.fail(`${shown}: ${error.message.slice(0, 300)}`));
                }
            }
        });
    }
});
