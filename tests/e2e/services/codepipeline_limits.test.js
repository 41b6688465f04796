// Every constraint of a pipeline's structure over the wire: one below, at and above it, with the
// exception that CodePipeline's clients know. A row names the constraint. What a limit lets through
// is really kept: the pipeline is updated to it.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { refuses } from '../lib/expect.js';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';

const a = (n) => 'a'.repeat(n);
const many = (n, make) => Array.from({ length: n }, (x, i) => make(i + 1));
const typed = (category, provider) => ({ category, owner: 'AWS', provider, version: '1' });
const trunk = (n) => ({
    name: `T${n}`, actionTypeId: typed('Source', 'CodeStarSourceConnection'),
    configuration: {
        ConnectionArn: 'arn:aws:codeconnections:eu-west-2:111111111111:connection/00000000-0000-0000-0000-000000000000',
        FullRepositoryId: 'local/app', BranchName: 'main', DetectChanges: 'false',
    },
    outputArtifacts: [{ name: `t${n}` }],
});
const person = (n) => ({ name: `a${n}`, actionTypeId: typed('Approval', 'Manual') });
const shell = (rest) => ({ name: 'r', ruleTypeId: { ...typed('Rule', 'Commands') }, commands: ['true'], ...rest });
const alarm = (n) => ({ name: `r${n}`, ruleTypeId: typed('Rule', 'CloudWatchAlarm'), configuration: { AlarmName: 'a' } });
const pushed = (n) => ({
    providerType: 'CodeStarSourceConnection', gitConfiguration: { sourceActionName: `T${n}`, push: [{ tags: { includes: ['v'] } }] },
});

const structure = () => ({
    name: 'limits',
    roleArn: 'arn:aws:iam::111111111111:role/pipeline',
    pipelineType: 'V2',
    artifactStore: { type: 'S3', location: 'artifacts' },
    variables: [{ name: 'v' }],
    triggers: [pushed(1)],
    stages: [
        { name: 'Source', actions: [trunk(1)] },
        {
            name: 'Build',
            beforeEntry: { conditions: [{ result: 'FAIL', rules: [alarm(1)] }] },
            actions: [
                { name: 'Unit', actionTypeId: typed('Build', 'CodeBuild'), configuration: { ProjectName: 'unit' },
                    inputArtifacts: [{ name: 't1' }] },
                { name: 'Shell', runOrder: 2, actionTypeId: typed('Compute', 'Commands'), commands: ['true'],
                    inputArtifacts: [{ name: 't1' }], outputArtifacts: [{ name: 'out', files: ['f'] }], outputVariables: ['V'],
                    environmentVariables: [{ name: 'E', value: 'v' }] },
            ],
        },
        { name: 'Approve', actions: [person(1)] },
    ],
});

const unit = (p) => p.stages[1].actions[0];
const commands = (p) => p.stages[1].actions[1];
const approval = (p) => p.stages[2].actions[0];
const condition = (p) => p.stages[1].beforeEntry.conditions[0];
const byRegion = (p, ...regions) => {
    p.artifactStores = Object.fromEntries(['eu-west-2', ...regions].map((r) => [r, p.artifactStore]));
    delete p.artifactStore;
};
// Triggers of 50 sources whose JSON has exactly so many bytes.
const triggersOf = (p, bytes) => {
    p.stages[0].actions = many(50, trunk);
    p.triggers = many(50, pushed);
    for (const t of p.triggers) {
        const { tags } = t.gitConfiguration.push[0];
        for (const list of ['excludes', 'includes']) {
            tags[list] ??= [];
            while (tags[list].length < 8 && JSON.stringify(p.triggers).length < bytes - 600) {
                tags[list].push(a(255));
            }
            if (tags[list].length === 0) {
                delete tags[list];
            }
        }
    }
    let rest = bytes - JSON.stringify(p.triggers).length;
    for (const t of p.triggers) {
        const { includes } = t.gitConfiguration.push[0].tags;
        const grown = Math.min(rest, 254);
        includes[0] += a(grown);
        rest -= grown;
    }
    assert.equal(JSON.stringify(p.triggers).length, bytes);
};

