import assert from 'node:assert/strict';
import test from 'node:test';
import * as iam from '@aws-sdk/client-iam';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { pages, refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{
        Effect: 'Allow', Principal: { Service: 'codebuild.amazonaws.com' }, Action: 'sts:AssumeRole',
    }],
});
const reads = JSON.stringify({
    Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }],
});

test('iam', async (t) => {
    const server = await Server.start(t);
    const client = server.client(iam.IAMClient);
    const send = (Command, input) => client.send(new Command(input));

    await t.test('a role is kept as it was made', async () => {
        const made = await send(iam.CreateRoleCommand, {
            RoleName: 'build', Path: '/ci/', AssumeRolePolicyDocument: trust, Description: 'Builds',
            MaxSessionDuration: 7200, Tags: [{ Key: 'team', Value: 'platform' }],
        });
        assert.equal(made.Role.Arn, 'arn:aws:iam::111111111111:role/ci/build');
        assert.match(made.Role.RoleId, /^AROA/);
        const { Role: got } = await send(iam.GetRoleCommand, { RoleName: 'build' });
        assert.equal(got.MaxSessionDuration, 7200);
        assert.equal(got.Description, 'Builds');
        assert.deepEqual(JSON.parse(decodeURIComponent(got.AssumeRolePolicyDocument)), JSON.parse(trust));
        assert.deepEqual(got.Tags, [{ Key: 'team', Value: 'platform' }]);
        await refuses(
            send(iam.CreateRoleCommand, { RoleName: 'build', AssumeRolePolicyDocument: trust }),
            'EntityAlreadyExistsException', { status: 409 });
    });

    await t.test('a policy that is not one is refused', async () => {
        await refuses(
            send(iam.CreateRoleCommand, { RoleName: 'bad', AssumeRolePolicyDocument: '{"Version":' }),
            'MalformedPolicyDocumentException', { status: 400 });
        await refuses(
            send(iam.PutRolePolicyCommand, { RoleName: 'build', PolicyName: 'x', PolicyDocument: '{}' }),
            'MalformedPolicyDocumentException', { status: 400 });
    });

    await t.test('inline policies come and go', async () => {
        const name = { RoleName: 'build', PolicyName: 'read' };
        await send(iam.PutRolePolicyCommand, { ...name, PolicyDocument: reads });
        const got = await send(iam.GetRolePolicyCommand, name);
        assert.deepEqual(JSON.parse(decodeURIComponent(got.PolicyDocument)), JSON.parse(reads));
        assert.deepEqual((await send(iam.ListRolePoliciesCommand, { RoleName: 'build' })).PolicyNames,
            ['read']);
        await refuses(send(iam.DeleteRoleCommand, { RoleName: 'build' }), 'DeleteConflictException',
            { status: 409 });
        await send(iam.DeleteRolePolicyCommand, name);
        await refuses(send(iam.GetRolePolicyCommand, name), 'NoSuchEntityException', { status: 404 });
    });

    await t.test('a managed policy has versions and is attached', async () => {
        const { Policy: made } = await send(iam.CreatePolicyCommand,
            { PolicyName: 'reader', PolicyDocument: reads });
        assert.equal(made.Arn, 'arn:aws:iam::111111111111:policy/reader');
        await send(iam.AttachRolePolicyCommand, { RoleName: 'build', PolicyArn: made.Arn });
        const attached = await send(iam.ListAttachedRolePoliciesCommand, { RoleName: 'build' });
        assert.deepEqual(attached.AttachedPolicies, [{ PolicyName: 'reader', PolicyArn: made.Arn }]);
        assert.equal((await send(iam.GetPolicyCommand, { PolicyArn: made.Arn })).Policy.AttachmentCount, 1);
        const second = await send(iam.CreatePolicyVersionCommand,
            { PolicyArn: made.Arn, PolicyDocument: reads, SetAsDefault: true });
        assert.equal(second.PolicyVersion.VersionId, 'v2');
        await refuses(send(iam.DeletePolicyCommand, { PolicyArn: made.Arn }), 'DeleteConflictException');
        await send(iam.DetachRolePolicyCommand, { RoleName: 'build', PolicyArn: made.Arn });
        await send(iam.DeletePolicyVersionCommand, { PolicyArn: made.Arn, VersionId: 'v1' });
        await send(iam.DeletePolicyCommand, { PolicyArn: made.Arn });
        await refuses(send(iam.GetPolicyCommand, { PolicyArn: made.Arn }), 'NoSuchEntityException');
    });

    await t.test('many roles come in pages', async () => {
        for (let i = 0; i < 12; i += 1) {
            await send(iam.CreateRoleCommand,
                { RoleName: `many-${i}`, Path: '/many/', AssumeRolePolicyDocument: trust });
        }
        const { all, count } = await pages(
            (Marker) => send(iam.ListRolesCommand, { PathPrefix: '/many/', MaxItems: 5, Marker }),
            (page) => page.Roles, (page) => (page.IsTruncated ? page.Marker : undefined));
        assert.equal(new Set(all.map((r) => r.RoleName)).size, 12);
        assert.equal(count, 3);
    });

    await t.test('tags are added and taken away', async () => {
        await send(iam.TagRoleCommand, { RoleName: 'build', Tags: [{ Key: 'a', Value: '1' }] });
        await send(iam.UntagRoleCommand, { RoleName: 'build', TagKeys: ['team'] });
        assert.deepEqual((await send(iam.ListRoleTagsCommand, { RoleName: 'build' })).Tags,
            [{ Key: 'a', Value: '1' }]);
    });

    await t.test('a user has keys of its own, which end with it', async () => {
        await send(iam.CreateUserCommand, { UserName: 'ada' });
        const { AccessKey: key } = await send(iam.CreateAccessKeyCommand, { UserName: 'ada' });
        const sts = server.client(STSClient, 'shared-services', {
            credentials: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey },
        });
        assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn,
            'arn:aws:iam::111111111111:user/ada');
        await send(iam.UpdateAccessKeyCommand,
            { UserName: 'ada', AccessKeyId: key.AccessKeyId, Status: 'Inactive' });
        await refuses(sts.send(new GetCallerIdentityCommand({})), 'InvalidClientTokenId', { status: 403 });
        await send(iam.DeleteAccessKeyCommand, { UserName: 'ada', AccessKeyId: key.AccessKeyId });
        await send(iam.DeleteUserCommand, { UserName: 'ada' });
        await refuses(send(iam.GetUserCommand, { UserName: 'ada' }), 'NoSuchEntityException');
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'iam', 'get-role', '--role-name', 'build',
            '--query', 'Role.Arn', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), 'arn:aws:iam::111111111111:role/ci/build');
    });

    await t.test('what is not built says so', async () => {
        await refuses(send(iam.ListGroupsCommand, {}), 'InvalidAction', { status: 400 });
    });
});

