// A full disk: calls that write fail and say so, nothing that was answered is lost, and when there
// is room again the same server goes on.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { Server, atEnd, run, temporary } from '../lib/server.js';

test('a full disk', async (t) => {
    const mount = join(temporary(t), 'small');
    mkdirSync(mount);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount]);
    if (mounted.status !== 0) {
        t.skip(`cannot mount a small file system: ${mounted.stderr.trim()}`);
        return;
    }
    atEnd(t, () => run('umount', ['-l', mount]));
    const server = new Server(join(mount, 'data'));
    atEnd(t, () => server.stop());
    await server.launch();
    const ssm = server.client(SSMClient);
    const s3 = server.client(S3Client);
    await s3.send(new CreateBucketCommand({ Bucket: 'full', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    await ssm.send(new PutParameterCommand({ Name: '/before', Value: '1', Type: 'String' }));

    const filler = join(mount, 'filler');
    await assert.rejects(async () => writeFileSync(filler, Buffer.alloc(32 << 20)), /ENOSPC/);

    await t.test('a write is refused as the service\'s fault, not answered as done', async () => {
        const written = [];
        let refused;
        for (let i = 0; i < 2000 && !refused; i += 1) {
            await ssm.send(new PutParameterCommand({ Name: `/full/${i}`, Value: 'x'.repeat(4000), Type: 'String' }))
                .then(() => written.push(i), (error) => { refused = error; });
        }
        assert.ok(refused, 'the disk never filled');
        assert.ok((refused.$metadata?.httpStatusCode ?? 500) >= 500, `${refused.name}: ${refused.message}`);
        await assert.rejects(s3.send(new PutObjectCommand({ Bucket: 'full', Key: 'k', Body: Buffer.alloc(8 << 20) })),
            (error) => (error.$metadata?.httpStatusCode ?? 500) >= 500);
        // The server may have ended itself (a write that cannot be made durable); it must not lie.
        rmSync(filler);
        if (server.child.exitCode !== null || server.child.signalCode !== null) {
            await server.launch();
        }
        const after = server.client(SSMClient);
        for (const i of written) {
            const got = await after.send(new GetParameterCommand({ Name: `/full/${i}` }));
            assert.equal(got.Parameter.Value.length, 4000);
        }
    });

    await t.test('with room again it goes on', async () => {
        const again = server.client(SSMClient);
        assert.equal((await again.send(new GetParameterCommand({ Name: '/before' }))).Parameter.Value, '1');
        await again.send(new PutParameterCommand({ Name: '/after', Value: '2', Type: 'String' }));
        await server.client(S3Client).send(new PutObjectCommand({ Bucket: 'full', Key: 'k', Body: 'x' }));
        assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.log);
    });
});