const V = 'ValidationException';
// [the constraint, what puts a value into a structure, a value below, at, above, what is said of the one
// below and above: null where it is taken, and of the one at the limit where that is refused for another reason].
const rows = [
    ['roleArn: at most 1024', (p, n) => { p.roleArn = `arn:aws:iam::111111111111:role/${a(n - 31)}`; }, 1023, 1024, 1025,
        'InvalidStructureException', V, 'InvalidStructureException'], // no role has a name that long
    ['roleArn: 12 digits', (p, n) => { p.roleArn = `arn:aws:iam::${'1'.repeat(n)}:role/pipeline`; }, 11, 12, 13, V, V],
    ['artifactStore.location: at least 3', (p, n) => { p.artifactStore.location = a(n); }, 2, 3, 4, V],
    ['artifactStore.location: at most 63', (p, n) => { p.artifactStore.location = a(n); }, 62, 63, 64, null, V],
    ['encryptionKey.id: at least 1', (p, n) => { p.artifactStore.encryptionKey = { id: a(n), type: 'KMS' }; }, 0, 1, 2, V],
    ['encryptionKey.id: at most 400', (p, n) => { p.artifactStore.encryptionKey = { id: a(n), type: 'KMS' }; }, 399, 400, 401, null, V],
    ['artifactStores: the pipeline\'s region', (p, n) => {
        p.artifactStores = { [['us-east-1', 'eu-west-2'][n]]: p.artifactStore };
        delete p.artifactStore;
    }, 0, 1, null, 'InvalidStructureException'],
    ['artifactStore or artifactStores: exactly one', (p, n) => {
        p.artifactStores = n > 1 ? { 'eu-west-2': p.artifactStore } : undefined;
        p.artifactStore = n > 0 ? p.artifactStore : undefined;
    }, 0, 1, 2, 'InvalidStructureException', 'InvalidStructureException'],
    ['region of a store: at least 4', (p, n) => byRegion(p, a(n)), 3, 4, 5, V],
    ['region of a store: at most 30', (p, n) => byRegion(p, a(n)), 29, 30, 31, null, V],
    ['region of an action: at least 4', (p, n) => { byRegion(p, a(Math.max(n, 4))); unit(p).region = a(n); }, 3, 4, 5, V],
    ['region of an action: at most 30', (p, n) => { byRegion(p, a(Math.min(n, 30))); unit(p).region = a(n); }, 29, 30, 31, null, V],
    ['stages: at least 2', (p, n) => { p.stages = [p.stages[0], p.stages[2]].slice(0, n); }, 1, 2, null, 'InvalidStructureException'],
    ['stages: at most 50', (p, n) => { p.stages = [p.stages[0], ...many(n - 1, (i) => ({ name: `s${i}`, actions: [person(1)] }))]; },
        49, 50, 51, null, 'InvalidStructureException'],
    ['stage\'s name: at least 1', (p, n) => { p.stages[1].name = a(n); }, 0, 1, 2, V],
    ['stage\'s name: at most 100', (p, n) => { p.stages[1].name = a(n); }, 99, 100, 101, null, V],
    ['actions of a stage: at least 1', (p, n) => { p.stages[2].actions = many(n, person); }, 0, 1, 2, 'InvalidStageDeclarationException'],
    ['actions of a stage: at most 50', (p, n) => { p.stages[2].actions = many(n, person); }, 49, 50, 51, null,
        'InvalidStageDeclarationException'],
    ['actions of a pipeline: at most 1000', (p, n) => {
        p.stages = [{ name: 'Source', actions: many(n - 980, trunk) }, ...many(49, (i) => ({ name: `s${i}`, actions: many(20, person) }))];
    }, 999, 1000, 1001, null, 'LimitExceededException'],
    ['variables: at most 50', (p, n) => { p.variables = many(n, (i) => ({ name: `v${i}` })); }, 49, 50, 51, null, V],
    ['variable\'s name: at least 1', (p, n) => { p.variables = [{ name: a(n) }]; }, 0, 1, 2, V],
    ['variable\'s name: at most 128', (p, n) => { p.variables = [{ name: a(n) }]; }, 127, 128, 129, null, V],
    ['variable\'s default: at least 1', (p, n) => { p.variables[0].defaultValue = a(n); }, 0, 1, 2, V],
    ['variable\'s default: at most 1000', (p, n) => { p.variables[0].defaultValue = a(n); }, 999, 1000, 1001, null, V],
    ['variable\'s description: at most 200', (p, n) => { p.variables[0].description = a(n); }, 199, 200, 201, null, V],
    ['triggers: at most 50', (p, n) => { p.stages[0].actions = many(50, trunk); p.triggers = many(n, pushed); }, 49, 50, 51, null, V],
    ['triggers: at most 200 KB', triggersOf, 204_799, 204_800, 204_801, null, 'LimitExceededException'],
    ['push filters: at most 3', (p, n) => { p.triggers[0].gitConfiguration.push = many(n, (i) => ({ tags: { includes: [`v${i}`] } })); },
        2, 3, 4, null, V],
    ['push filters: at least 1', (p, n) => { p.triggers[0].gitConfiguration.push = many(n, (i) => ({ tags: { includes: [`v${i}`] } })); },
        0, 1, 2, V],
    ['pull request filters: at most 3', (p, n) => { p.triggers[0].gitConfiguration.pullRequest = many(n, () => ({ events: ['OPEN'] })); },
        2, 3, 4, null, V],
    ['includes: at most 8', (p, n) => { p.triggers[0].gitConfiguration.push[0].tags.includes = many(n, (i) => `v${i}`); }, 7, 8, 9, null, V],
    ['excludes: at most 8', (p, n) => { p.triggers[0].gitConfiguration.push[0].tags.excludes = many(n, (i) => `v${i}`); }, 7, 8, 9, null, V],
    ['pattern: at least 1', (p, n) => { p.triggers[0].gitConfiguration.push[0].tags.includes = [a(n)]; }, 0, 1, 2, V],
    ['pattern: at most 255', (p, n) => { p.triggers[0].gitConfiguration.push[0].tags.includes = [a(n)]; }, 254, 255, 256, null, V],
    ['version: at least 1', (p, n) => { p.version = n; }, 0, 1, 2, V],
    ['action\'s name: at least 1', (p, n) => { unit(p).name = a(n); }, 0, 1, 2, V],
    ['action\'s name: at most 100', (p, n) => { unit(p).name = a(n); }, 99, 100, 101, null, V],
    // A provider of 35 letters is one that nobody has made: the constraint is kept, the type is missing.
    ['provider: at least 1', (p, n) => { unit(p).actionTypeId.provider = a(n); }, 0, 1, 2, V, 'InvalidActionDeclarationException',
        'InvalidActionDeclarationException'],
    ['provider: at most 35', (p, n) => { unit(p).actionTypeId.provider = a(n); }, 34, 35, 36, 'InvalidActionDeclarationException', V,
        'InvalidActionDeclarationException'],
    ['version of a type: at least 1', (p, n) => { unit(p).actionTypeId.version = '1'.repeat(n); }, 0, 1, 2, V,
        'InvalidActionDeclarationException'],
    ['version of a type: at most 9', (p, n) => { unit(p).actionTypeId.version = a(n); }, 8, 9, 10, 'InvalidActionDeclarationException', V,
        'InvalidActionDeclarationException'],
    ['runOrder: at least 1', (p, n) => { unit(p).runOrder = n; }, 0, 1, 2, V],
    ['runOrder: at most 999', (p, n) => { unit(p).runOrder = n; }, 998, 999, 1000, null, V],
    ['configuration\'s key: at least 1', (p, n) => { unit(p).configuration[a(n)] = 'v'; }, 0, 1, 2, V],
    ['configuration\'s key: at most 50', (p, n) => { unit(p).configuration[a(n)] = 'v'; }, 49, 50, 51, null, V],
    ['configuration\'s value: at least 1', (p, n) => { unit(p).configuration.ProjectName = a(n); }, 0, 1, 2, V],
    ['configuration\'s value: at most 1000', (p, n) => { unit(p).configuration.ProjectName = a(n); }, 999, 1000, 1001, null, V],
    ['commands: at least 1', (p, n) => { commands(p).commands = many(n, () => 'true'); }, 0, 1, 2, V],
    ['commands: at most 50', (p, n) => { commands(p).commands = many(n, () => 'true'); }, 49, 50, 51, null, V],
    ['command: at least 1', (p, n) => { commands(p).commands = [a(n)]; }, 0, 1, 2, V],
    ['command: at most 1000', (p, n) => { commands(p).commands = [a(n)]; }, 999, 1000, 1001, null, V],
    ['artifact\'s name: at least 1', (p, n) => { commands(p).outputArtifacts[0].name = a(n); }, 0, 1, 2, V],
    ['artifact\'s name: at most 100', (p, n) => { commands(p).outputArtifacts[0].name = a(n); }, 99, 100, 101, null, V],
    ['output.files: at least 1', (p, n) => { commands(p).outputArtifacts[0].files = many(n, (i) => `f${i}`); }, 0, 1, 2, V],
    ['output.files: at most 10', (p, n) => { commands(p).outputArtifacts[0].files = many(n, (i) => `f${i}`); }, 9, 10, 11, null, V],
    ['output.files: at most 128 each', (p, n) => { commands(p).outputArtifacts[0].files = [a(n)]; }, 127, 128, 129, null, V],
    ['outputVariables: at least 1', (p, n) => { commands(p).outputVariables = many(n, (i) => `V${i}`); }, 0, 1, 2, V],
    ['outputVariables: at most 15', (p, n) => { commands(p).outputVariables = many(n, (i) => `V${i}`); }, 14, 15, 16, null, V],
    ['outputVariables: at most 128 each', (p, n) => { commands(p).outputVariables = [a(n)]; }, 127, 128, 129, null, V],
    ['environmentVariables: at least 1', (p, n) => { commands(p).environmentVariables = many(n, (i) => ({ name: `E${i}`, value: 'v' })); },
        0, 1, 2, V],
    ['environmentVariables: at most 10', (p, n) => { commands(p).environmentVariables = many(n, (i) => ({ name: `E${i}`, value: 'v' })); },
        9, 10, 11, null, V],
    ['environment variable\'s name: at most 128', (p, n) => { commands(p).environmentVariables[0].name = a(n); }, 127, 128, 129, null, V],
    ['environment variable\'s value: at least 1', (p, n) => { commands(p).environmentVariables[0].value = a(n); }, 0, 1, 2, V],
    ['environment variable\'s value: at most 2000', (p, n) => { commands(p).environmentVariables[0].value = a(n); }, 1999, 2000, 2001, null, V],
    ['action\'s roleArn: at most 1024', (p, n) => { unit(p).roleArn = `arn:aws:iam::111111111111:role/${a(n - 31)}`; }, 1023, 1024, 1025,
        null, V],
    ['namespace: at least 1', (p, n) => { unit(p).namespace = a(n); }, 0, 1, 2, V],
    ['namespace: at most 100', (p, n) => { unit(p).namespace = a(n); }, 99, 100, 101, null, V],
    ['timeoutInMinutes: at least 5', (p, n) => { approval(p).timeoutInMinutes = n; }, 4, 5, 6, V],
    ['timeoutInMinutes: at most 86400', (p, n) => { approval(p).timeoutInMinutes = n; }, 86_399, 86_400, 86_401, null, V],
    ['beforeEntry: exactly one condition', (p, n) => { p.stages[1].beforeEntry.conditions = many(n, () => condition(p)); }, 0, 1, 2, V, V],
    ['onSuccess: exactly one condition', (p, n) => {
        p.stages[1].onSuccess = { conditions: many(n, () => ({ result: 'FAIL', rules: [alarm(1)] })) };
    }, 0, 1, 2, V, V],
    ['onFailure: at most one condition', (p, n) => {
        p.stages[1].onFailure = { conditions: many(n, () => ({ result: 'ROLLBACK', rules: [alarm(1)] })) };
    }, 0, 1, 2, V, V],
    ['rules: at least 1', (p, n) => { condition(p).rules = many(n, alarm); }, 0, 1, 2, V],
    ['rules: at most 5', (p, n) => { condition(p).rules = many(n, alarm); }, 4, 5, 6, null, V],
    ['rule\'s name: at least 1', (p, n) => { condition(p).rules[0].name = a(n); }, 0, 1, 2, V],
    ['rule\'s name: at most 100', (p, n) => { condition(p).rules[0].name = a(n); }, 99, 100, 101, null, V],
    ['rule\'s provider: at most 35', (p, n) => { condition(p).rules[0].ruleTypeId.provider = a(n); }, 34, 35, 36,
        'InvalidStageDeclarationException', V, 'InvalidStageDeclarationException'],
    ['rule\'s configuration: at most 200 keys', (p, n) => {
        condition(p).rules = [shell({ configuration: Object.fromEntries(many(n, (i) => [`k${i}`, 'v'])) })];
    }, 199, 200, 201, null, V],
    ['rule\'s value: at most 10000', (p, n) => { condition(p).rules = [shell({ configuration: { k: a(n) } })]; }, 9999, 10_000, 10_001, null, V],
    ['rule\'s commands: at most 50', (p, n) => { condition(p).rules = [shell({ commands: many(n, () => 'true') })]; }, 49, 50, 51, null, V],
    ['rule\'s command: at most 1000', (p, n) => { condition(p).rules = [shell({ commands: [a(n)] })]; }, 999, 1000, 1001, null, V],
    ['rule\'s timeoutInMinutes: at least 5', (p, n) => { condition(p).rules[0].timeoutInMinutes = n; }, 4, 5, 6, V],
    ['rule\'s timeoutInMinutes: at most 86400', (p, n) => { condition(p).rules[0].timeoutInMinutes = n; }, 86_399, 86_400, 86_401, null, V],
];

