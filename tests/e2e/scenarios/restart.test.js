// kill -9 of serve while a release runs: nothing is lost, nothing happens twice.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { GetParameterHistoryCommand, SSMClient } from '@aws-sdk/client-ssm';
import { until } from '../lib/expect.js';
import { World, buildspec, stages } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { withoutBuilds } from '../lib/tools.js';

const skip = withoutBuilds();

// Each write of a build is one that shows when it is lost or doubled: a counter that only an
// unconditional ADD moves, and a parameter whose versions count.
const writes = 5;
const steps = [
    'echo "begin $CODEBUILD_BUILD_ID"',
    `for i in $(seq ${writes}); do
  aws dynamodb update-item --table-name counters --key '{"id":{"S":"'$STEP'"}}' --update-expression 'ADD n :one' --expression-attribute-values '{":one":{"N":"1"}}' || exit 1
  aws ssm put-parameter --name "/count/$STEP" --type String --value "$i" --overwrite || exit 1
  echo "write $i done"
done`,
    'echo "command $(cat /tmp/once 2>/dev/null || echo first)"; echo again > /tmp/once',
];

async function prepare(server) {
    const world = await World.make(server);
    await server.client(ddb.DynamoDBClient).send(new ddb.CreateTableCommand({
        TableName: 'counters', BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }));
    for (const step of ['one', 'two']) {
        await world.project(`app-${step}`, buildspec(steps), { variables: [{ name: 'STEP', value: step }] });
    }
    await world.pipeline([
        stages.source(world), stages.build('One', 'app-one'), stages.approval(), stages.build('Two', 'app-two'),
    ]);
    return world;
}

async function counted(server, step) {
    const { Item } = await server.client(ddb.DynamoDBClient).send(new ddb.GetItemCommand(
        { TableName: 'counters', Key: { id: { S: step } }, ConsistentRead: true }));
    return Number(Item?.n?.N ?? 0);
}

// The release ended right, every command ran once, every write happened once.
async function verify(server, world, id) {
    const details = await world.actions(id);
    assert.deepEqual(details.map((a) => [a.actionName, a.status]).reverse(),
        [['Trunk', 'Succeeded'], ['Build', 'Succeeded'], ['Person', 'Succeeded'], ['Build', 'Succeeded']]);
    for (const step of ['one', 'two']) {
        assert.equal(await counted(server, step), writes, `writes of ${step}`);
        const { Parameters } = await server.client(SSMClient).send(new GetParameterHistoryCommand({ Name: `/count/${step}` }));
        assert.deepEqual(Parameters.map((p) => p.Value), Array.from({ length: writes }, (_, i) => `${i + 1}`));
    }
    for (const action of details.filter((a) => a.actionName === 'Build')) {
        const built = await world.built(action.output.executionResult.externalExecutionId);
        const log = await world.log(built);
        assert.equal(log.match(/^begin app-/gm)?.length, 1, log);
        for (let i = 1; i <= writes; i += 1) {
            assert.equal(log.match(new RegExp(`^write ${i} done$`, 'gm'))?.length, 1, `line of write ${i}: ${log}`);
        }
        assert.equal(log.match(/^command first$/gm)?.length, 1, log);
    }
}

test('kill -9 between two calls of a build, and while an approval waits', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await prepare(server);
    const id = await world.newest();
    await until('the build writes', async () => (await counted(server, 'one')) >= 3, { every_ms: 20 });
    await server.kill('SIGKILL');
    await server.launch();
    const token = await world.waiting(id);
    await server.kill('SIGKILL');
    await server.launch();
    assert.equal(await world.waiting(id), token, 'the approval still waits, with the same token');
    await world.answer(token);
    await server.kill('SIGKILL');
    await server.launch();
    assert.equal(await world.ended(id), 'Succeeded');
    await verify(server, world, id);
});

test('kill -9 at ten random moments of one release', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await prepare(server);
    const id = await world.newest();
    const seed = [];
    let answered = false;
    // The moments are drawn over the time that this release takes; one more kill each time it is up.
    const approve = async () => {
        if (answered) {
            return;
        }
        const stage = await world.stage('Approve');
        const action = stage.actionStates?.[0]?.latestExecution;
        if (stage.latestExecution?.pipelineExecutionId === id && action?.status === 'InProgress') {
            await world.answer(action.token).catch((error) => {
                if (!/ApprovalAlreadyCompleted|InvalidApprovalToken|ECONN|socket|fetch/i.test(`${error.name} ${error.code} ${error.message}`)) {
                    throw error;
                }
            });
        }
        if (action?.status === 'Succeeded') {
            answered = true;
        }
    };
    for (let kills = 0; kills < 10; kills += 1) {
        const moment = Date.now() + randomInt(30, 2500);
        seed.push(moment);
        await until('the moment', async () => {
            await approve();
            return Date.now() >= moment;
        }, { every_ms: 10 });
        await server.kill('SIGKILL');
        await server.launch();
    }
    const status = await until('the end of the release', async () => {
        await approve();
        const got = await world.execution(id);
        return got.status === 'InProgress' ? null : got.status;
    }, { timeout_ms: 180_000 });
    assert.equal(status, 'Succeeded', `kills at ${seed.map((m) => m - seed[0])}`);
    await verify(server, world, id);
});

test('what ended while serve was away is known when it is back', { skip }, async (t) => {
    const server = await Server.start(t);
    const world = await World.make(server);
    await world.project('app-short', buildspec(['echo before; sleep 0.5; echo after']), { pipeline: false });
    const cb = await import('@aws-sdk/client-codebuild');
    const { build } = await world.builds.send(new cb.StartBuildCommand({ projectName: 'app-short' }));
    await until('it runs', async () => (await world.builds.send(new cb.BatchGetBuildsCommand({ ids: [build.id] })))
        .builds[0].currentPhase === 'BUILD', { every_ms: 10 });
    await server.kill('SIGKILL');
    const directory = `${server.dir}/builds/${build.id.split(':')[1]}`;
    const { existsSync } = await import('node:fs');
    await until('it ended by itself', () => existsSync(`${directory}/exit.json`));
    await server.launch();
    const built = await world.built(build.id);
    assert.equal(built.buildStatus, 'SUCCEEDED');
    assert.match(await world.log(built), /before\nafter/);
});
