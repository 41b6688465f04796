import assert from 'node:assert/strict';
import test from 'node:test';
import * as ssm from '@aws-sdk/client-ssm';
import { pages, refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('ssm', async (t) => {
    const server = await Server.start(t);
    const client = server.client(ssm.SSMClient);
    const send = (Command, input) => client.send(new Command(input));

    await t.test('a parameter has versions, and is not overwritten by accident', async () => {
        const put = { Name: '/app/development/name', Value: 'one', Type: 'String' };
        assert.equal((await send(ssm.PutParameterCommand, put)).Version, 1);
        await refuses(send(ssm.PutParameterCommand, put), 'ParameterAlreadyExists', { status: 400 });
        const again = await send(ssm.PutParameterCommand, { ...put, Value: 'two', Overwrite: true });
        assert.equal(again.Version, 2);
        const { Parameter: got } = await send(ssm.GetParameterCommand, { Name: put.Name });
        assert.equal(got.Value, 'two');
        assert.equal(got.ARN, 'arn:aws:ssm:eu-west-2:111111111111:parameter/app/development/name');
        assert.equal((await send(ssm.GetParameterCommand, { Name: `${put.Name}:1` })).Parameter.Value, 'one');
        const history = await send(ssm.GetParameterHistoryCommand, { Name: put.Name });
        assert.deepEqual(history.Parameters.map((p) => [p.Version, p.Value]), [[1, 'one'], [2, 'two']]);
    });

    await t.test('a SecureString is sealed at rest and opened on demand', async () => {
        const secret = 'correct horse battery staple';
        await send(ssm.PutParameterCommand, { Name: '/app/secret', Value: secret, Type: 'SecureString' });
        const closed = (await send(ssm.GetParameterCommand, { Name: '/app/secret' })).Parameter;
        assert.equal(closed.Type, 'SecureString');
        assert.notEqual(closed.Value, secret);
        const open = await send(ssm.GetParameterCommand, { Name: '/app/secret', WithDecryption: true });
        assert.equal(open.Parameter.Value, secret);
        const { readFileSync, readdirSync } = await import('node:fs');
        for (const file of readdirSync(server.dir).filter((name) => /^trunkline\.db/.test(name))) {
            assert.ok(!readFileSync(`${server.dir}/${file}`).includes(secret), `${file} holds the secret`);
        }
    });

    await t.test('ten at a time, and the missing ones are named', async () => {
        const Names = ['/app/secret', '/app/development/name', '/app/missing'];
        const got = await send(ssm.GetParametersCommand, { Names, WithDecryption: true });
        assert.deepEqual(got.Parameters.map((p) => p.Name).sort(), Names.slice(0, 2).sort());
        assert.deepEqual(got.InvalidParameters, ['/app/missing']);
        await refuses(send(ssm.GetParametersCommand, {
            Names: Array.from({ length: 11 }, (_, i) => `/n/${i}`),
        }), 'ValidationException', { status: 400 });
        await refuses(send(ssm.GetParameterCommand, { Name: '/app/missing' }), 'ParameterNotFound',
            { status: 400 });
    });

    await t.test('a path is read in pages, recursive or not', async () => {
        for (let i = 0; i < 13; i += 1) {
            await send(ssm.PutParameterCommand, { Name: `/many/a/p${i}`, Value: `${i}`, Type: 'String' });
        }
        await send(ssm.PutParameterCommand, { Name: '/many/top', Value: 'x', Type: 'String' });
        await send(ssm.PutParameterCommand, { Name: '/manyother', Value: 'x', Type: 'String' });
        const read = (Recursive) => pages(
            (NextToken) => send(ssm.GetParametersByPathCommand, { Path: '/many', Recursive, NextToken, MaxResults: 5 }),
            (page) => page.Parameters, (page) => page.NextToken);
        const deep = await read(true);
        assert.equal(deep.all.length, 14);
        assert.ok(deep.count >= 3);
        assert.equal((await read(false)).all.length, 1);
        await refuses(send(ssm.GetParametersByPathCommand, { Path: '/many', NextToken: 'forged' }),
            'InvalidNextToken', { status: 400 });
    });

    await t.test('names and values keep to their limits', async () => {
        await refuses(send(ssm.PutParameterCommand, { Name: 'has space', Value: 'x', Type: 'String' }),
            'ValidationException');
        await refuses(send(ssm.PutParameterCommand, { Name: '/big', Value: 'x'.repeat(4097), Type: 'String' }),
            'ValidationException');
        await refuses(send(ssm.PutParameterCommand, { Name: '/aws/x', Value: 'x', Type: 'String' }),
            'AccessDeniedException');
    });

    await t.test('tags, labels and filters', async () => {
        await send(ssm.AddTagsToResourceCommand,
            { ResourceType: 'Parameter', ResourceId: '/app/secret', Tags: [{ Key: 'k', Value: 'v' }] });
        const tags = await send(ssm.ListTagsForResourceCommand,
            { ResourceType: 'Parameter', ResourceId: '/app/secret' });
        assert.deepEqual(tags.TagList, [{ Key: 'k', Value: 'v' }]);
        await send(ssm.LabelParameterVersionCommand,
            { Name: '/app/development/name', ParameterVersion: 1, Labels: ['stable'] });
        assert.equal((await send(ssm.GetParameterCommand, { Name: '/app/development/name:stable' })).Parameter.Value, 'one');
        const found = await send(ssm.DescribeParametersCommand,
            { ParameterFilters: [{ Key: 'Type', Option: 'Equals', Values: ['SecureString'] }] });
        assert.deepEqual(found.Parameters.map((p) => p.Name), ['/app/secret']);
    });

    await t.test('accounts do not see each other, and deleting deletes', async () => {
        const other = server.client(ssm.SSMClient, 'production');
        await refuses(other.send(new ssm.GetParameterCommand({ Name: '/app/secret' })), 'ParameterNotFound');
        await send(ssm.DeleteParameterCommand, { Name: '/app/secret' });
        await refuses(send(ssm.DeleteParameterCommand, { Name: '/app/secret' }), 'ParameterNotFound');
        const many = await send(ssm.DeleteParametersCommand, { Names: ['/many/top', '/nothing'] });
        assert.deepEqual(many.DeletedParameters, ['/many/top']);
        assert.deepEqual(many.InvalidParameters, ['/nothing']);
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'ssm', 'get-parameters-by-path', '--path', '/app',
            '--recursive', '--query', 'Parameters[].Name', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.match(done.stdout, /\/app\/development\/name/);
    });
});
