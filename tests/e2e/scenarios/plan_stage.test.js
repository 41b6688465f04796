// A plan stage is one: with PLAN=true an action's build looks at everything, leaves a saved plan and
// changes nothing; the stage that deploys applies that very plan. With the real Terraform. The
// followed system's own buildspec is put into one in demo.test.js.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { realpathSync } from 'node:fs';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { World, action, everything, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';
import { awsProvider, find, withoutBuilds, withoutTerraform } from '../lib/tools.js';

const skip = withoutBuilds() || withoutTerraform();
const DEPLOY = `arn:aws:iam::${ACCOUNTS.production}:role/deploy`;

const main = `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
  backend "s3" {
    bucket         = "app-state"
    key            = "app.state"
    region         = "eu-west-2"
    dynamodb_table = "app-locks"
  }
}
provider "aws" {
  region = "eu-west-2"
  assume_role { role_arn = "${DEPLOY}" }
}
variable "value" { type = string }
resource "aws_ssm_parameter" "one" {
  name  = "/app/one"
  type  = "String"
  value = var.value
}
`;

const init = [
    'export PATH="$PATH:/opt/tools" TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1 TF_VAR_value="$(cat value.txt)"',
    'terraform init -input=false -no-color', 'terraform workspace select -no-color production || terraform workspace new -no-color production',
];
const spec = (commands, rest = '') => `version: 0.2\nphases:\n  build:\n    commands:\n${[...init, ...commands].map((c) => `      - ${JSON.stringify(c)}`).join('\n')}\n${rest}`;

const knows = spec([
    'if [ "$PLAN" = true ]; then terraform plan -input=false -no-color -out=release.plan; else terraform apply -input=false -no-color "$CODEBUILD_SRC_DIR_Plan/release.plan"; fi',
], 'artifacts: {files: release.plan}\n');
const ignores = spec(['terraform plan -input=false -no-color -out=release.plan', 'terraform apply -input=false -no-color release.plan', 'echo never']);

