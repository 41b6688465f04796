import assert from 'node:assert/strict';
import test from 'node:test';
import * as kms from '@aws-sdk/client-kms';
import { refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('kms', async (t) => {
    const server = await Server.start(t);
    const client = server.client(kms.KMSClient);
    const send = (Command, input) => client.send(new Command(input));
    const { KeyMetadata: key } = await send(kms.CreateKeyCommand,
        { Description: 'artifacts', Tags: [{ TagKey: 'k', TagValue: 'v' }] });

    await t.test('a key is described by id, arn and alias', async () => {
        assert.equal(key.Arn, `arn:aws:kms:eu-west-2:111111111111:key/${key.KeyId}`);
        await send(kms.CreateAliasCommand, { AliasName: 'alias/artifacts', TargetKeyId: key.KeyId });
        for (const KeyId of [key.KeyId, key.Arn, 'alias/artifacts']) {
            const got = await send(kms.DescribeKeyCommand, { KeyId });
            assert.equal(got.KeyMetadata.KeyId, key.KeyId);
            assert.equal(got.KeyMetadata.KeyState, 'Enabled');
        }
        await refuses(send(kms.DescribeKeyCommand, { KeyId: 'alias/none' }), 'NotFoundException', { status: 400 });
    });

    await t.test('what it encrypts only the same context decrypts', async () => {
        const EncryptionContext = { purpose: 'test' };
        const { CiphertextBlob } = await send(kms.EncryptCommand,
            { KeyId: key.KeyId, Plaintext: Buffer.from('hello'), EncryptionContext });
        const open = await send(kms.DecryptCommand, { CiphertextBlob, EncryptionContext });
        assert.equal(Buffer.from(open.Plaintext).toString(), 'hello');
        await refuses(send(kms.DecryptCommand, { CiphertextBlob }), 'InvalidCiphertextException', { status: 400 });
        const bent = Buffer.from(CiphertextBlob);
        bent[bent.length - 1] ^= 1;
        await refuses(send(kms.DecryptCommand, { CiphertextBlob: bent, EncryptionContext }),
            'InvalidCiphertextException');
    });

    await t.test('data keys decrypt to themselves', async () => {
        const made = await send(kms.GenerateDataKeyCommand, { KeyId: key.KeyId, KeySpec: 'AES_256' });
        assert.equal(made.Plaintext.length, 32);
        const open = await send(kms.DecryptCommand, { CiphertextBlob: made.CiphertextBlob });
        assert.deepEqual(Buffer.from(open.Plaintext), Buffer.from(made.Plaintext));
    });

    await t.test('a disabled key and one that waits for deletion refuse', async () => {
        await send(kms.DisableKeyCommand, { KeyId: key.KeyId });
        await refuses(send(kms.EncryptCommand, { KeyId: key.KeyId, Plaintext: Buffer.from('x') }),
            'DisabledException', { status: 400 });
        await send(kms.EnableKeyCommand, { KeyId: key.KeyId });
        await send(kms.ScheduleKeyDeletionCommand, { KeyId: key.KeyId, PendingWindowInDays: 7 });
        const got = await send(kms.DescribeKeyCommand, { KeyId: key.KeyId });
        assert.equal(got.KeyMetadata.KeyState, 'PendingDeletion');
        await refuses(send(kms.EncryptCommand, { KeyId: key.KeyId, Plaintext: Buffer.from('x') }),
            'KMSInvalidStateException');
        await send(kms.CancelKeyDeletionCommand, { KeyId: key.KeyId });
    });

    await t.test('the account has its aws-managed keys', async () => {
        const got = await send(kms.DescribeKeyCommand, { KeyId: 'alias/aws/ssm' });
        assert.equal(got.KeyMetadata.KeyManager, 'AWS');
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'kms', 'list-aliases', '--query',
            "Aliases[?AliasName=='alias/artifacts'].TargetKeyId", '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), key.KeyId);
    });
});
