// Deploy/CloudFormation in all its modes, over the embedded CloudFormation.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cf from '@aws-sdk/client-cloudformation';
import * as cp from '@aws-sdk/client-codepipeline';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { World, makeRoles, stages } from '../lib/release.js';
import { Server, run, temporary } from '../lib/server.js';
import { until } from '../lib/expect.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const template = (name, extra = {}) => JSON.stringify({
    Parameters: { Value: { Type: 'String' }, Where: { Type: 'String', Default: 'nowhere' }, Key: { Type: 'String', Default: 'none' } },
    Resources: {
        One: { Type: 'AWS::SSM::Parameter', Properties: { Name: name, Type: 'String', Value: { Ref: 'Value' }, Description: { Ref: 'Where' } } },
        ...extra,
    },
    Outputs: { Name: { Value: { Ref: 'One' } }, Where: { Value: { Ref: 'Where' } }, Key: { Value: { Ref: 'Key' } } },
});

// A parameter whose name CloudFormation cannot make: its value breaks the type.
const broken = { Two: { Type: 'AWS::SSM::Parameter', DependsOn: 'One', Properties: { Name: '/app/one', Type: 'String', Value: 'taken' } } };

const files = {
    'template.json': template('/app/one'),
    'broken.json': template('/app/broken', broken),
    'configuration.json': JSON.stringify({ Parameters: { Value: 'configured', Where: 'configuration' }, Tags: { team: 'platform' } }),
    'values.json': JSON.stringify({ answer: 42, word: 'from a file' }),
};

const RoleArn = 'arn:aws:iam::111111111111:role/app-stacks';
const stack = (name, configuration, extra = {}) => ({
    name, runOrder: 1, actionTypeId: { category: 'Deploy', owner: 'AWS', provider: 'CloudFormation', version: '1' },
    configuration: { StackName: 'app-stack', ...(configuration.ActionMode === 'CHANGE_SET_EXECUTE' ? {} : { RoleArn }), ...configuration }, inputArtifacts: [{ name: 'Source' }], outputArtifacts: [], ...extra,
});
const deploy = (...actions) => ({ name: 'Deploy', actions });