// What the constraint's characters are; and members with a value that no list has.
const patterns = [
    ['name', (p, text) => { p.name = text; }, 'a b'],
    ['roleArn', (p, text) => { p.roleArn = text; }, 'arn:aws:iam::111111111111:user/a'],
    ['artifactStore.location', (p, text) => { p.artifactStore.location = text; }, 'a_b'],
    ['artifactStore.type', (p, text) => { p.artifactStore.type = text; }, 'GCS'],
    ['encryptionKey.type', (p, text) => { p.artifactStore.encryptionKey = { id: 'k', type: text }; }, 'AES'],
    ['executionMode', (p, text) => { p.executionMode = text; }, 'SERIAL'],
    ['pipelineType', (p, text) => { p.pipelineType = text; }, 'V3'],
    ['variable\'s name', (p, text) => { p.variables[0].name = text; }, 'a.b'],
    ['stage\'s name', (p, text) => { p.stages[1].name = text; }, 'a/b'],
    ['action\'s name', (p, text) => { unit(p).name = text; }, 'a b'],
    ['category', (p, text) => { unit(p).actionTypeId.category = text; }, 'Ship'],
    ['owner', (p, text) => { unit(p).actionTypeId.owner = text; }, 'Me'],
    ['provider', (p, text) => { unit(p).actionTypeId.provider = text; }, 'a.b'],
    ['version of a type', (p, text) => { unit(p).actionTypeId.version = text; }, '1.0'],
    ['artifact\'s name', (p, text) => { commands(p).outputArtifacts[0].name = text; }, 'a.b'],
    ['namespace', (p, text) => { unit(p).namespace = text; }, 'a.b'],
    ['environment variable\'s name', (p, text) => { commands(p).environmentVariables[0].name = text; }, 'A-B'],
    ['environment variable\'s type', (p, text) => { commands(p).environmentVariables[0].type = text; }, 'PARAMETER_STORE'],
    ['trigger\'s provider', (p, text) => { p.triggers[0].providerType = text; }, 'GitHub'],
    ['event', (p, text) => { p.triggers[0].gitConfiguration.pullRequest = [{ events: [text] }]; }, 'MERGED'],
    ['condition\'s result', (p, text) => { condition(p).result = text; }, 'WAIT'],
    ['retryMode', (p, text) => { p.stages[1].onFailure = { result: 'RETRY', retryConfiguration: { retryMode: text } }; }, 'SOME'],
    ['blocker\'s type', (p, text) => { p.stages[1].blockers = [{ name: 'b', type: text }]; }, 'Person'],
    ['rule\'s category', (p, text) => { condition(p).rules[0].ruleTypeId.category = text; }, 'Build'],
];

