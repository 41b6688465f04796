import assert from 'node:assert/strict';
import test from 'node:test';
import * as star from '@aws-sdk/client-codestar-connections';
import { pages, refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('connections', async (t) => {
    const server = await Server.start(t);
    const client = server.client(star.CodeStarConnectionsClient);
    const send = (Command, input) => client.send(new Command(input));
    const { ConnectionArn } = await send(star.CreateConnectionCommand,
        { ConnectionName: 'trunk', ProviderType: 'GitHub', Tags: [{ Key: 'a', Value: 'b' }] });

    await t.test('a connection is pending until the handshake', async () => {
        assert.match(ConnectionArn, /^arn:aws:(codestar-connections|codeconnections):eu-west-2:111111111111:connection\/[0-9a-f-]{36}$/);
        assert.equal((await send(star.GetConnectionCommand, { ConnectionArn })).Connection.ConnectionStatus, 'PENDING');
        const done = await server.tl('connection', 'complete', 'trunk', '--url', 'file:///srv/git/{repository}.git');
        assert.equal(done.status, 0, done.stderr);
        assert.equal((await send(star.GetConnectionCommand, { ConnectionArn })).Connection.ConnectionStatus, 'AVAILABLE');
    });

    await t.test('both names of the service see it', async () => {
        const done = await server.aws('shared-services', 'codeconnections', 'list-connections',
            '--query', 'Connections[].ConnectionName', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), 'trunk');
    });

    await t.test('pages, tags, errors, deletion', async () => {
        for (let i = 0; i < 4; i += 1) {
            await send(star.CreateConnectionCommand, { ConnectionName: `c${i}`, ProviderType: 'GitHub' });
        }
        const { all } = await pages((NextToken) => send(star.ListConnectionsCommand, { MaxResults: 2, NextToken }),
            (page) => page.Connections, (page) => page.NextToken);
        assert.equal(all.length, 5);
        assert.deepEqual((await send(star.ListTagsForResourceCommand, { ResourceArn: ConnectionArn })).Tags, [{ Key: 'a', Value: 'b' }]);
        await send(star.DeleteConnectionCommand, { ConnectionArn });
        await refuses(send(star.GetConnectionCommand, { ConnectionArn }), 'ResourceNotFoundException', { status: 400 });
    });

    await t.test('a handshake with an unknown name says which', async () => {
        const done = await server.tl('connection', 'complete', 'nobody', '--url', 'file:///srv/git/x.git');
        assert.equal(done.status, 1, done.stdout);
        assert.match(done.stderr, /nobody/);
    });
});
