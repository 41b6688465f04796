import assert from 'node:assert/strict';
import test from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { pages, refuses } from '../lib/expect.js';
import { Server } from '../lib/server.js';

test('dynamodb', async (t) => {
    const server = await Server.start(t);
    const client = server.client(ddb.DynamoDBClient);
    const send = (Command, input) => client.send(new Command(input));
    const TableName = 'locks';
    const made = await send(ddb.CreateTableCommand, {
        TableName, BillingMode: 'PAY_PER_REQUEST', Tags: [{ Key: 'a', Value: 'b' }],
        AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }],
    });

    await t.test('a table is active at once and described', async () => {
        assert.equal(made.TableDescription.TableArn, 'arn:aws:dynamodb:eu-west-2:111111111111:table/locks');
        const { Table } = await send(ddb.DescribeTableCommand, { TableName });
        assert.equal(Table.TableStatus, 'ACTIVE');
        assert.equal(Table.BillingModeSummary.BillingMode, 'PAY_PER_REQUEST');
        await refuses(send(ddb.DescribeTableCommand, { TableName: 'none' }), 'ResourceNotFoundException', { status: 400 });
        await refuses(send(ddb.CreateTableCommand, {
            TableName, BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ AttributeName: 'x', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'x', KeyType: 'HASH' }],
        }), 'ResourceInUseException');
    });

    await t.test('a lock is taken once, whoever tries', async () => {
        const take = (who) => send(ddb.PutItemCommand, {
            TableName, Item: { LockID: { S: 'state' }, Info: { S: who } },
            ConditionExpression: 'attribute_not_exists(LockID)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        });
        const tries = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => take(`w${i}`)));
        const won = tries.filter((r) => r.status === 'fulfilled');
        assert.equal(won.length, 1);
        const lost = tries.find((r) => r.status === 'rejected').reason;
        assert.equal(lost.name, 'ConditionalCheckFailedException');
        assert.equal(lost.$metadata.httpStatusCode, 400);
        assert.equal(lost.Item.LockID.S, 'state');
        const { Item } = await send(ddb.GetItemCommand, { TableName, Key: { LockID: { S: 'state' } }, ConsistentRead: true });
        const Info = Item.Info.S;
        await refuses(send(ddb.DeleteItemCommand, {
            TableName, Key: { LockID: { S: 'state' } }, ConditionExpression: 'Info = :i',
            ExpressionAttributeValues: { ':i': { S: 'someone' } },
        }), 'ConditionalCheckFailedException');
        await send(ddb.DeleteItemCommand, {
            TableName, Key: { LockID: { S: 'state' } }, ConditionExpression: 'Info = :i',
            ExpressionAttributeValues: { ':i': { S: Info } },
        });
        assert.equal((await send(ddb.GetItemCommand, { TableName, Key: { LockID: { S: 'state' } } })).Item, undefined);
    });

    await t.test('updates compute, and give back what was asked', async () => {
        const Key = { LockID: { S: 'count' } };
        const add = () => send(ddb.UpdateItemCommand, {
            TableName, Key, UpdateExpression: 'SET #n = if_not_exists(#n, :z) + :one, l = list_append(if_not_exists(l, :e), :v)',
            ExpressionAttributeNames: { '#n': 'n' },
            ExpressionAttributeValues: { ':z': { N: '0' }, ':one': { N: '1' }, ':e': { L: [] }, ':v': { L: [{ S: 'x' }] } },
            ReturnValues: 'ALL_NEW',
        });
        await Promise.all(Array.from({ length: 20 }, add));
        const { Attributes } = await add();
        assert.equal(Attributes.n.N, '21');
        assert.equal(Attributes.l.L.length, 21);
        await refuses(send(ddb.UpdateItemCommand, { TableName, Key, UpdateExpression: 'SET n = :missing' }),
            'ValidationException', { status: 400 });
    });

    await t.test('a table with a sort key is queried in order and in pages', async () => {
        await send(ddb.CreateTableCommand, {
            TableName: 'events', BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }, { AttributeName: 's', AttributeType: 'N' }],
            KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }, { AttributeName: 's', KeyType: 'RANGE' }],
        });
        for (const batch of [0, 20]) {
            await send(ddb.BatchWriteItemCommand, {
                RequestItems: {
                    events: Array.from({ length: 20 }, (_, i) => ({
                        PutRequest: { Item: { p: { S: 'a' }, s: { N: `${batch + i}` }, odd: { BOOL: i % 2 === 1 } } },
                    })),
                },
            });
        }
        const query = (extra) => pages(
            (ExclusiveStartKey) => send(ddb.QueryCommand, {
                TableName: 'events', KeyConditionExpression: 'p = :p AND s >= :s', Limit: 7, ExclusiveStartKey,
                ...extra,
                ExpressionAttributeValues: { ':p': { S: 'a' }, ':s': { N: '5' }, ...extra?.ExpressionAttributeValues },
            }), (page) => page.Items, (page) => page.LastEvaluatedKey);
        assert.deepEqual((await query()).all.map((i) => Number(i.s.N)), Array.from({ length: 35 }, (_, i) => i + 5));
        const odd = await query({ FilterExpression: 'odd = :t', ExpressionAttributeValues: { ':t': { BOOL: true } } });
        assert.equal(odd.all.length, 18);
        const down = await query({ ScanIndexForward: false });
        assert.equal(down.all[0].s.N, '39');
        const scanned = await pages((ExclusiveStartKey) => send(ddb.ScanCommand, { TableName: 'events', Limit: 9, ExclusiveStartKey }),
            (page) => page.Items, (page) => page.LastEvaluatedKey);
        assert.equal(scanned.all.length, 40);
    });

    await t.test('a transaction is all or nothing', async () => {
        const put = (id, extra) => ({ Put: { TableName, Item: { LockID: { S: id } }, ...extra } });
        const error = await refuses(send(ddb.TransactWriteItemsCommand, {
            TransactItems: [put('t1'), put('count', { ConditionExpression: 'attribute_not_exists(LockID)' })],
        }), 'TransactionCanceledException', { status: 400 });
        assert.deepEqual(error.CancellationReasons.map((r) => r.Code), ['None', 'ConditionalCheckFailed']);
        assert.equal((await send(ddb.GetItemCommand, { TableName, Key: { LockID: { S: 't1' } } })).Item, undefined);
    });

    await t.test('the item keeps every type, exactly', async () => {
        const Item = {
            LockID: { S: 'types' }, n: { N: '12345678901234567890.5' }, b: { B: new Uint8Array([0, 1, 255]) },
            ss: { SS: ['a', 'b'] }, m: { M: { deep: { L: [{ NULL: true }, { BOOL: false }] } } },
        };
        await send(ddb.PutItemCommand, { TableName, Item });
        const got = (await send(ddb.GetItemCommand, { TableName, Key: { LockID: { S: 'types' } } })).Item;
        assert.deepEqual({ ...got, b: { B: new Uint8Array(got.b.B) } }, Item);
        await refuses(send(ddb.PutItemCommand, { TableName, Item: { LockID: { N: '1' } } }), 'ValidationException');
    });

    await t.test('tags and deletion', async () => {
        const tags = await send(ddb.ListTagsOfResourceCommand, { ResourceArn: made.TableDescription.TableArn });
        assert.deepEqual(tags.Tags, [{ Key: 'a', Value: 'b' }]);
        await send(ddb.DeleteTableCommand, { TableName: 'events' });
        assert.deepEqual((await send(ddb.ListTablesCommand, {})).TableNames, ['locks']);
    });

    await t.test('the command line reads the same', async () => {
        const done = await server.aws('shared-services', 'dynamodb', 'get-item', '--table-name', TableName,
            '--key', '{"LockID":{"S":"count"}}', '--query', 'Item.n.N', '--output', 'text');
        assert.equal(done.status, 0, done.stderr);
        assert.equal(done.stdout.trim(), '21');
    });
});
