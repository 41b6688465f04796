// A small world for releases: a git repository, its connection, roles, a bucket, projects with
// buildspecs of a few lines, and a pipeline, all made through the public API.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as cb from '@aws-sdk/client-codebuild';
import * as cp from '@aws-sdk/client-codepipeline';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as star from '@aws-sdk/client-codestar-connections';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { until } from './expect.js';
import { run } from './server.js';

export const IMAGE = 'debian-bookworm-build';

export async function git(dir, ...args) {
    const done = await run('git', ['-C', dir, '-c', 'user.name=Ada Lovelace', '-c', 'user.email=ada@example.org',
        '-c', 'commit.gpgsign=false', '-c', 'init.defaultBranch=main', ...args]);
    assert.equal(done.status, 0, `git ${args.join(' ')}: ${done.stderr}`);
    return done.stdout.trim();
}

const trust = (service) => JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
});

export const everything = JSON.stringify({
    Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

// Makes roles that these services may assume and that may do everything: {name: 'codebuild', ...}.
export async function makeRoles(server, roles) {
    const iam = server.client(IAMClient);
    for (const [RoleName, service] of Object.entries(roles)) {
        await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust(`${service}.amazonaws.com`) }));
        await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument: everything }));
    }
}

// Statements of a buildspec that runs these commands.
export function buildspec(commands, rest = '') {
    const lines = [].concat(commands).map((c) => `      - ${JSON.stringify(c)}`).join('\n');
    return `version: 0.2\n${rest}phases:\n  build:\n    commands:\n${lines}\n`;
}

// One action of a stage, named after its category; `stage` of extra is not part of it.
export function action(category, provider, configuration, { stage, ...extra } = {}) {
    return {
        name: category, runOrder: 1, actionTypeId: { category, owner: 'AWS', provider, version: '1' }, configuration,
        inputArtifacts: [{ name: 'Source' }], outputArtifacts: [], ...extra,
    };
}

export const stages = {
    source: (world) => ({
        name: 'Source',
        actions: [{
            name: 'Trunk', runOrder: 1, namespace: 'SourceVariables',
            actionTypeId: { category: 'Source', owner: 'AWS', provider: 'CodeStarSourceConnection', version: '1' },
            configuration: {
                ConnectionArn: world.connectionArn, FullRepositoryId: `local/${world.name}`, BranchName: 'main',
                DetectChanges: 'true',
            },
            inputArtifacts: [], outputArtifacts: [{ name: 'Source' }],
        }],
    }),
    build: (name, project, extra = {}, configuration = {}) => ({
        name,
        actions: [{
            name: 'Build', runOrder: 1, namespace: `${name}Variables`,
            actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' },
            configuration: { ProjectName: project, ...configuration },
            inputArtifacts: [{ name: 'Source' }], outputArtifacts: [], ...extra,
        }],
    }),
    // A stage of one action: action('Deploy', 'S3', {BucketName: ...}, {inputArtifacts: [...]}).
    action: (category, provider, configuration, extra = {}) => ({
        name: extra.stage ?? category,
        actions: [action(category, provider, configuration, extra)],
    }),
    approval: (name = 'Approve', configuration = {}) => ({
        name,
        actions: [{
            name: 'Person', runOrder: 1, inputArtifacts: [], outputArtifacts: [], configuration,
            actionTypeId: { category: 'Approval', owner: 'AWS', provider: 'Manual', version: '1' },
        }],
    }),
};

export class World {
    // Makes roles, bucket, repository and connection. `commit` false leaves the branch unborn.
    static async make(server, { name = 'app', commit = true, files = {} } = {}) {
        const world = new World(server, name);
        await makeRoles(server, { [`${name}-pipeline`]: 'codepipeline', [`${name}-build`]: 'codebuild' });
        const s3 = server.client(S3Client);
        await s3.send(new CreateBucketCommand({
            Bucket: world.bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' },
        }));
        await s3.send(new PutBucketVersioningCommand({
            Bucket: world.bucket, VersioningConfiguration: { Status: 'Enabled' },
        }));
        mkdirSync(join(world.root, 'local'), { recursive: true });
        mkdirSync(world.tree, { recursive: true });
        await git(world.root, 'init', '-q', '--bare', world.repository);
        await git(world.tree, 'init', '-q');
        await git(world.tree, 'remote', 'add', 'origin', world.repository);
        if (commit) {
            await world.push('first', { 'README.md': 'hello\n', ...files });
        }
        const { ConnectionArn } = await server.client(star.CodeStarConnectionsClient).send(
            new star.CreateConnectionCommand({ ConnectionName: `${name}-trunk`, ProviderType: 'GitHub' }));
        world.connectionArn = ConnectionArn;
        const done = await server.tl('connection', 'complete', `${name}-trunk`, '--url',
            `file://${world.root}/{repository}.git`);
        assert.equal(done.status, 0, done.stderr);
        return world;
    }

    constructor(server, name) {
        this.server = server;
        this.name = name;
        this.bucket = `${name}-artifacts`;
        this.root = join(dirname(server.dir), 'git');
        this.repository = join(this.root, 'local', `${name}.git`);
        this.tree = join(this.root, `${name}-tree`);
    }

