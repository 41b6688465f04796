// What a plan stage may not do, call by call: with the very session that its build has, and with one
// that it opened from there in another account. And what a real plan needs, it may.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { realpathSync } from 'node:fs';
import test from 'node:test';
import * as cf from '@aws-sdk/client-cloudformation';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as cb from '@aws-sdk/client-codebuild';
import * as cp from '@aws-sdk/client-codepipeline';
import * as ddb from '@aws-sdk/client-dynamodb';
import * as eb from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as kms from '@aws-sdk/client-kms';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as sm from '@aws-sdk/client-secrets-manager';
import * as sns from '@aws-sdk/client-sns';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { refuses, until } from '../lib/expect.js';
import { World, action, everything, stages } from '../lib/release.js';
import { ACCOUNTS, Server } from '../lib/server.js';
import { awsProvider, find, withoutBuilds, withoutTerraform } from '../lib/tools.js';

const plan = (ProjectName, runOrder = 1) => ({
    ...action('Build', 'CodeBuild', { ProjectName, EnvironmentVariables: JSON.stringify([{ name: 'PLAN', value: 'true' }]) }), name: ProjectName, runOrder,
});
const DEPLOY = `arn:aws:iam::${ACCOUNTS.production}:role/deploy`;
const region = { LocationConstraint: 'eu-west-2' };
const lockTable = (TableName) => new ddb.CreateTableCommand({
    TableName, BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
});
const script = (commands) => `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((c) => `      - ${JSON.stringify(c)}`).join('\n')}\n`;