test('what was refused can be looked up, with the statement that was missing', async (t) => {
    const server = await Server.start(t);
    const client = server.client(iam.IAMClient);
    const none = await server.tl('dev', 'denials');
    assert.equal(none.status, 0, none.stderr);
    assert.match(none.stdout, /Nothing was refused/);
    await client.send(new iam.CreateUserCommand({ UserName: 'guest' }));
    const { AccessKey: key } = await client.send(new iam.CreateAccessKeyCommand({ UserName: 'guest' }));
    const guest = server.client(SSMClient, 'shared-services', {
        credentials: { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey },
    });
    for (let i = 0; i < 2; i += 1) {
        await refuses(guest.send(new GetParameterCommand({ Name: '/secret/door' })), 'AccessDeniedException', { status: 400 });
    }
    const done = await server.tl('dev', 'denials', '--json');
    assert.equal(done.status, 0, done.stderr);
    const { denials } = JSON.parse(done.stdout);
    assert.equal(denials.length, 1);
    const [denial] = denials;
    assert.equal(denial.principal, 'arn:aws:iam::111111111111:user/guest');
    assert.equal(denial.action, 'ssm:GetParameter');
    assert.equal(denial.resource, 'arn:aws:ssm:eu-west-2:111111111111:parameter/secret/door');
    assert.equal(denial.count, 2);
    // The statement says what has to be added: with it, the call is allowed.
    await client.send(new iam.PutUserPolicyCommand({
        UserName: 'guest', PolicyName: 'missing',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [denial.statement] }),
    }));
    await refuses(guest.send(new GetParameterCommand({ Name: '/secret/door' })), 'ParameterNotFound', { status: 400 });
    const text = await server.tl('dev', 'denials', '--account', 'shared-services');
    assert.match(text.stdout, /ssm:GetParameter on arn:aws:ssm:eu-west-2:111111111111:parameter\/secret\/door/);
    assert.match(text.stdout, /user\/guest/);
    const elsewhere = await server.tl('dev', 'denials', '--account', 'production', '--json');
    assert.deepEqual(JSON.parse(elsewhere.stdout), { denials: [] });
    const wrong = await server.tl('dev', 'denials', '--limit', '0');
    assert.notEqual(wrong.status, 0);
    assert.match(wrong.stderr, /limit/);
});
