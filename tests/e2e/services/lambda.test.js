import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import * as lambda from '@aws-sdk/client-lambda';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { refuses } from '../lib/expect.js';
import { Server, run, temporary } from '../lib/server.js';
import { without } from '../lib/tools.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

test('lambda', { skip: without('zip') }, async (t) => {
    const server = await Server.start(t);
    const client = server.client(lambda.LambdaClient);
    const send = (Command, input) => client.send(new Command(input));
    await server.client(IAMClient).send(new CreateRoleCommand({
        RoleName: 'fn', AssumeRolePolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        }),
    }));
    const dir = temporary(t);
    writeFileSync(join(dir, 'index.py'), 'def handler(event, context):\n    return 1\n');
    await run('zip', ['-q', 'code.zip', 'index.py'], { cwd: dir });
    const ZipFile = readFileSync(join(dir, 'code.zip'));
    const FunctionName = 'shipper';

    await t.test('a function is deployed, with the digest of its code', async () => {
        const made = await send(lambda.CreateFunctionCommand, {
            FunctionName, Runtime: 'python3.11', Handler: 'index.handler', Role: 'arn:aws:iam::111111111111:role/fn',
            Code: { ZipFile }, Environment: { Variables: { A: '1' } }, Tags: { team: 'x' }, Timeout: 5,
        });
        assert.equal(made.FunctionArn, 'arn:aws:lambda:eu-west-2:111111111111:function:shipper');
        assert.equal(made.CodeSha256, createHash('sha256').update(ZipFile).digest('base64'));
        const got = await send(lambda.GetFunctionCommand, { FunctionName });
        assert.equal(got.Configuration.State, 'Active');
        assert.deepEqual(got.Configuration.Environment.Variables, { A: '1' });
        assert.deepEqual(got.Tags, { team: 'x' });
    });

    await t.test('its configuration is updated, and it is listed', async () => {
        await send(lambda.UpdateFunctionConfigurationCommand, { FunctionName, Timeout: 9 });
        assert.equal((await send(lambda.GetFunctionConfigurationCommand, { FunctionName })).Timeout, 9);
        assert.deepEqual((await send(lambda.ListFunctionsCommand, {})).Functions.map((f) => f.FunctionName), [FunctionName]);
    });

    await t.test('who may invoke it is kept', async () => {
        await send(lambda.AddPermissionCommand, {
            FunctionName, StatementId: 'logs', Action: 'lambda:InvokeFunction', Principal: 'logs.amazonaws.com',
        });
        const policy = JSON.parse((await send(lambda.GetPolicyCommand, { FunctionName })).Policy);
        assert.equal(policy.Statement[0].Sid, 'logs');
    });

    await t.test('it is not run, and says so', async () => {
        await assert.rejects(send(lambda.InvokeCommand, { FunctionName }), (error) => {
            assert.ok(error.$metadata.httpStatusCode >= 400, error.message);
            assert.match(error.message, /not run|control plane|limits/i);
            return true;
        });
    });

    await t.test('errors', async () => {
        await refuses(send(lambda.GetFunctionCommand, { FunctionName: 'none' }), 'ResourceNotFoundException', { status: 404 });
        await refuses(send(lambda.CreateFunctionCommand, {
            FunctionName, Runtime: 'python3.11', Handler: 'h', Role: 'arn:aws:iam::111111111111:role/fn', Code: { ZipFile },
        }), 'ResourceConflictException', { status: 409 });
        await send(lambda.DeleteFunctionCommand, { FunctionName });
        await refuses(send(lambda.GetFunctionCommand, { FunctionName }), 'ResourceNotFoundException');
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'lambda', 'list-functions', '--query', 'length(Functions)', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), '0');
    });
});