test('stacks of a release', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files });
    await makeRoles(server, { 'app-stacks': 'cloudformation' });
    const stacks = server.client(cf.CloudFormationClient);
    const parameter = async (Name) => (await server.client(SSMClient).send(new GetParameterCommand({ Name }))).Parameter.Value;
    const described = async (StackName = 'app-stack') => (await stacks.send(new cf.DescribeStacksCommand({ StackName }))).Stacks[0];
    const release = async (...list) => {
        const pipeline = world.structure([stages.source(world), ...list]);
        await world.pipelines.send(new cp.UpdatePipelineCommand({ pipeline }));
        return (await world.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    const action = async (id, name) => (await world.actions(id)).find((a) => a.actionName === name);
    const why = async (id) => {
        const state = (await world.stage('Deploy')).actionStates.find((a) => a.latestExecution.status === 'Failed');
        return `${state.latestExecution.errorDetails.code}: ${state.latestExecution.errorDetails.message}`;
    };
    await world.pipeline([stages.source(world), deploy(stack('Stack', {
        ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::template.json', TemplateConfiguration: 'Source::configuration.json',
        OutputFileName: 'outputs.json',
        ParameterOverrides: JSON.stringify({
            Value: { 'Fn::GetParam': ['Source', 'values.json', 'word'] }, Key: { 'Fn::GetArtifactAtt': ['Source', 'ObjectKey'] },
        }),
    }, { namespace: 'Stack', outputArtifacts: [{ name: 'Outputs' }] }))]);

    await t.test('is created, with parameters from file, override and function', async () => {
        const id = await world.newest();
        assert.equal(await world.ended(id), 'Succeeded', await why(id).catch(() => ''));
        assert.equal(await parameter('/app/one'), 'from a file');
        const got = await described();
        assert.equal(got.StackStatus, 'CREATE_COMPLETE');
        assert.deepEqual(got.Tags, [{ Key: 'team', Value: 'platform' }]);
        const ran = await action(id, 'Stack');
        assert.equal(ran.output.executionResult.externalExecutionId, got.StackId);
        assert.equal(ran.output.outputVariables.StackName, 'app-stack');
        assert.equal(ran.output.outputVariables.Where, 'configuration');
        assert.equal(ran.output.outputVariables.Key, ran.input.inputArtifacts[0].s3location.key);
        const { bucket: Bucket, key: Key } = ran.output.outputArtifacts[0].s3location;
        const zip = await server.client(S3Client).send(new GetObjectCommand({ Bucket, Key }));
        const dir = temporary(t);
        writeFileSync(join(dir, 'o.zip'), await zip.Body.transformToByteArray());
        const { stdout } = await run('python3', ['-c', 'import sys,zipfile; print(zipfile.ZipFile(sys.argv[1]).read("outputs.json").decode())', join(dir, 'o.zip')]);
        assert.equal(JSON.parse(stdout).Name, '/app/one');
    });
    await t.test('is updated, and left alone when nothing changes', async () => {
        const configuration = { ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::template.json', ParameterOverrides: JSON.stringify({ Value: '#{codepipeline.PipelineExecutionId}' }) };
        const id = await release(deploy(stack('Stack', configuration)));
        assert.equal(await world.ended(id), 'Succeeded');
        assert.equal(await parameter('/app/one'), id);
        const same = await release(deploy(stack('Stack', { ...configuration, ParameterOverrides: JSON.stringify({ Value: id }) })));
        assert.equal(await world.ended(same), 'Succeeded');
        assert.match((await action(same, 'Stack')).output.executionResult.externalExecutionSummary, /no updates/);
    });
    await t.test('a change set is made, and executed by a later action', async () => {
        const set = { ChangeSetName: 'release', ParameterOverrides: JSON.stringify({ Value: 'by change set' }) };
        const both = [
            stack('Plan', { ...set, ActionMode: 'CHANGE_SET_REPLACE', TemplatePath: 'Source::template.json' }, { namespace: 'Plan' }),
            stack('Apply', { ActionMode: 'CHANGE_SET_EXECUTE', ChangeSetName: '#{Plan.ChangeSetName}' }, { runOrder: 2 }),
        ];
        const id = await release(deploy(...both));
        assert.equal(await world.ended(id), 'Succeeded', await why(id).catch(() => ''));
        assert.equal(await parameter('/app/one'), 'by change set');
        assert.match((await action(id, 'Plan')).output.outputVariables.ChangeSetId, /:changeSet\/release\//);
        const empty = await release(deploy(...both));
        assert.equal(await world.ended(empty), 'Succeeded', 'a change set without changes is none');
        assert.match((await action(empty, 'Apply')).output.executionResult.externalExecutionSummary, /no changes/);
    });
    await t.test('a failure names the resource and its reason; REPLACE_ON_FAILURE begins again', async () => {
        const configuration = { StackName: 'other', ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::broken.json', ParameterOverrides: JSON.stringify({ Value: 'x' }) };
        const id = await release(deploy(stack('Stack', configuration)));
        assert.equal(await world.ended(id), 'Failed');
        assert.match(await why(id), /^JobFailed: Stack other is ROLLBACK_COMPLETE\. Two: .*parameter already exists/);
        const again = await release(deploy(stack('Stack', { ...configuration, ActionMode: 'REPLACE_ON_FAILURE', TemplatePath: 'Source::template.json', StackName: 'other' })));
        assert.equal(await world.ended(again), 'Failed'); // the other stack owns that name
        await stacks.send(new cf.DeleteStackCommand({ StackName: 'app-stack' }));
        await until('the first stack is gone', async () => described().then((s) => s.StackStatus === 'DELETE_COMPLETE', () => true));
        const third = await release(deploy(stack('Stack', { ...configuration, ActionMode: 'REPLACE_ON_FAILURE', TemplatePath: 'Source::template.json', StackName: 'other' })));
        assert.equal(await world.ended(third), 'Succeeded', await why(third).catch(() => ''));
        assert.equal((await described('other')).StackStatus, 'CREATE_COMPLETE');
    });
    await t.test('is deleted, also when it is not there', async () => {
        for (let i = 0; i < 2; i++) {
            const id = await release(deploy(stack('Gone', { StackName: 'other', ActionMode: 'DELETE_ONLY' }, { inputArtifacts: [] })));
            assert.equal(await world.ended(id), 'Succeeded');
        }
        await assert.rejects(described('other'), /does not exist/);
    });
    for (const [name, configuration, message] of [
        ['a file that is not there', { ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::nope.json' }, /File \[nope.json\] does not exist in artifact \[Source\]/],
        ['a file outside', { ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::../../../etc/passwd' }, /does not exist in artifact \[Source\]/],
        ['a parameter that is missing', { ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::template.json' }, /Parameters: \[Value\] must have values/],
    ]) {
        await t.test(`fails with a reason: ${name}`, async () => {
            const id = await release(deploy(stack('Stack', configuration)));
            assert.equal(await world.ended(id), 'Failed');
            assert.match(await why(id), message);
        });
    }
});

test('a server that dies while a stack is made takes it up again, once', async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server, { files });
    await makeRoles(server, { 'app-stacks': 'cloudformation' });
    const resources = Object.fromEntries([...Array(60).keys()].map((i) => [`P${i}`, {
        Type: 'AWS::SSM::Parameter', ...(i ? { DependsOn: `P${i - 1}` } : {}), Properties: { Name: `/many/${i}`, Type: 'String', Value: 'x' },
    }]));
    await world.push('many', { 'many.json': JSON.stringify({ Resources: resources }) });
    await world.pipeline([stages.source(world), deploy(stack('Stack', { ActionMode: 'CREATE_UPDATE', TemplatePath: 'Source::many.json' }))]);
    const id = await world.newest();
    const stacks = () => server.client(cf.CloudFormationClient);
    await until('the stack has begun', () => stacks().send(new cf.DescribeStacksCommand({ StackName: 'app-stack' })).then(() => true, () => false), { every_ms: 5 });
    await server.kill();
    await server.launch();
    assert.equal(await world.ended(id), 'Succeeded');
    const { StackEvents } = await stacks().send(new cf.DescribeStackEventsCommand({ StackName: 'app-stack' }));
    const own = StackEvents.filter((e) => e.ResourceType === 'AWS::CloudFormation::Stack').map((e) => e.ResourceStatus);
    assert.ok(own.filter((s) => s === 'CREATE_IN_PROGRESS').length <= 1, own.join());
    assert.ok(!own.includes('UPDATE_IN_PROGRESS'), own.join());
    assert.equal((await world.actions(id)).filter((a) => a.actionName === 'Stack').length, 1);
});
