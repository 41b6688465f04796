// Four eyes: who had a hand in a release does not approve it, under whatever name they come.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import * as iam from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { refuses, until } from '../lib/expect.js';
import { World, everything, git, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';
import { without } from '../lib/tools.js';

const HOME = ACCOUNTS['shared-services'];
const TAG = 'trunkline:four-eyes';
const failing = (name) => ({
    name, beforeEntry: { conditions: [{ result: 'FAIL', rules: [{ name: 'no', ruleTypeId: { category: 'Rule', owner: 'AWS', provider: 'VariableCheck', version: '1' },
        configuration: { Variable: '#{variables.go}', Value: 'yes', Operator: 'EQ' } }] }] },
    actions: stages.approval().actions,
});

test('four eyes', { skip: without('git') }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server); // the commit is Ada's: ada@example.org
    const admin = server.client(iam.IAMClient);
    const arn = `arn:aws:codepipeline:eu-west-2:${HOME}:${world.name}`;
    const keys = (k) => ({ accessKeyId: k.AccessKeyId, secretAccessKey: k.SecretAccessKey, ...(k.SessionToken ? { sessionToken: k.SessionToken } : {}) });
    const as = (Client, credentials) => server.client(Client, 'shared-services', { credentials });
    const user = async (UserName, tags = {}) => {
        await admin.send(new iam.CreateUserCommand({ UserName, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }));
        await admin.send(new iam.PutUserPolicyCommand({ UserName, PolicyName: 'all', PolicyDocument: everything }));
        return keys((await admin.send(new iam.CreateAccessKeyCommand({ UserName }))).AccessKey);
    };
    const role = async (RoleName) => {
        await admin.send(new iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [
            { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${HOME}:root` }, Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'] }] }) }));
        await admin.send(new iam.PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument: everything }));
    };
    const session = async (by, RoleName, RoleSessionName, SourceIdentity) => keys((await as(STSClient, by).send(new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${HOME}:role/${RoleName}`, RoleSessionName, SourceIdentity }))).Credentials);
    await role('dev');
    await role('ops');
    // the broker opens sessions for everybody, as an identity provider does
    const [ada, grace, alan, lovelace, broker] = [await user('ada'), await user('grace'), await user('alan'),
        await user('countess', { 'trunkline:email': 'old@example.org ada@example.org' }), await user('broker')];
    const pipelines = (credentials) => as(cp.CodePipelineClient, credentials);
    const name = { pipelineName: world.name };

    await world.pipelines.send(new cp.CreatePipelineCommand({
        pipeline: world.structure([stages.source(world), stages.approval()]), tags: [{ key: TAG, value: 'required' }],
    }));
    const reject = async (id) => {
        await world.answer(await world.waiting(id), 'Rejected');
        await world.ended(id);
    };
    await reject(await world.newest());
    const start = async (credentials) => (await pipelines(credentials).send(new cp.StartPipelineExecutionCommand({ name: world.name }))).pipelineExecutionId;
    const approve = async (credentials, id) => pipelines(credentials).send(new cp.PutApprovalResultCommand({
        ...name, stageName: 'Approve', actionName: 'Person', token: await world.waiting(id), result: { summary: '', status: 'Approved' } }));
    const may = async (credentials, id) => {
        await approve(credentials, id);
        assert.equal(await world.ended(id), 'Succeeded');
    };
    const mayNot = (credentials, id, message) => refuses(approve(credentials, id), 'AccessDeniedException', { message });
    // what follows is about this commit only when nothing before it waits to be released
    const released = async () => {
        const id = await start(grace);
        await may(alan, id);
    };

    await t.test('neither who started a release nor who wrote it', async () => {
        const id = await start(grace);
        await mayNot(grace, id, /^grace started this release: somebody else has to approve it, none of grace, ada@example\.org \(tag trunkline:four-eyes\)$/);
        await mayNot(ada, id, /^ada wrote commit [0-9a-f]{8}: somebody else/);
        await mayNot(lovelace, id, /^countess wrote commit/);
        await may(alan, id);
    });
    await t.test('nor the same person as a session of whatever name and role', async () => {
        const id = await start(await session(grace, 'dev', 'morning'));
        await mayNot(await session(grace, 'dev', 'evening'), id, /^morning started this release/);
        await mayNot(await session(grace, 'ops', 'somebody'), id, /^morning started this release/);
        await mayNot(grace, id, /^morning started this release/);
        await mayNot(await session(await session(grace, 'ops', 'over'), 'dev', 'there'), id, /^morning started/);
        await may(alan, id);
    });
    await t.test('sessions that somebody opens for others are told apart by source identity, or not at all', async () => {
        const id = await start(await session(broker, 'dev', 'as-a', 'grace'));
        await mayNot(await session(broker, 'ops', 'as-b', 'grace'), id, /^grace started this release/);
        await mayNot(grace, id, /^grace started this release/);
        await mayNot(await session(broker, 'dev', 'as-c'), id, /^grace started this release/);
        await mayNot(await session(broker, 'dev', 'as-d', 'ada'), id, /^ada wrote commit/);
        await may(await session(broker, 'dev', 'as-e', 'alan'), id);
    });
    await t.test('or by session name, where the tag says that those are trusted', async () => {
        const nameless = await start(await session(broker, 'dev', 'grace@example.org'));
        await mayNot(await session(broker, 'dev', 'alan@example.org'), nameless, /^grace@example\.org started/);
        await reject(nameless);
        await world.pipelines.send(new cp.TagResourceCommand({ resourceArn: arn, tags: [{ key: TAG, value: 'required-by-session-name' }] }));
        const id = await start(await session(broker, 'dev', 'grace@example.org'));
        await mayNot(await session(broker, 'ops', 'grace@example.org'), id, /^grace@example\.org started/);
        await mayNot(await session(broker, 'ops', 'ada@example.org'), id, /^ada@example\.org wrote commit/);
        await may(await session(broker, 'dev', 'alan@example.org'), id);
        await world.pipelines.send(new cp.TagResourceCommand({ resourceArn: arn, tags: [{ key: TAG, value: 'required' }] }));
    });
    await t.test('nor who edited the pipeline or its tags while it ran', async () => {
        const id = await start(grace);
        await world.waiting(id);
        await pipelines(alan).send(new cp.TagResourceCommand({ resourceArn: arn, tags: [{ key: 'colour', value: 'blue' }] }));
        await mayNot(alan, id, /^alan changed the pipeline's tags while this release ran/);
        await may(broker, id);
        await released();
    });
    await t.test('an author who starts the own release leaves nobody to approve it', async () => {
        const id = await start(ada);
        await mayNot(alan, id, /^ada wrote commit [0-9a-f]{8} and started this release: nobody can approve it/);
        await reject(id);
    });
    await t.test('nor authors of what earlier releases took and did not bring to an end', async () => {
        await released();
        await git(world.tree, 'commit', '-q', '--allow-empty', '--author', 'Grace <grace@example.org>', '-m', 'by grace');
        await git(world.tree, 'push', '-q', 'origin', 'HEAD:main');
        const count = (await world.executions()).length;
        const first = await world.newest(count + 1);
        await reject(first);
        await world.push('by ada', { 'README.md': 'more\n' });
        const id = await world.newest(count + 2);
        await mayNot(grace, id, /^grace wrote commit [0-9a-f]{8}: somebody else has to approve it, none of ada@example\.org, grace@example\.org/);
        await mayNot(ada, id, /^ada wrote commit/);
        await may(alan, id);
    });
    await t.test('a tag that says something else closes the gate', async () => {
        await world.pipelines.send(new cp.TagResourceCommand({ resourceArn: arn, tags: [{ key: TAG, value: 'yes' }] }));
        const id = await start(grace);
        await mayNot(alan, id, /'yes': it has to be 'required' or 'required-by-session-name'/);
        await reject(id);
        await world.pipelines.send(new cp.TagResourceCommand({ resourceArn: arn, tags: [{ key: TAG, value: 'required' }] }));
    });
    await t.test('nor who overrode a condition, retried a stage, or put a release back', async () => {
        await world.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: world.structure([stages.source(world), failing('Gate'), stages.approval()],
            { variables: [{ name: 'go', defaultValue: 'no' }] }) }));
        const id = await start(grace);
        await until('the gate is shut', async () => (await world.execution(id)).status === 'Failed');
        await pipelines(alan).send(new cp.RetryStageExecutionCommand({ ...name, stageName: 'Gate', pipelineExecutionId: id, retryMode: 'FAILED_ACTIONS' }));
        await until('the gate is shut again', async () => (await world.execution(id)).status === 'Failed');
        await pipelines(broker).send(new cp.OverrideStageConditionCommand({ ...name, stageName: 'Gate', pipelineExecutionId: id, conditionType: 'BEFORE_ENTRY' }));
        const gate = async (credentials) => pipelines(credentials).send(new cp.PutApprovalResultCommand({
            ...name, stageName: 'Gate', actionName: 'Person', token: await world.waiting(id, 'Gate'), result: { summary: '', status: 'Approved' } }));
        await refuses(gate(alan), 'AccessDeniedException', { message: /^alan retried stage Gate/ });
        await refuses(gate(broker), 'AccessDeniedException', { message: /^broker overrode a condition of stage Gate/ });
        const turing = await user('turing');
        await gate(turing);
        await may(turing, id);
        const { pipelineExecutionId: back } = await pipelines(alan).send(new cp.RollbackStageCommand({ ...name, stageName: 'Approve', targetPipelineExecutionId: id }));
        await mayNot(alan, back, /^alan started this release/);
        await may(turing, back);
    });
});