test('constraints of a pipeline\'s structure', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const send = (Command, input) => client.send(new Command(input));
    const version = async () => (await send(cp.GetPipelineCommand, { name: 'limits' })).pipeline.version;
    await send(cp.CreatePipelineCommand, { pipeline: structure() });

    for (const [what, put, below, at, above, small, large, exact] of rows) {
        await t.test(what, async () => {
            assert.ok(small || large, 'a limit of nothing');
            for (const [value, exception] of [[below, small], [at, exact], [above, large]]) {
                if (value === null) {
                    continue;
                }
                const pipeline = structure();
                put(pipeline, value);
                const before = await version();
                if (exception) {
                    await refuses(send(cp.UpdatePipelineCommand, { pipeline }), exception, { status: 400 });
                    assert.equal(await version(), before);
                } else {
                    await send(cp.UpdatePipelineCommand, { pipeline }).catch((error) => {
                        assert.fail(`${value}: ${error.name}: ${error.message.slice(0, 400)}`);
                    });
                    assert.equal(await version(), before + 1);
                }
            }
        });
    }

    await t.test('name: at least 1, at most 100', async () => {
        for (const n of [1, 99, 100]) {
            assert.equal((await send(cp.CreatePipelineCommand, { pipeline: { ...structure(), name: a(n) } })).pipeline.name, a(n));
            await send(cp.DeletePipelineCommand, { name: a(n) });
        }
        for (const n of [0, 101]) {
            await refuses(send(cp.CreatePipelineCommand, { pipeline: { ...structure(), name: a(n) } }), V, { status: 400 });
        }
    });

    await t.test('what only V2 has is refused of V1, and a structure that says no type is what it needs', async () => {
        const plain = () => ({
            ...structure(), pipelineType: 'V1', variables: undefined, triggers: undefined,
            stages: [{ name: 'Source', actions: [{ ...trunk(1), namespace: 'Trunk' }] }, { name: 'Approve', actions: [
                { ...person(1), configuration: { CustomData: '#{Trunk.CommitId}' } }] }],
        });
        const features = {
            variables: (p) => { p.variables = [{ name: 'v' }]; },
            QUEUED: (p) => { p.executionMode = 'QUEUED'; },
            PARALLEL: (p) => { p.executionMode = 'PARALLEL'; },
            triggers: (p) => { p.triggers = [pushed(1)]; },
            'an entry condition': (p) => { p.stages[1].beforeEntry = { conditions: [{ result: 'FAIL', rules: [alarm(1)] }] }; },
            SKIP: (p) => { p.stages[1].beforeEntry = { conditions: [{ result: 'SKIP', rules: [{
                name: 'r', ruleTypeId: typed('Rule', 'VariableCheck'), configuration: { Variable: '#{Trunk.BranchName}', Operator: 'EQ', Value: 'main' } }] }] }; },
            'a condition on success': (p) => { p.stages[1].onSuccess = { conditions: [{ result: 'FAIL', rules: [alarm(1)] }] }; },
            'a condition on failure': (p) => { p.stages[1].onFailure = { conditions: [{ result: 'ROLLBACK', rules: [alarm(1)] }] }; },
            'automatic rollback': (p) => { p.stages[1].onFailure = { result: 'ROLLBACK' }; },
            'automatic retry': (p) => { p.stages[1].onFailure = { result: 'RETRY' }; },
            Commands: (p) => { p.stages[1].actions = [{ name: 'S', actionTypeId: typed('Compute', 'Commands'), commands: ['true'], inputArtifacts: [{ name: 't1' }] }]; },
        };
        for (const [what, put] of Object.entries(features)) {
            const pipeline = plain();
            put(pipeline);
            await refuses(send(cp.UpdatePipelineCommand, { pipeline }), 'InvalidStructureException', { status: 400, message: /can only be used with V2 pipelines/ })
                .catch((error) => assert.fail(`${what}: ${error.message}`));
            delete pipeline.pipelineType;
            assert.equal((await send(cp.UpdatePipelineCommand, { pipeline })).pipeline.pipelineType, 'V2', what);
        }
        const { pipeline } = await send(cp.UpdatePipelineCommand, { pipeline: { ...plain(), pipelineType: undefined } });
        assert.equal(pipeline.pipelineType, 'V1', 'namespaces of actions are V1\'s, too');
        const [{ pipelineExecutionId }] = (await send(cp.ListPipelineExecutionsCommand, { pipelineName: 'limits' })).pipelineExecutionSummaries;
        await refuses(send(cp.StartPipelineExecutionCommand, { name: 'limits', sourceRevisions: [
            { actionName: 'T1', revisionType: 'COMMIT_ID', revisionValue: 'a'.repeat(40) }] }), V, { status: 400, message: /V2 pipelines/ });
        await refuses(send(cp.RollbackStageCommand, { pipelineName: 'limits', stageName: 'Approve', targetPipelineExecutionId: pipelineExecutionId }),
            'UnableToRollbackStageException', { status: 400, message: /V2 pipelines/ });
    });

    await t.test('what clients know by its words is said in them', async () => {
        const words = (promise, exception, message) => refuses(promise, exception, { status: 400, message });
        const resourceArn = 'arn:aws:codepipeline:eu-west-2:111111111111:none';
        await words(send(cp.CreatePipelineCommand, { pipeline: structure() }), 'PipelineNameInUseException',
            /^A pipeline with the name 'limits' already exists in account '111111111111'$/);
        await words(send(cp.GetPipelineCommand, { name: 'none' }), 'PipelineNotFoundException',
            /^Account '111111111111' does not have a pipeline with name 'none'$/);
        await words(send(cp.UpdatePipelineCommand, { pipeline: { ...structure(), roleArn: 'arn:aws:iam::111111111111:role/none' } }),
            'InvalidStructureException', /^CodePipeline is not authorized to perform AssumeRole on role arn:aws:iam::111111111111:role\/none/);
        await words(send(cp.UpdatePipelineCommand, { pipeline: { ...structure(), stages: structure().stages.slice(0, 1) } }),
            'InvalidStructureException', /^Pipeline has only 1 stage\(s\)\. There should be a minimum of 2 stages in a pipeline$/);
        await words(send(cp.ListTagsForResourceCommand, { resourceArn }), 'ResourceNotFoundException',
            /^The account with id '111111111111' does not include a pipeline with the name 'none'$/);
        await words(send(cp.TagResourceCommand, { resourceArn: resourceArn.replace('none', 'limits'), tags: [{ key: 'aws:x', value: '' }] }),
            'InvalidTagsException', /^Not allowed to modify system tags\. System tags start with 'aws:'/);
    });

    await t.test('characters and values that no list has', async () => {
        for (const [what, put, text] of patterns) {
            const pipeline = structure();
            put(pipeline, text);
            const { message } = await refuses(send(cp.UpdatePipelineCommand, { pipeline }), V, { status: 400 });
            assert.match(message, /Member must satisfy (regular expression pattern|enum value set)/, what);
        }
    });
});