    get pipelines() { return this.server.client(cp.CodePipelineClient); }

    get builds() { return this.server.client(cb.CodeBuildClient); }

    // Commits files (null removes) and pushes; the commit's id.
    async push(message, files, branch = 'main') {
        for (const [path, content] of Object.entries(files)) {
            const at = join(this.tree, path);
            mkdirSync(dirname(at), { recursive: true });
            writeFileSync(at, content);
        }
        await git(this.tree, 'add', '-A');
        await git(this.tree, 'commit', '-q', '--allow-empty', '-m', message);
        await git(this.tree, 'push', '-q', 'origin', `HEAD:${branch}`);
        return git(this.tree, 'rev-parse', 'HEAD');
    }

    // A project that runs `spec` on what the pipeline hands it, or on nothing.
    async project(name, spec, { pipeline = true, role = `${this.name}-build`, variables = [], ...extra } = {}) {
        await this.builds.send(new cb.CreateProjectCommand({
            name,
            source: pipeline ? { type: 'CODEPIPELINE', buildspec: spec } : { type: 'NO_SOURCE', buildspec: spec },
            artifacts: { type: pipeline ? 'CODEPIPELINE' : 'NO_ARTIFACTS' },
            environment: {
                type: 'LINUX_CONTAINER', image: IMAGE, computeType: 'BUILD_GENERAL1_SMALL',
                environmentVariables: variables,
            },
            serviceRole: `arn:aws:iam::111111111111:role/${role}`,
            ...extra,
        }));
    }

    // Runs one build of a project to its end: the build as BatchGetBuilds shows it.
    async build(projectName, overrides = {}) {
        const { build } = await this.builds.send(new cb.StartBuildCommand({ projectName, ...overrides }));
        return this.built(build.id);
    }

    built(id, timeout_ms = 90_000) {
        return until(`build ${id}`, async () => {
            const got = (await this.builds.send(new cb.BatchGetBuildsCommand({ ids: [id] }))).builds[0];
            return got.buildComplete ? got : null;
        }, { timeout_ms });
    }

    // The log of a build as text.
    async log(build) {
        const client = this.server.client(logs.CloudWatchLogsClient);
        const lines = [];
        let nextToken;
        for (;;) {
            const page = await client.send(new logs.GetLogEventsCommand({
                logGroupName: build.logs.groupName, logStreamName: build.logs.streamName, startFromHead: true, nextToken,
            }));
            lines.push(...page.events.map((e) => e.message));
            if (page.nextForwardToken === nextToken) {
                return lines.join('\n').replace(/\n\n/g, '\n');
            }
            nextToken = page.nextForwardToken;
        }
    }

    structure(list, extra = {}) {
        return {
            name: this.name, roleArn: `arn:aws:iam::111111111111:role/${this.name}-pipeline`, pipelineType: 'V2',
            executionMode: 'SUPERSEDED', artifactStore: { type: 'S3', location: this.bucket }, stages: list, ...extra,
        };
    }

    async pipeline(list, extra) {
        await this.pipelines.send(new cp.CreatePipelineCommand({ pipeline: this.structure(list, extra) }));
    }

    async executions() {
        return (await this.pipelines.send(new cp.ListPipelineExecutionsCommand({ pipelineName: this.name }))).pipelineExecutionSummaries;
    }

    // Id of the newest execution, once there are at least `n`.
    async newest(n = 1) {
        const all = await until(`${n} executions`, async () => {
            const got = await this.executions();
            return got.length >= n ? got : null;
        });
        return all[0].pipelineExecutionId;
    }

    async execution(pipelineExecutionId) {
        return (await this.pipelines.send(new cp.GetPipelineExecutionCommand(
            { pipelineName: this.name, pipelineExecutionId }))).pipelineExecution;
    }

    ended(id, timeout_ms = 120_000) {
        return until(`the end of execution ${id}`, async () => {
            const got = await this.execution(id);
            return ['InProgress', 'Stopping'].includes(got.status) ? null : got.status;
        }, { timeout_ms });
    }

    async state() {
        return this.pipelines.send(new cp.GetPipelineStateCommand({ name: this.name }));
    }

    async stage(name) {
        return (await this.state()).stageStates.find((s) => s.stageName === name);
    }

    async actions(pipelineExecutionId) {
        return (await this.pipelines.send(new cp.ListActionExecutionsCommand(
            { pipelineName: this.name, ...(pipelineExecutionId ? { filter: { pipelineExecutionId } } : {}) }))).actionExecutionDetails;
    }

    // Waits until the approval asks on behalf of this execution; its token.
    waiting(id, stage = 'Approve', timeout_ms = 120_000) {
        return until(`approval of ${id}`, async () => {
            const got = await this.stage(stage);
            if (id && got.latestExecution?.pipelineExecutionId !== id) {
                return null;
            }
            const action = got.actionStates?.[0]?.latestExecution;
            return action?.status === 'InProgress' ? action.token : null;
        }, { timeout_ms });
    }

    answer(token, status = 'Approved', summary = 'looks right', stage = 'Approve') {
        return this.pipelines.send(new cp.PutApprovalResultCommand({
            pipelineName: this.name, stageName: stage, actionName: 'Person', token, result: { summary, status },
        }));
    }
}
