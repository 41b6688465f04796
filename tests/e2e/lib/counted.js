// A release whose AWS writes show when one is lost or doubled, and which says how far it has come.
import assert from 'node:assert/strict';
import * as cb from '@aws-sdk/client-codebuild';
import * as ddb from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, ListObjectVersionsCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterHistoryCommand, SSMClient } from '@aws-sdk/client-ssm';
import { World, buildspec, stages } from './release.js';

// A counter that only an unconditional ADD moves, a parameter and an object whose versions count.
// No client here tries again: what goes wrong shows.
const WRITES = `
import os, sys
from awscli.botocore.config import Config
from awscli.botocore.session import Session
step, first, last = os.environ["STEP"], int(sys.argv[1]), int(sys.argv[2])
config = Config(retries={"max_attempts": 1}, read_timeout=110)
table, parameters, bucket = (Session().create_client(name, region_name="eu-west-2", config=config)
                             for name in ("dynamodb", "ssm", "s3"))
for i in range(first, last + 1):
    table.update_item(TableName="counters", Key={"id": {"S": step}}, UpdateExpression="ADD n :one",
                      ExpressionAttributeValues={":one": {"N": "1"}})
    parameters.put_parameter(Name="/count/" + step, Type="String", Value=str(i), Overwrite=True)
    bucket.put_object(Bucket="counted-versions", Key=step, Body=(str(i) + "\\n").encode() * 40000)
    print("write", i, "done", flush=True)
`;

// Half of the writes in one process, half by one process each; then every command's own mark.
const commands = (writes) => {
    const half = Math.ceil(writes / 2);
    return [
        'echo "begin $CODEBUILD_BUILD_ID"',
        `python3 writes.py 1 ${half}`,
        ...Array.from({ length: writes - half }, (_, i) => `python3 writes.py ${half + i + 1} ${half + i + 1}`),
        'echo "end $CODEBUILD_BUILD_ID"',
    ];
};

export class Counted {
    // Source, a build, an approval, a build; each build makes `writes` times three writes.
    static async make(server, writes) {
        const world = await World.make(server, { files: { 'writes.py': WRITES } });
        const s3 = server.client(S3Client);
        await server.client(ddb.DynamoDBClient).send(new ddb.CreateTableCommand({
            TableName: 'counters', BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        }));
        await s3.send(new CreateBucketCommand({ Bucket: 'counted-versions', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
        await s3.send(new PutBucketVersioningCommand({ Bucket: 'counted-versions', VersioningConfiguration: { Status: 'Enabled' } }));
        for (const step of ['one', 'two']) {
            await world.project(`app-${step}`, buildspec(commands(writes)), { variables: [{ name: 'STEP', value: step }] });
        }
        await world.pipeline([
            stages.source(world), stages.build('Development', 'app-one'), stages.approval(), stages.build('Production', 'app-two'),
        ]);
        return new Counted(server, world, writes);
    }

    constructor(server, world, writes) {
        Object.assign(this, { server, world, writes });
    }

    async count(step) {
        const { Item } = await this.server.client(ddb.DynamoDBClient).send(new ddb.GetItemCommand(
            { TableName: 'counters', Key: { id: { S: step } }, ConsistentRead: true }));
        return Number(Item?.n?.N ?? 0);
    }

    // 0 at the start, +1 for each round of writes, +1 for the approval. A release that failed goes no
    // further: says why.
    async progress(id) {
        const failed = (await this.world.actions(id)).find((a) => a.status === 'Failed');
        if (failed) {
            const build = await this.world.built(failed.output.executionResult.externalExecutionId);
            assert.fail(`${failed.stageName} failed: ${await this.world.log(build)}`);
        }
        const approval = (await this.world.stage('Approve')).actionStates?.[0]?.latestExecution;
        return await this.count('one') + (approval ? 1 : 0) + await this.count('two');
    }

    // The release ended right, no command ran twice, no write was lost or doubled, no log line either.
    async verify(id) {
        const { world, writes } = this;
        const details = await world.actions(id);
        assert.deepEqual(details.map((a) => [a.stageName, a.status]).reverse(),
            [['Source', 'Succeeded'], ['Development', 'Succeeded'], ['Approve', 'Succeeded'], ['Production', 'Succeeded']]);
        assert.equal((await world.executions()).length, 1, 'one release');
        for (const step of ['one', 'two']) {
            await this.verifyWrites(step);
            const { ids } = await world.builds.send(new cb.ListBuildsForProjectCommand({ projectName: `app-${step}` }));
            assert.equal(ids.length, 1, `builds of ${step}: ${ids}`);
            const log = await world.log(await world.built(ids[0]));
            const lines = log.split('\n');
            const ran = lines.filter((l) => l.includes(' Running command ')).map((l) => l.split(' Running command ')[1]);
            assert.deepEqual(ran, commands(writes), `commands of ${step}: ${log}`);
            assert.deepEqual(lines.filter((l) => /^(begin|write|end) /.test(l)),
                [`begin ${ids[0]}`, ...Array.from({ length: writes }, (_, i) => `write ${i + 1} done`), `end ${ids[0]}`], log);
        }
    }

    async verifyWrites(step) {
        const numbers = Array.from({ length: this.writes }, (_, i) => `${i + 1}`);
        assert.equal(await this.count(step), this.writes, `writes of ${step}`);
        const { Parameters } = await this.server.client(SSMClient).send(new GetParameterHistoryCommand(
            { Name: `/count/${step}`, MaxResults: 50 }));
        assert.deepEqual(Parameters.map((p) => p.Value), numbers, `versions of the parameter of ${step}`);
        const s3 = this.server.client(S3Client);
        const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'counted-versions', Prefix: step }));
        const values = [];
        for (const { Key, VersionId } of Versions.reverse()) {
            const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'counted-versions', Key, VersionId }));
            const text = await Body.transformToString();
            const value = text.slice(0, text.indexOf('\n'));
            assert.equal(text, `${value}\n`.repeat(40000), `a whole object of ${step}`);
            values.push(value);
        }
        assert.deepEqual(values, numbers, `versions of the object of ${step}`);
    }
}
