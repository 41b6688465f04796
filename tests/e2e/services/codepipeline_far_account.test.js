// A real account that takes connections and never answers: whoever waits for it is not everybody.
import assert from 'node:assert/strict';
import net from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { action } from '../lib/release.js';
import { Server, atEnd, temporary } from '../lib/server.js';

test('an account that does not answer', async (t) => {
    const dir = join(temporary(t), 'data');
    const server = await Server.start(t, { dir, env: { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' } });
    const sockets = [];
    const silent = net.createServer((socket) => { sockets.push(socket); socket.on('error', () => {}); });
    await new Promise((done) => { silent.listen(0, '127.0.0.1', done); });
    const end = () => {
        silent.close();
        sockets.forEach((socket) => socket.destroy());
    };
    atEnd(t, end); // before the server ends: it waits for who waits
    const added = await server.tl('account', 'add', 'real', '--aws', '--id', '123456789012', '--endpoint-url', `http://127.0.0.1:${silent.address().port}`);
    assert.equal(added.status, 0, added.stderr);
    server.options.args = ['--accept-any-key', '123456789012'];
    await server.launch();
    const client = new cp.CodePipelineClient({
        endpoint: server.url, region: 'eu-west-2', maxAttempts: 1, credentials: { accessKeyId: 'AKIAI44QH8DHBEXAMPLE', secretAccessKey: 'any' },
    });

    await t.test('a pipeline of its role is made, and the server goes on answering', async () => {
        const { name, stages } = { name: 'far', stages: [
            { name: 'Source', actions: [{ ...action('Source', 'S3', { S3Bucket: 'drops', S3ObjectKey: 'a.zip' }), inputArtifacts: [], outputArtifacts: [{ name: 'Out' }] }] },
            { name: 'Gate', actions: [{ ...action('Approval', 'Manual', {}), inputArtifacts: [] }] },
        ] };
        await client.send(new cp.CreatePipelineCommand({ pipeline: {
            name, stages, roleArn: 'arn:aws:iam::123456789012:role/pipeline', pipelineType: 'V2', artifactStore: { type: 'S3', location: 'artifacts' },
        } }));
        const { pipelineExecutionSummaries: all } = await client.send(new cp.ListPipelineExecutionsCommand({ pipelineName: name }));
        assert.equal(all.length, 1);
        assert.equal(all[0].status, 'InProgress');
    });
});