test('a plan stage', { skip }, async (t) => {
    const mounts = [[dirname(realpathSync(find('terraform'))), '/opt/tools'], [awsProvider(), '/usr/share/terraform/plugins']];
    const server = await Server.start(t, { config: `mounts:\n${mounts.map(([source, target]) => `  - {source: "${source}", target: ${target}}`).join('\n')}\n` });
    const w = await World.make(server, { files: { 'main.tf': main, 'value.txt': 'first\n', 'buildspec.yml': knows } });
    const there = server.client(IAMClient, 'production');
    await there.send(new CreateRoleCommand({
        RoleName: 'deploy', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111111111111:role/app-build' }, Action: 'sts:AssumeRole' }] }),
    }));
    await there.send(new PutRolePolicyCommand({ RoleName: 'deploy', PolicyName: 'all', PolicyDocument: everything }));
    await server.client(S3Client).send(new CreateBucketCommand({ Bucket: 'app-state', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    await server.client(DynamoDBClient).send(new CreateTableCommand({
        TableName: 'app-locks', BillingMode: 'PAY_PER_REQUEST', KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
    }));
    const deployed = () => server.client(SSMClient, 'production').send(new GetParameterCommand({ Name: '/app/one' })).then((r) => r.Parameter.Value, () => null);
    const state = async () => JSON.parse(await (await server.client(S3Client).send(new GetObjectCommand({ Bucket: 'app-state', Key: 'env:/production/app.state' }))).Body.transformToString());
    const build = (name, ProjectName, env, extra = {}) => ({ ...action('Build', 'CodeBuild', { ProjectName, PrimarySource: 'Source', ...(env ? { EnvironmentVariables: JSON.stringify(env) } : {}) }), name, ...extra });
    const plan = [{ name: 'PLAN', value: 'true' }];
    const withPlan = { inputArtifacts: [{ name: 'Source' }, { name: 'Plan' }] };
    const find1 = async (id, stageName) => (await w.actions(id)).find((a) => a.stageName === stageName);
    const log = async (id, stage) => w.log(await w.built((await find1(id, stage)).output.executionResult.externalExecutionId));
    const failure = async (id) => (await find1(id, 'Plan')).output.executionResult.externalExecutionSummary;
    const redefine = async (project, env = plan) => {
        await w.pipelines.send(new cp.UpdatePipelineCommand({ pipeline: w.structure([stages.source(w), { name: 'Plan', actions: [build('Plan', project, env)] }]) }));
        return (await w.pipelines.send(new cp.StartPipelineExecutionCommand({ name: 'app' }))).pipelineExecutionId;
    };
    await w.project('release', undefined);
    await w.project('ignorant', ignores);
    await w.pipeline([stages.source(w),
        { name: 'Plan', actions: [build('Plan', 'release', plan, { outputArtifacts: [{ name: 'Plan' }] })] },
        stages.approval(), { name: 'Production', actions: [build('Deploy', 'release', null, withPlan)] },
    ]);

    await t.test('leaves a saved plan, a workspace, no lock, and nothing in the account', async () => {
        const id = await w.newest();
        await w.waiting(id);
        assert.match(await log(id, 'Plan'), /Plan: 1 to add, 0 to change, 0 to destroy/);
        assert.equal(await deployed(), null);
        assert.deepEqual((await state()).resources, []);
        const { Items } = await server.client(DynamoDBClient).send(new ScanCommand({ TableName: 'app-locks' }));
        assert.ok(Items.every((i) => i.LockID.S.endsWith('-md5')), JSON.stringify(Items));
    });
    await t.test('production applies that plan, and no other', async () => {
        const id = await w.newest();
        await w.answer(await w.waiting(id));
        assert.equal(await w.ended(id), 'Succeeded', JSON.stringify((await w.stage('Production')).actionStates));
        assert.equal(await deployed(), 'first');
        const made = (await find1(id, 'Plan')).output.outputArtifacts[0];
        const used = (await find1(id, 'Production')).input.inputArtifacts.find((a) => a.name === 'Plan');
        assert.deepEqual(used.s3location, made.s3location);
    });
    await t.test('a buildspec that ignores PLAN fails there, with the reason, and deploys nothing', async () => {
        await w.push('second', { 'value.txt': 'second\n' });
        const id = await redefine('ignorant');
        assert.equal(await w.ended(id), 'Failed');
        assert.match(await failure(id), /plan stage \(PLAN=true\): terraform apply is denied/);
        const text = await log(id, 'Plan');
        assert.match(text, /Plan: 0 to add, 1 to change, 0 to destroy/);
        assert.match(text, /"terraform apply" is denied/);
        assert.doesNotMatch(text, /\nnever\n/);
        assert.equal(await deployed(), 'first');
    });
    await t.test('so does Terraform by its path, and one that is told nothing', async () => {
        await w.project('by-path', spec(['! /opt/tools/terraform apply -no-color -auto-approve', 'env -u TF_CLI_ARGS_apply /opt/tools/terraform apply -no-color -auto-approve']));
        const id = await redefine('by-path');
        assert.equal(await w.ended(id), 'Failed');
        assert.match(await failure(id), /plan stage \(PLAN=true\): AWS calls that write are denied/);
        const text = await log(id, 'Plan');
        assert.match(text, /flag provided but not defined: -denied-in-a-plan-stage/);
        assert.match(text, /AccessDenied[\s\S]*explicit deny in a session policy/);
        assert.equal(await deployed(), 'first');
        assert.equal((await state()).resources.length, 1);
    });
    await t.test('AWS calls that write are denied to it and to every role that it takes; a plan\'s own are not', async () => {
        const refused = (call) => `if ${call} >out 2>&1; then echo "ALLOWED ${call}"; exit 1; else grep -q "explicit deny in a session policy" out || { cat out; exit 1; }; fi`;
        const allowed = (call) => `${call} >out 2>&1 || { cat out; exit 1; }`;
        const both = ['aws ssm put-parameter --name /app/two --type String --value x', 'aws iam create-role --role-name r --assume-role-policy-document {}',
            'aws s3api delete-object --bucket app-state --key env:/production/app.state', 'aws s3 cp big s3://app-state/env:/other/app.state',
            'aws s3 cp small s3://app-state/env:/production/app.state', 'aws s3 cp small s3://app-state/other', 'aws dynamodb put-item --table-name app-locks --item file://item.json'];
        await w.project('writes', spec([
            'head -c 600 /dev/zero >big; echo "{}" >small; echo \'{"LockID":{"S":"a/b"},"Other":{"S":"x"}}\' >item.json; echo \'{"LockID":{"S":"a/b"},"Info":{"S":"x"}}\' >lock.json',
            ...both.map(refused),
            ...['aws s3 cp small s3://app-state/env:/new/app.state', 'aws s3 cp small s3://app-state/app.state.tflock', 'aws s3 rm s3://app-state/app.state.tflock',
                `aws s3 cp small s3://${w.bucket}/mine`, 'aws dynamodb put-item --table-name app-locks --item file://lock.json',
                'aws dynamodb delete-item --table-name app-locks --key \'{"LockID":{"S":"a/b"}}\'', 'aws ssm describe-parameters', 'aws s3 ls s3://app-state'].map(allowed),
            `keys=$(aws sts assume-role --role-arn ${DEPLOY} --role-session-name plan --query Credentials --output json)`,
            'export AWS_ACCESS_KEY_ID=$(echo "$keys" | jq -r .AccessKeyId) AWS_SECRET_ACCESS_KEY=$(echo "$keys" | jq -r .SecretAccessKey) AWS_SESSION_TOKEN=$(echo "$keys" | jq -r .SessionToken)',
            ...[refused('aws ssm put-parameter --name /app/two --type String --value x'), allowed('aws ssm describe-parameters')],
            'echo all-as-it-should-be',
        ]));
        const id = await redefine('writes');
        const end = await w.ended(id);
        const text = await log(id, 'Plan');
        assert.equal(end, 'Succeeded', text.slice(-3000));
        assert.match(text, /\nall-as-it-should-be\n/);
        const { Contents } = await server.client(S3Client).send(new ListObjectsV2Command({ Bucket: 'app-state' }));
        assert.deepEqual(Contents.map((o) => o.Key), ['env:/new/app.state', 'env:/production/app.state']);
    });
    await t.test('without PLAN the same buildspec deploys', async () => {
        const id = await redefine('ignorant', [{ name: 'PLAN', value: 'false' }]);
        assert.equal(await w.ended(id), 'Succeeded', await log(id, 'Plan'));
        assert.equal(await deployed(), 'second');
    });
});