// A role of production that the build may assume, which may do everything.
async function deployRole(server) {
    const there = server.client(iam.IAMClient, 'production');
    await there.send(new iam.CreateRoleCommand({
        RoleName: 'deploy', AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [
            { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNTS['shared-services']}:role/app-build` }, Action: 'sts:AssumeRole' }] }),
    }));
    await there.send(new iam.PutRolePolicyCommand({ RoleName: 'deploy', PolicyName: 'all', PolicyDocument: everything }));
}

// In each account: a bucket with a state, a lock table, a table of data, a topic, a key.
async function furnish(server, account, bucket) {
    await server.client(s3.S3Client, account).send(new s3.CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: region }));
    for (const Key of ['app.state', 'env:/production/app.state']) {
        await server.client(s3.S3Client, account).send(new s3.PutObjectCommand({ Bucket: bucket, Key, Body: '{}' }));
    }
    await server.client(ddb.DynamoDBClient, account).send(lockTable('locks'));
    await server.client(ddb.DynamoDBClient, account).send(lockTable('data'));
    await server.client(ddb.DynamoDBClient, account).send(new ddb.PutItemCommand({ TableName: 'data', Item: { LockID: { S: 'a' }, Price: { N: '1' } } }));
    const topic = (await server.client(sns.SNSClient, account).send(new sns.CreateTopicCommand({ Name: 'topic' }))).TopicArn;
    const key = (await server.client(kms.KMSClient, account).send(new kms.CreateKeyCommand({}))).KeyMetadata.KeyId;
    return { bucket, topic, key };
}

// Every way to write that the embedded services know by a client: [client, command, input].
function ways({ bucket, topic, key }) {
    const item = { LockID: { S: 'a' }, Price: { N: '2' } };
    const lock = { LockID: { S: 'a' }, Info: { S: 'x' } };
    const data = { TableName: 'data' };
    const role = `arn:aws:iam::${ACCOUNTS['shared-services']}:role/app-build`;
    const doc = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    return [
        [s3.S3Client, s3.PutObjectCommand, { Bucket: bucket, Key: 'app.state', Body: 'x' }],
        [s3.S3Client, s3.PutObjectCommand, { Bucket: bucket, Key: 'env:/production/app.state', Body: 'x' }],
        [s3.S3Client, s3.PutObjectCommand, { Bucket: bucket, Key: 'env:/new/app.state', Body: 'x'.repeat(513) }],
        [s3.S3Client, s3.CopyObjectCommand, { Bucket: bucket, Key: 'app.state', CopySource: `${bucket}/env:/production/app.state` }],
        [s3.S3Client, s3.CopyObjectCommand, { Bucket: bucket, Key: 'env:/new/app.state', CopySource: `${bucket}/app.state` }],
        [s3.S3Client, s3.CreateMultipartUploadCommand, { Bucket: bucket, Key: 'app.state' }],
        [s3.S3Client, s3.CreateMultipartUploadCommand, { Bucket: bucket, Key: 'env:/new/app.state' }],
        [s3.S3Client, s3.UploadPartCommand, { Bucket: bucket, Key: 'env:/new/app.state', UploadId: 'x', PartNumber: 1, Body: 'x' }],
        [s3.S3Client, s3.CompleteMultipartUploadCommand, { Bucket: bucket, Key: 'env:/new/app.state', UploadId: 'x', MultipartUpload: { Parts: [{ ETag: 'x', PartNumber: 1 }] } }],
        [s3.S3Client, s3.DeleteObjectCommand, { Bucket: bucket, Key: 'app.state' }],
        [s3.S3Client, s3.DeleteObjectCommand, { Bucket: bucket, Key: 'a.tflock', VersionId: 'null' }],
        [s3.S3Client, s3.PutObjectTaggingCommand, { Bucket: bucket, Key: 'app.state', Tagging: { TagSet: [] } }],
        [s3.S3Client, s3.PutBucketPolicyCommand, { Bucket: bucket, Policy: doc }],
        [s3.S3Client, s3.CreateBucketCommand, { Bucket: 'made-by-a-plan', CreateBucketConfiguration: region }],
        [s3.S3Client, s3.DeleteBucketCommand, { Bucket: bucket }],
        [ddb.DynamoDBClient, ddb.PutItemCommand, { ...data, Item: item }],
        [ddb.DynamoDBClient, ddb.PutItemCommand, { ...data, Item: { LockID: { S: 'a' }, Info: { S: 'x' } }, ConditionExpression: 'attribute_exists(Price)' }],
        [ddb.DynamoDBClient, ddb.UpdateItemCommand, { ...data, Key: { LockID: { S: 'a' } }, UpdateExpression: 'REMOVE Price' }],
        [ddb.DynamoDBClient, ddb.UpdateItemCommand, { TableName: 'locks', Key: { LockID: { S: 'a' } } }],
        [ddb.DynamoDBClient, ddb.BatchWriteItemCommand, { RequestItems: { data: [{ PutRequest: { Item: item } }] } }],
        [ddb.DynamoDBClient, ddb.BatchWriteItemCommand, { RequestItems: { locks: [{ PutRequest: { Item: lock } }] } }],
        [ddb.DynamoDBClient, ddb.TransactWriteItemsCommand, { TransactItems: [{ Put: { ...data, Item: item } }] }],
        [ddb.DynamoDBClient, ddb.TransactWriteItemsCommand, { TransactItems: [{ Put: { TableName: 'locks', Item: lock } }, { Put: { ...data, Item: item } }] }],
        [ddb.DynamoDBClient, ddb.TransactWriteItemsCommand, { TransactItems: [{ Update: { ...data, Key: { LockID: { S: 'a' } }, UpdateExpression: 'REMOVE Price' } }] }],
        [ddb.DynamoDBClient, ddb.TransactWriteItemsCommand, { TransactItems: [{ ConditionCheck: { ...data, Key: { LockID: { S: 'a' } }, ConditionExpression: 'attribute_exists(Price)' } }] }],
        [ddb.DynamoDBClient, ddb.DeleteTableCommand, data],
        [ddb.DynamoDBClient, lockTable('made-by-a-plan').constructor, lockTable('made-by-a-plan').input],
        [ssm.SSMClient, ssm.PutParameterCommand, { Name: '/a', Value: 'x', Type: 'String' }],
        [ssm.SSMClient, ssm.DeleteParameterCommand, { Name: '/a' }],
        [ssm.SSMClient, ssm.LabelParameterVersionCommand, { Name: '/a', Labels: ['x'] }],
        [sm.SecretsManagerClient, sm.CreateSecretCommand, { Name: 'a', SecretString: 'x' }],
        [sm.SecretsManagerClient, sm.PutSecretValueCommand, { SecretId: 'a', SecretString: 'x' }],
        [iam.IAMClient, iam.CreateRoleCommand, { RoleName: 'r', AssumeRolePolicyDocument: doc }],
        [iam.IAMClient, iam.CreateAccessKeyCommand, { UserName: 'admin' }],
        [iam.IAMClient, iam.PutRolePolicyCommand, { RoleName: 'deploy', PolicyName: 'p', PolicyDocument: doc }],
        [iam.IAMClient, iam.UpdateAssumeRolePolicyCommand, { RoleName: 'deploy', PolicyDocument: doc }],
        [kms.KMSClient, kms.EncryptCommand, { KeyId: key, Plaintext: Buffer.from('x') }],
        [kms.KMSClient, kms.PutKeyPolicyCommand, { KeyId: key, Policy: doc }],
        [kms.KMSClient, kms.ScheduleKeyDeletionCommand, { KeyId: key }],
        [kms.KMSClient, kms.CreateAliasCommand, { AliasName: 'alias/x', TargetKeyId: key }],
        [lambda.LambdaClient, lambda.InvokeCommand, { FunctionName: 'f' }],
        [lambda.LambdaClient, lambda.UpdateFunctionCodeCommand, { FunctionName: 'f', S3Bucket: bucket, S3Key: 'app.state' }],
        [lambda.LambdaClient, lambda.AddPermissionCommand, { FunctionName: 'f', StatementId: 's', Action: 'lambda:InvokeFunction', Principal: 'sns.amazonaws.com' }],
        [sns.SNSClient, sns.PublishCommand, { TopicArn: topic, Message: 'x' }],
        [sns.SNSClient, sns.PublishBatchCommand, { TopicArn: topic, PublishBatchRequestEntries: [{ Id: 'a', Message: 'x' }] }],
        [sns.SNSClient, sns.SubscribeCommand, { TopicArn: topic, Protocol: 'http', Endpoint: 'http://127.0.0.1:1/' }],
        [eb.EventBridgeClient, eb.PutEventsCommand, { Entries: [{ Source: 'a', DetailType: 'b', Detail: '{}' }] }],
        [eb.EventBridgeClient, eb.PutRuleCommand, { Name: 'r', ScheduleExpression: 'rate(1 minute)' }],
        [logs.CloudWatchLogsClient, logs.CreateLogGroupCommand, { logGroupName: 'g' }],
        [logs.CloudWatchLogsClient, logs.CreateLogStreamCommand, { logGroupName: 'g', logStreamName: 's' }],
        [logs.CloudWatchLogsClient, logs.PutLogEventsCommand, { logGroupName: 'g', logStreamName: 's', logEvents: [{ timestamp: 1, message: 'x' }] }],
        [logs.CloudWatchLogsClient, logs.PutRetentionPolicyCommand, { logGroupName: 'g', retentionInDays: 1 }],
        [cw.CloudWatchClient, cw.PutMetricDataCommand, { Namespace: 'n', MetricData: [{ MetricName: 'm', Value: 1 }] }],
        [cw.CloudWatchClient, cw.SetAlarmStateCommand, { AlarmName: 'a', StateValue: 'OK', StateReason: 'x' }],
        [cw.CloudWatchClient, cw.DisableAlarmActionsCommand, { AlarmNames: ['a'] }],
        [cf.CloudFormationClient, cf.CreateStackCommand, { StackName: 's', TemplateBody: '{}' }],
        [cf.CloudFormationClient, cf.CreateChangeSetCommand, { StackName: 's', ChangeSetName: 'c', TemplateBody: '{}', ChangeSetType: 'CREATE' }],
        [cf.CloudFormationClient, cf.ExecuteChangeSetCommand, { StackName: 's', ChangeSetName: 'c' }],
        [cf.CloudFormationClient, cf.DeleteStackCommand, { StackName: 's' }],
        [cb.CodeBuildClient, cb.StartBuildCommand, { projectName: 'plan' }],
        [cb.CodeBuildClient, cb.UpdateProjectCommand, { name: 'plan', environment: { type: 'LINUX_CONTAINER', image: 'x', computeType: 'BUILD_GENERAL1_SMALL' } }],
        [cb.CodeBuildClient, cb.CreateProjectCommand, { name: 'made-by-a-plan', source: { type: 'NO_SOURCE', buildspec: 'version: 0.2' }, artifacts: { type: 'NO_ARTIFACTS' }, serviceRole: role, environment: { type: 'LINUX_CONTAINER', image: 'x', computeType: 'BUILD_GENERAL1_SMALL' } }],
        [cp.CodePipelineClient, cp.StartPipelineExecutionCommand, { name: 'app' }],
        [cp.CodePipelineClient, cp.PutApprovalResultCommand, { pipelineName: 'app', stageName: 'A', actionName: 'P', token: '11111111-1111-1111-1111-111111111111', result: { summary: '', status: 'Approved' } }],
        [cp.CodePipelineClient, cp.EnableStageTransitionCommand, { pipelineName: 'app', stageName: 'A', transitionType: 'Inbound' }],
        [cp.CodePipelineClient, cp.RetryStageExecutionCommand, { pipelineName: 'app', stageName: 'A', pipelineExecutionId: '11111111-1111-1111-1111-111111111111', retryMode: 'FAILED_ACTIONS' }],
    ];
}

const keysOf = (o) => ({ accessKeyId: o.AccessKeyId, secretAccessKey: o.SecretAccessKey, sessionToken: o.Token ?? o.SessionToken });

async function refusedEach(server, account, credentials, there) {
    const wrong = [];
    const table = ways(there);
    for (const [Client, Command, input] of table) {
        const what = `${Command.name} ${JSON.stringify(input).slice(0, 160)}`;
        try {
            await server.client(Client, account, { credentials }).send(new Command(input));
            wrong.push(`ALLOWED: ${what}`);
        } catch (error) {
            if (!/with an explicit deny in a session policy/.test(error.message)) {
                wrong.push(`${what}: ${error.name}: ${error.message}`);
            }
        }
    }
    assert.deepEqual(wrong, []);
    return table.length;
}

test('the session of a plan stage, and every session that it opens, is refused each way to write', { skip: withoutBuilds() }, async (t) => {
    const server = await Server.start(t);
    const w = await World.make(server);
    await deployRole(server);
    const here = await furnish(server, 'shared-services', 'app-state');
    const there = await furnish(server, 'production', 'production-state');
    const store = server.client(s3.S3Client);
    // the build hands out its keys in the form of a lock, and stays until the test is over
    await w.project('plan', script([
        'curl -sf "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" >keys.json', 'aws s3 cp keys.json s3://app-state/keys.tflock',
        'until aws s3 ls s3://app-state/over.tflock; do sleep 0.2; done',
    ]));
    await w.pipeline([stages.source(w), { name: 'Plan', actions: [plan('plan')] }]);
    const id = await w.newest();
    const ended = async () => {
        const status = (await w.execution(id)).status;
        assert.equal(status, 'InProgress', `the build has ended: ${JSON.stringify(await w.actions(id))}`);
    };
    const handed = await until('the keys of the build', () => store.send(new s3.GetObjectCommand({ Bucket: 'app-state', Key: 'keys.tflock' })).catch(ended));
    const credentials = keysOf(JSON.parse(await handed.Body.transformToString()));
    const mine = (Client) => server.client(Client, 'shared-services', { credentials });

    await t.test('its own', async () => {
        t.diagnostic(`${await refusedEach(server, 'shared-services', credentials, here)} calls refused`);
    });
    let chained;
    await t.test('a role of another account', async () => {
        chained = keysOf((await mine(sts.STSClient).send(new sts.AssumeRoleCommand({ RoleArn: DEPLOY, RoleSessionName: 'chained' }))).Credentials);
        await refusedEach(server, 'production', chained, there);
    });
    await t.test('that role with a session policy of the build\'s own making', async () => {
        const wide = keysOf((await mine(sts.STSClient).send(new sts.AssumeRoleCommand({ RoleArn: DEPLOY, RoleSessionName: 'wide', Policy: everything }))).Credentials);
        await refusedEach(server, 'production', wide, there);
        const named = everything.replace('"Effect"', '"Sid":"PlanStage","Effect"');
        const again = keysOf((await mine(sts.STSClient).send(new sts.AssumeRoleCommand({ RoleArn: DEPLOY, RoleSessionName: 'again', Policy: named }))).Credentials);
        await refusedEach(server, 'production', again, there);
    });
    await t.test('PartiQL is not there, and no session makes another by GetSessionToken', async () => {
        const statement = { Statement: "INSERT INTO \"data\" VALUE {'LockID': 'b'}" };
        await refuses(mine(ddb.DynamoDBClient).send(new ddb.ExecuteStatementCommand(statement)), 'UnknownOperationException');
        await refuses(mine(ddb.DynamoDBClient).send(new ddb.ExecuteTransactionCommand({ TransactStatements: [statement] })), 'UnknownOperationException');
        await refuses(mine(sts.STSClient).send(new sts.GetSessionTokenCommand({})), 'AccessDenied');
    });
    await t.test('while it may read, and lock', async () => {
        await mine(s3.S3Client).send(new s3.GetObjectCommand({ Bucket: 'app-state', Key: 'app.state' }));
        await mine(s3.S3Client).send(new s3.PutObjectCommand({ Bucket: 'app-state', Key: 'env:/new/app.state', Body: '{}' }));
        const table = { TableName: 'locks' };
        await mine(ddb.DynamoDBClient).send(new ddb.PutItemCommand({ ...table, Item: { LockID: { S: 'a' }, Info: { S: 'x' } }, ConditionExpression: 'attribute_not_exists(LockID)' }));
        await mine(ddb.DynamoDBClient).send(new ddb.GetItemCommand({ TableName: 'data', Key: { LockID: { S: 'a' } } }));
        await mine(ddb.DynamoDBClient).send(new ddb.DeleteItemCommand({ ...table, Key: { LockID: { S: 'a' } } }));
        await server.client(ssm.SSMClient, 'production', { credentials: chained }).send(new ssm.DescribeParametersCommand({}));
    });
    await store.send(new s3.PutObjectCommand({ Bucket: 'app-state', Key: 'over.tflock', Body: '' }));
    assert.equal(await w.ended(id), 'Succeeded');
    for (const [account, { bucket }] of [['shared-services', here], ['production', there]]) {
        const { Items } = await server.client(ddb.DynamoDBClient, account).send(new ddb.ScanCommand({ TableName: 'data' }));
        assert.deepEqual(Items, [{ LockID: { S: 'a' }, Price: { N: '1' } }]);
        const state = await server.client(s3.S3Client, account).send(new s3.GetObjectCommand({ Bucket: bucket, Key: 'app.state' }));
        assert.equal(await state.Body.transformToString(), '{}');
    }
});

const main = (lock) => `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
  backend "s3" {
    bucket = "app-state"
    key    = "app.state"
    region = "eu-west-2"
    ${lock}
  }
}
provider "aws" {
  region = "eu-west-2"
  assume_role { role_arn = "${DEPLOY}" }
}
resource "aws_ssm_parameter" "one" {
  name  = "/app/one"
  type  = "String"
  value = "x"
}
resource "aws_dynamodb_table" "t" {
  name         = "table"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
`;

test('a real terraform plan passes, whatever it locks with', { skip: withoutBuilds() || withoutTerraform() }, async (t) => {
    const mounts = [[dirname(realpathSync(find('terraform'))), '/opt/tools'], [awsProvider(), '/usr/share/terraform/plugins']];
    const server = await Server.start(t, { config: `mounts:\n${mounts.map(([source, target]) => `  - {source: "${source}", target: ${target}}`).join('\n')}\n` });
    const w = await World.make(server);
    await deployRole(server);
    const store = server.client(s3.S3Client);
    await store.send(new s3.CreateBucketCommand({ Bucket: 'app-state', CreateBucketConfiguration: region }));
    await server.client(ddb.DynamoDBClient).send(lockTable('app-locks'));
    const locks = { table: 'dynamodb_table = "app-locks"', file: 'use_lockfile = true' };
    for (const [name, lock] of Object.entries(locks)) {
        await w.project(name, script([
            'export PATH="$PATH:/opt/tools" TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1', `printf %s ${Buffer.from(main(lock)).toString('base64')} | base64 -d >main.tf`,
            'terraform init -input=false -no-color', `terraform workspace new -no-color by-${name}`, 'terraform plan -input=false -no-color -out=release.plan',
        ]));
    }
    await w.pipeline([stages.source(w), { name: 'Plan', actions: Object.keys(locks).map((name, i) => plan(name, i + 1)) }]);
    const id = await w.newest();
    const status = await w.ended(id);
    const actions = await w.actions(id);
    for (const name of Object.keys(locks)) {
        const text = await w.log(await w.built(actions.find((a) => a.actionName === name).output.executionResult.externalExecutionId));
        assert.match(text, /Plan stage \(PLAN=true\)/);
        assert.match(text, /Plan: 2 to add, 0 to change, 0 to destroy/, text.slice(-3000));
    }
    assert.equal(status, 'Succeeded', JSON.stringify(actions));
    const { Contents } = await store.send(new s3.ListObjectsV2Command({ Bucket: 'app-state' }));
    assert.deepEqual(Contents.map((o) => o.Key), ['env:/by-file/app.state', 'env:/by-table/app.state'], 'the states of the workspaces, and no lock');
    const { Items } = await server.client(ddb.DynamoDBClient).send(new ddb.ScanCommand({ TableName: 'app-locks' }));
    assert.ok(Items.every((i) => i.LockID.S.endsWith('-md5')), JSON.stringify(Items));
});
