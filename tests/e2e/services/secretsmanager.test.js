import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import * as iam from '@aws-sdk/client-iam';
import * as sm from '@aws-sdk/client-secrets-manager';
import * as sts from '@aws-sdk/client-sts';
import { pages, refuses } from '../lib/expect.js';
import { Server, run } from '../lib/server.js';
import { terraform } from '../lib/terraform.js';
import { without, withoutTerraform } from '../lib/tools.js';

test('secretsmanager', async (t) => {
    const server = await Server.start(t);
    const client = server.client(sm.SecretsManagerClient);
    const send = (Command, input) => client.send(new Command(input));
    const value = async (SecretId, VersionStage) =>
        (await send(sm.GetSecretValueCommand, { SecretId, VersionStage })).SecretString;

    await t.test('a secret has an ARN with six random characters and a current version', async () => {
        const made = await send(sm.CreateSecretCommand, {
            Name: 'app/db', SecretString: '{"user":"app","password":"correct horse"}', Description: 'of the database',
            Tags: [{ Key: 'team', Value: 'platform' }],
        });
        assert.match(made.ARN, /^arn:aws:secretsmanager:eu-west-2:111111111111:secret:app\/db-[A-Za-z0-9]{6}$/);
        const got = await send(sm.GetSecretValueCommand, { SecretId: made.ARN });
        assert.equal(got.Name, 'app/db');
        assert.equal(got.VersionId, made.VersionId);
        assert.deepEqual(got.VersionStages, ['AWSCURRENT']);
        assert.equal(JSON.parse(got.SecretString).password, 'correct horse');
        assert.equal(await value(made.ARN.slice(0, -7)), got.SecretString, 'a partial ARN');
        const described = await send(sm.DescribeSecretCommand, { SecretId: 'app/db' });
        assert.deepEqual(described.VersionIdsToStages, { [made.VersionId]: ['AWSCURRENT'] });
        assert.deepEqual(described.Tags, [{ Key: 'team', Value: 'platform' }]);
        assert.ok(described.CreatedDate instanceof Date && described.LastAccessedDate instanceof Date);
        assert.equal(described.KmsKeyId, undefined);
        await refuses(send(sm.CreateSecretCommand, { Name: 'app/db', SecretString: 'x' }), 'ResourceExistsException',
            { status: 400, message: /^The operation failed because the secret app\/db already exists\.$/ });
        await refuses(send(sm.CreateSecretCommand, { Name: 'a b', SecretString: 'x' }), 'ValidationException',
            { status: 400, message: /^Invalid name\./ });
    });

    await t.test('values are sealed at rest', () => {
        for (const file of readdirSync(server.dir).filter((name) => /^trunkline\.db/.test(name))) {
            assert.ok(!readFileSync(`${server.dir}/${file}`).includes('correct horse'), `${file} holds the secret`);
        }
    });

    await t.test('labels move as a rotation moves them', async () => {
        const first = (await send(sm.GetSecretValueCommand, { SecretId: 'app/db' })).VersionId;
        const second = (await send(sm.PutSecretValueCommand, {
            SecretId: 'app/db', SecretString: 'next', VersionStages: ['AWSPENDING'],
        })).VersionId;
        assert.equal((await send(sm.GetSecretValueCommand, { SecretId: 'app/db' })).VersionId, first);
        await refuses(send(sm.UpdateSecretVersionStageCommand, {
            SecretId: 'app/db', VersionStage: 'AWSCURRENT', MoveToVersionId: second,
        }), 'InvalidParameterException', { message: /RemoveFromVersionId can't be empty/ });
        await send(sm.UpdateSecretVersionStageCommand, {
            SecretId: 'app/db', VersionStage: 'AWSCURRENT', MoveToVersionId: second, RemoveFromVersionId: first,
        });
        await send(sm.UpdateSecretVersionStageCommand, {
            SecretId: 'app/db', VersionStage: 'AWSPENDING', RemoveFromVersionId: second,
        });
        const list = await send(sm.ListSecretVersionIdsCommand, { SecretId: 'app/db' });
        assert.deepEqual(list.Versions.map((v) => [v.VersionId, v.VersionStages]),
            [[second, ['AWSCURRENT']], [first, ['AWSPREVIOUS']]]);
        assert.deepEqual(list.Versions[0].KmsKeyIds, ['DefaultEncryptionKey']);
    });

    await t.test('a request that is sent again makes nothing new', async () => {
        const put = { SecretId: 'app/db', SecretString: 'again', ClientRequestToken: '0'.repeat(32) };
        const once = await send(sm.PutSecretValueCommand, put);
        assert.deepEqual((await send(sm.PutSecretValueCommand, put)).VersionId, once.VersionId);
        await refuses(send(sm.PutSecretValueCommand, { ...put, SecretString: 'other' }), 'ResourceExistsException',
            { status: 400, message: /^You can't use ClientRequestToken 0{32} because that value is already in use/ });
    });

    await t.test('lists are paged, sorted and filtered', async () => {
        for (let i = 0; i < 7; i += 1) {
            await send(sm.CreateSecretCommand, { Name: `many/${i}`, SecretString: `${i}` });
        }
        const names = async (input) => (await pages(
            (NextToken) => send(sm.ListSecretsCommand, { MaxResults: 3, NextToken, ...input }),
            (page) => page.SecretList, (page) => page.NextToken)).all.map((s) => s.Name);
        assert.deepEqual(await names({ Filters: [{ Key: 'name', Values: ['many/'] }], SortOrder: 'asc' }),
            [0, 1, 2, 3, 4, 5, 6].map((i) => `many/${i}`));
        assert.deepEqual(await names({ Filters: [{ Key: 'name', Values: ['!many/'] }] }), ['app/db']);
        assert.equal((await names({})).at(0), 'many/6', 'the newest first');
        assert.deepEqual(await names({ Filters: [{ Key: 'tag-value', Values: ['plat'] }] }), ['app/db']);
        await refuses(send(sm.ListSecretsCommand, { NextToken: 'bogus' }), 'InvalidNextTokenException', { status: 400 });
        const batch = await pages(
            (NextToken) => send(sm.BatchGetSecretValueCommand,
                { Filters: [{ Key: 'name', Values: ['many/'] }], MaxResults: 4, NextToken }),
            (page) => page.SecretValues, (page) => page.NextToken);
        assert.equal(batch.count, 2);
        assert.deepEqual(batch.all.map((v) => v.SecretString).sort(), ['0', '1', '2', '3', '4', '5', '6']);
        const some = await send(sm.BatchGetSecretValueCommand, { SecretIdList: ['many/0', 'none'] });
        assert.deepEqual(some.SecretValues.map((v) => v.Name), ['many/0']);
        assert.deepEqual(some.Errors.map((e) => [e.SecretId, e.ErrorCode]), [['none', 'ResourceNotFoundException']]);
    });

    await t.test('another account reads by the resource policy and a key of its own', async () => {
        const other = server.client(sm.SecretsManagerClient, 'development');
        const { ARN } = await send(sm.DescribeSecretCommand, { SecretId: 'app/db' });
        await refuses(other.send(new sm.GetSecretValueCommand({ SecretId: ARN })), 'AccessDeniedException', { status: 400 });
        await send(sm.PutResourcePolicyCommand, {
            SecretId: 'app/db', BlockPublicPolicy: true, ResourcePolicy: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '222222222222' }, Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
            }),
        });
        // The service's own key serves its account only.
        await refuses(other.send(new sm.GetSecretValueCommand({ SecretId: ARN })), 'AccessDeniedException',
            { message: /^Access to KMS is not allowed$/ });
        assert.match((await send(sm.GetResourcePolicyCommand, { SecretId: 'app/db' })).ResourcePolicy, /222222222222/);
        await send(sm.DeleteResourcePolicyCommand, { SecretId: 'app/db' });
        assert.equal((await send(sm.GetResourcePolicyCommand, { SecretId: 'app/db' })).ResourcePolicy, undefined);
        const open = JSON.stringify({
            Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 'secretsmanager:*', Resource: '*' }],
        });
        await refuses(send(sm.PutResourcePolicyCommand, { SecretId: 'app/db', ResourcePolicy: open, BlockPublicPolicy: true }),
            'PublicPolicyException', { status: 400 });
        const checked = await send(sm.ValidateResourcePolicyCommand, { ResourcePolicy: open });
        assert.equal(checked.PolicyValidationPassed, false);
        assert.equal(checked.ValidationErrors.length, 1);
        await refuses(send(sm.PutResourcePolicyCommand, { SecretId: 'app/db', ResourcePolicy: '{' }),
            'MalformedPolicyDocumentException', { status: 400 });
    });

    await t.test('a role needs the right on the whole ARN, and may be granted it by a tag', async () => {
        const roles = server.client(iam.IAMClient);
        const role = await roles.send(new iam.CreateRoleCommand({
            RoleName: 'reader', AssumeRolePolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::111111111111:root' }, Action: 'sts:AssumeRole' }],
            }),
        }));
        await roles.send(new iam.PutRolePolicyCommand({
            RoleName: 'reader', PolicyName: 'tagged', PolicyDocument: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*',
                    Condition: { StringEquals: { 'secretsmanager:ResourceTag/team': 'platform' } } }],
            }),
        }));
        const { Credentials: c } = await server.client(sts.STSClient).send(new sts.AssumeRoleCommand({ RoleArn: role.Role.Arn, RoleSessionName: 'session' }));
        const as = server.client(sm.SecretsManagerClient, 'shared-services', { credentials: {
            accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken } });
        assert.equal((await as.send(new sm.GetSecretValueCommand({ SecretId: 'app/db' }))).SecretString, 'again');
        await refuses(as.send(new sm.GetSecretValueCommand({ SecretId: 'many/0' })), 'AccessDeniedException', { status: 400 });
        await send(sm.TagResourceCommand, { SecretId: 'many/0', Tags: [{ Key: 'team', Value: 'platform' }] });
        assert.equal((await as.send(new sm.GetSecretValueCommand({ SecretId: 'many/0' }))).SecretString, '0');
        await send(sm.UntagResourceCommand, { SecretId: 'many/0', TagKeys: ['team'] });
        await refuses(as.send(new sm.GetSecretValueCommand({ SecretId: 'many/0' })), 'AccessDeniedException', { status: 400 });
    });

    await t.test('deletion waits for its window, and is taken back', async () => {
        await refuses(send(sm.DeleteSecretCommand, { SecretId: 'many/1', RecoveryWindowInDays: 6 }), 'InvalidParameterException',
            { status: 400, message: /between 7 and 30 days/ });
        const deleted = await send(sm.DeleteSecretCommand, { SecretId: 'many/1', RecoveryWindowInDays: 7 });
        const days = (deleted.DeletionDate - Date.now()) / 86_400_000;
        assert.ok(days > 6.9 && days <= 7, `${days}`);
        await refuses(value('many/1'), 'InvalidRequestException', { status: 400, message: /because it was marked for deletion\.$/ });
        await refuses(send(sm.CreateSecretCommand, { Name: 'many/1' }), 'InvalidRequestException', { message: /already scheduled for deletion/ });
        const { SecretList } = await send(sm.ListSecretsCommand, { IncludePlannedDeletion: true, Filters: [{ Key: 'name', Values: ['many/1'] }] });
        assert.equal(SecretList.length, 1);
        await send(sm.RestoreSecretCommand, { SecretId: 'many/1' });
        assert.equal(await value('many/1'), '1');
        await send(sm.DeleteSecretCommand, { SecretId: 'many/1', ForceDeleteWithoutRecovery: true });
        await refuses(value('many/1'), 'ResourceNotFoundException', { status: 400 });
        await send(sm.DeleteSecretCommand, { SecretId: 'many/1', ForceDeleteWithoutRecovery: true });
    });

    await t.test('secrets outlive a restart', async () => {
        await server.restart('SIGKILL');
        assert.equal(await value('app/db'), 'again');
    });

    await t.test('passwords, and what is not served', async () => {
        const { RandomPassword } = await send(sm.GetRandomPasswordCommand, { PasswordLength: 20, ExcludePunctuation: true });
        assert.match(RandomPassword, /^[A-Za-z0-9]{20}$/);
        await refuses(send(sm.RotateSecretCommand, { SecretId: 'app/db' }), 'UnknownOperationException');
        await send(sm.CancelRotateSecretCommand, { SecretId: 'app/db' });
    });

    await t.test('the aws command line', { skip: without('aws') }, async () => {
        const aws = async (...args) => {
            const done = await run('aws', ['secretsmanager', ...args], { env: server.env() });
            assert.equal(done.status, 0, done.stderr);
            return JSON.parse(done.stdout);
        };
        const made = await aws('create-secret', '--name', 'cli', '--secret-string', 'one');
        await aws('update-secret', '--secret-id', 'cli', '--secret-string', 'two', '--description', 'by the command line');
        assert.equal((await aws('get-secret-value', '--secret-id', made.ARN, '--version-stage', 'AWSPREVIOUS')).SecretString, 'one');
        assert.equal((await aws('get-secret-value', '--secret-id', 'cli')).SecretString, 'two');
        assert.equal((await aws('describe-secret', '--secret-id', 'cli')).Description, 'by the command line');
    });

    await t.test('Terraform applies, plans nothing, destroys', { skip: withoutTerraform() }, async (t2) => {
        const { tf, succeeds } = terraform(t2, server, {
            'main.tf': `
resource "aws_kms_key" "own" {
  deletion_window_in_days = 7
}
resource "aws_secretsmanager_secret" "app" {
  name                    = "tf/app"
  description             = "made by Terraform"
  kms_key_id              = aws_kms_key.own.arn
  recovery_window_in_days = 0
  tags                    = { team = "platform" }
}
resource "aws_secretsmanager_secret_version" "app" {
  secret_id     = aws_secretsmanager_secret.app.id
  secret_string = jsonencode({ user = "app", port = 5432 })
}
resource "aws_secretsmanager_secret_policy" "app" {
  secret_arn = aws_secretsmanager_secret.app.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::222222222222:root" }, Action = "secretsmanager:GetSecretValue", Resource = "*" }]
  })
}
data "aws_secretsmanager_secret_version" "read" {
  secret_id  = aws_secretsmanager_secret.app.id
  depends_on = [aws_secretsmanager_secret_version.app]
}
output "port" {
  value     = jsondecode(data.aws_secretsmanager_secret_version.read.secret_string).port
  sensitive = true
}
`,
        });
        succeeds(await tf('init'), 'init');
        succeeds(await tf('apply', '-auto-approve'), 'apply');
        assert.equal((await tf('output', '-raw', 'port')).stdout, '5432');
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 0, `the second plan is not empty: ${plan.text.slice(-4000)}`);
        assert.equal(JSON.parse(await value('tf/app')).user, 'app');
        succeeds(await tf('destroy', '-auto-approve'), 'destroy');
        await refuses(value('tf/app'), 'ResourceNotFoundException');
    });
});
