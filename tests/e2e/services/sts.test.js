import assert from 'node:assert/strict';
import test from 'node:test';
import {
    AssumeRoleCommand, GetAccessKeyInfoCommand, GetCallerIdentityCommand, GetSessionTokenCommand,
    STSClient,
} from '@aws-sdk/client-sts';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { refuses } from '../lib/expect.js';
import { ACCOUNTS, Server } from '../lib/server.js';

const trusting = (principal, condition) => JSON.stringify({
    Version: '2012-10-17',
    Statement: [{
        Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole',
        ...(condition ? { Condition: condition } : {}),
    }],
});

const allowing = (action, resource = '*') => JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: action, Resource: resource }],
});

function credentials(answer) {
    const c = answer.Credentials;
    return {
        accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretAccessKey, sessionToken: c.SessionToken,
    };
}

test('sts', async (t) => {
    const server = await Server.start(t);

    await t.test('every account says who its key is', async () => {
        for (const [name, id] of Object.entries(ACCOUNTS)) {
            const answer = await server.client(STSClient, name).send(new GetCallerIdentityCommand({}));
            assert.equal(answer.Account, id);
            assert.match(answer.Arn, new RegExp(`^arn:aws:iam::${id}:`));
        }
    });

    await t.test('a key names its account', async () => {
        const sts = server.client(STSClient);
        const answer = await sts.send(new GetAccessKeyInfoCommand({
            AccessKeyId: server.keys.production.accessKeyId,
        }));
        assert.equal(answer.Account, ACCOUNTS.production);
    });

    await t.test('a wrong secret and an unknown key are refused by their own names', async () => {
        const wrong = server.client(STSClient, 'development', {
            credentials: {
                accessKeyId: server.keys.development.accessKeyId, secretAccessKey: 'x'.repeat(40),
            },
        });
        await refuses(wrong.send(new GetCallerIdentityCommand({})), 'SignatureDoesNotMatch', { status: 403 });
        const unknown = server.client(STSClient, 'development', {
            credentials: { accessKeyId: 'AKIAUNKNOWNKEY123456', secretAccessKey: 'x'.repeat(40) },
        });
        await refuses(unknown.send(new GetCallerIdentityCommand({})), 'InvalidClientTokenId', { status: 403 });
    });

    const iam = server.client(IAMClient, 'production');
    const root = `arn:aws:iam::${ACCOUNTS['shared-services']}:root`;
    await iam.send(new CreateRoleCommand({
        RoleName: 'deploy', AssumeRolePolicyDocument: trusting(root),
    }));
    await iam.send(new PutRolePolicyCommand({
        RoleName: 'deploy', PolicyName: 'parameters',
        PolicyDocument: allowing(['ssm:PutParameter', 'ssm:GetParameter'],
            'arn:aws:ssm:eu-west-2:444444444444:parameter/app/*'),
    }));
    const role = `arn:aws:iam::${ACCOUNTS.production}:role/deploy`;
    const sts = server.client(STSClient);

    await t.test('a role of another account is assumed, and its policies bind', async () => {
        const answer = await sts.send(new AssumeRoleCommand({
            RoleArn: role, RoleSessionName: 'ci-build-7', DurationSeconds: 900,
        }));
        assert.equal(answer.AssumedRoleUser.Arn,
            `arn:aws:sts::${ACCOUNTS.production}:assumed-role/deploy/ci-build-7`);
        assert.match(answer.AssumedRoleUser.AssumedRoleId, /^AROA[A-Z0-9]{16,17}:ci-build-7$/);
        const ends = answer.Credentials.Expiration.getTime() - Date.now();
        assert.ok(Math.abs(ends - 900_000) < 30_000, `expires in ${ends} ms`);

        const session = { credentials: credentials(answer) };
        const who = await server.client(STSClient, 'production', session)
            .send(new GetCallerIdentityCommand({}));
        assert.equal(who.Account, ACCOUNTS.production);
        const ssm = server.client(SSMClient, 'production', session);
        await ssm.send(new PutParameterCommand({ Name: '/app/x', Value: '1', Type: 'String' }));
        const denied = await refuses(
            ssm.send(new PutParameterCommand({ Name: '/other/x', Value: '1', Type: 'String' })),
            'AccessDeniedException', { status: 400 });
        assert.match(denied.message, /assumed-role\/deploy\/ci-build-7/);
        assert.match(denied.message, /ssm:PutParameter/);
    });

    await t.test('a session policy takes away, and never adds', async () => {
        const answer = await sts.send(new AssumeRoleCommand({
            RoleArn: role, RoleSessionName: 'reader', Policy: allowing(['ssm:GetParameter', 's3:*']),
        }));
        const ssm = server.client(SSMClient, 'production', { credentials: credentials(answer) });
        assert.equal((await ssm.send(new GetParameterCommand({ Name: '/app/x' }))).Parameter.Value, '1');
        await refuses(
            ssm.send(new PutParameterCommand({ Name: '/app/y', Value: '1', Type: 'String' })),
            'AccessDeniedException');
    });

    await t.test('who is not trusted may not assume', async () => {
        const other = server.client(STSClient, 'development');
        const error = await refuses(
            other.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'guest' })),
            'AccessDenied', { status: 403 });
        assert.match(error.message, /not authorized to perform: sts:AssumeRole/);
    });

    await t.test('a role that does not exist is refused like one that does not trust', async () => {
        await refuses(sts.send(new AssumeRoleCommand({
            RoleArn: `arn:aws:iam::${ACCOUNTS.production}:role/nobody`, RoleSessionName: 'guest',
        })), 'AccessDenied', { status: 403 });
    });

    await t.test('an external id must be the agreed one', async () => {
        await iam.send(new CreateRoleCommand({
            RoleName: 'external',
            AssumeRolePolicyDocument: trusting(root, { StringEquals: { 'sts:ExternalId': 'agreed' } }),
        }));
        const ask = (ExternalId) => sts.send(new AssumeRoleCommand({
            RoleArn: `arn:aws:iam::${ACCOUNTS.production}:role/external`, RoleSessionName: 'guest', ExternalId,
        }));
        await refuses(ask(undefined), 'AccessDenied');
        await refuses(ask('guessed'), 'AccessDenied');
        assert.ok((await ask('agreed')).Credentials.SessionToken);
    });

    await t.test('a chained session lasts one hour at most', async () => {
        await iam.send(new CreateRoleCommand({
            RoleName: 'second', AssumeRolePolicyDocument: trusting(role), MaxSessionDuration: 43200,
        }));
        await iam.send(new PutRolePolicyCommand({
            RoleName: 'deploy', PolicyName: 'chain', PolicyDocument: allowing('sts:AssumeRole'),
        }));
        const first = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'one' }));
        const chained = server.client(STSClient, 'production', { credentials: credentials(first) });
        const second = {
            RoleArn: `arn:aws:iam::${ACCOUNTS.production}:role/second`, RoleSessionName: 'two',
        };
        await refuses(chained.send(new AssumeRoleCommand({ ...second, DurationSeconds: 3601 })),
            'ValidationError', { status: 400 });
        assert.ok((await chained.send(new AssumeRoleCommand(second))).Credentials);
    });

    await t.test('a session name keeps to its alphabet', async () => {
        await refuses(sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'a b' })),
            'ValidationError', { status: 400 });
    });

    await t.test('a session without its token is not known', async () => {
        const answer = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'guest' }));
        const { accessKeyId, secretAccessKey } = credentials(answer);
        const half = server.client(STSClient, 'production', {
            credentials: { accessKeyId, secretAccessKey },
        });
        await refuses(half.send(new GetCallerIdentityCommand({})), 'InvalidClientTokenId', { status: 403 });
    });

    await t.test('sessions survive a restart', async () => {
        const answer = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'kept' }));
        await server.restart('SIGKILL');
        const who = await server.client(STSClient, 'production', { credentials: credentials(answer) })
            .send(new GetCallerIdentityCommand({}));
        assert.match(who.Arn, /assumed-role\/deploy\/kept$/);
    });

    await t.test('GetSessionToken needs a user, not the root', async () => {
        const client = server.client(STSClient);
        try {
            const answer = await client.send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
            assert.ok(answer.Credentials.SessionToken);
        } catch (error) {
            assert.equal(error.$metadata.httpStatusCode, 403);
        }
    });
});
