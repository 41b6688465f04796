// Every field of a project: one below, at and above each limit, what excludes what, and who may see
// a project beside its account. No build runs here.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { pages, refuses } from './lib/expect.js';
import { makeRoles } from './lib/release.js';
import { Server, run } from './lib/server.js';
import { terraform } from './lib/terraform.js';
import { without, withoutTerraform } from './lib/tools.js';

const BUILDSPEC = 'version: 0.2\nphases:\n  build:\n    commands: ["true"]\n';
const environment = { type: 'LINUX_CONTAINER', image: 'debian-bookworm-build', computeType: 'BUILD_GENERAL1_SMALL' };
const base = (extra = {}) => ({
    name: 'project', source: { type: 'NO_SOURCE', buildspec: BUILDSPEC }, artifacts: { type: 'NO_ARTIFACTS' }, environment,
    serviceRole: 'arn:aws:iam::111111111111:role/build', ...extra,
});
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const secondary = (n, extra = () => ({})) => times(n, (i) => ({ type: 'S3', location: 'b/k.zip', sourceIdentifier: `s${i}`, ...extra(i) }));
const artifacts = (n) => times(n, (i) => ({ type: 'S3', location: 'bucket', name: 'n', artifactIdentifier: `a${i}` }));
const inEnvironment = (extra) => ({ environment: { ...environment, ...extra } });

// [what, why it is refused, what is taken ..., null, what is refused ...]
const limits = [
    ['name', /'name'|Only alphanumeric/, { name: 'ab' }, { name: `a${'b'.repeat(149)}` }, { name: '0a-_' }, null, { name: 'a' }, { name: `a${'b'.repeat(150)}` }, { name: '-a' }, { name: 'a b' }, { name: 'ä1' }],
    ['description', /'description'/, { description: '' }, { description: 'x'.repeat(255) }, null, { description: 'x'.repeat(256) }],
    ['timeoutInMinutes', /'timeoutInMinutes'/, { timeoutInMinutes: 5 }, { timeoutInMinutes: 2160 }, null, { timeoutInMinutes: 4 }, { timeoutInMinutes: 2161 }],
    ['queuedTimeoutInMinutes', /'queuedTimeoutInMinutes'/, { queuedTimeoutInMinutes: 5 }, { queuedTimeoutInMinutes: 480 }, null, { queuedTimeoutInMinutes: 4 }, { queuedTimeoutInMinutes: 481 }],
    ['concurrentBuildLimit', /concurrent build limit/, { concurrentBuildLimit: 1 }, { concurrentBuildLimit: 2 }, null, { concurrentBuildLimit: 0 }, { concurrentBuildLimit: -1 }],
    ['autoRetryLimit', /auto retry limit/, { autoRetryLimit: 0 }, { autoRetryLimit: 1 }, null, { autoRetryLimit: -1 }],
    ['tags', /tags/, { tags: times(50, (i) => ({ key: `k${i}`, value: 'v' })) }, { tags: [{ key: 'k'.repeat(127), value: '' }] }, { tags: [{ key: 'k', value: 'v'.repeat(255) }] }, null,
        { tags: times(51, (i) => ({ key: `k${i}`, value: 'v' })) }, { tags: [{ key: 'k'.repeat(128), value: 'v' }] }, { tags: [{ key: 'k', value: 'v'.repeat(256) }] },
        { tags: [{ key: '', value: 'v' }] }, { tags: [{ key: 'aws:x', value: 'v' }] }, { tags: [{ key: 'k', value: '1' }, { key: 'k', value: '2' }] }],
    ['secondarySources', /secondarySources|sourceIdentifier/, { secondarySources: secondary(12) }, { secondarySources: secondary(1, () => ({ sourceIdentifier: 'x'.repeat(127) })) }, null,
        { secondarySources: secondary(13) }, { secondarySources: secondary(1, () => ({ sourceIdentifier: 'x'.repeat(128) })) },
        { secondarySources: secondary(1, () => ({ sourceIdentifier: 'a-b' })) }, { secondarySources: secondary(1, () => ({ sourceIdentifier: undefined })) },
        { secondarySources: secondary(2, () => ({ sourceIdentifier: 'same' })) }],
    ['secondarySourceVersions', /no secondary source s0/, { secondarySources: secondary(1), secondarySourceVersions: [{ sourceIdentifier: 's0', sourceVersion: 'v' }] }, null,
        { secondarySourceVersions: [{ sourceIdentifier: 's0', sourceVersion: 'v' }] }],
    ['secondaryArtifacts', /secondaryArtifacts|artifactIdentifier/, { secondaryArtifacts: artifacts(12) }, null, { secondaryArtifacts: artifacts(13) }, { secondaryArtifacts: [{ ...artifacts(1)[0], artifactIdentifier: undefined }] },
        { secondaryArtifacts: [artifacts(1)[0], artifacts(1)[0]] }, { secondaryArtifacts: [{ type: 'CODEPIPELINE', artifactIdentifier: 'x' }] }],
    ['gitCloneDepth', /gitCloneDepth/, { source: { type: 'GITHUB', location: 'https://github.com/o/r.git', gitCloneDepth: 0 } }, null, { source: { type: 'GITHUB', location: 'https://github.com/o/r.git', gitCloneDepth: -1 } }],
    ['source.location', /Project source location is required/, { source: { type: 'S3', location: 'bucket/key.zip' } }, null, { source: { type: 'S3' } }, { source: { type: 'GITHUB' } }],
    ['reportBuildStatus', /reportBuildStatus/, { source: { type: 'GITHUB', location: 'https://github.com/o/r.git', reportBuildStatus: true } }, null,
        { source: { type: 'S3', location: 'b/k.zip', reportBuildStatus: true } }],
    ['buildStatusConfig', /buildStatusConfig/, { source: { type: 'BITBUCKET', location: 'https://bitbucket.org/o/r.git', buildStatusConfig: { context: 'c' } } }, null,
        { source: { type: 'GITLAB', location: 'https://gitlab.com/o/r.git', buildStatusConfig: { context: 'c' } } }],
    ['artifacts', /artifact/, { artifacts: { type: 'S3', location: 'bucket', encryptionDisabled: true } }, null, { artifacts: { type: 'S3' } }, { artifacts: { type: 'NO_ARTIFACTS', location: 'x' } },
        { artifacts: { type: 'NO_ARTIFACTS', encryptionDisabled: true } }, { artifacts: { type: 'CODEPIPELINE' } }],
    ['source CODEPIPELINE', /go together/, { source: { type: 'CODEPIPELINE' }, artifacts: { type: 'CODEPIPELINE' } }, null, { source: { type: 'CODEPIPELINE' } }],
    ['cache', /^Invalid cache/, { cache: { type: 'S3', location: 'bucket/prefix' } }, { cache: { type: 'LOCAL', modes: ['LOCAL_CUSTOM_CACHE'] } }, { cache: { type: 'NO_CACHE' } },
        { ...inEnvironment({ privilegedMode: true }), cache: { type: 'LOCAL', modes: ['LOCAL_DOCKER_LAYER_CACHE'] } }, null,
        { cache: { type: 'S3' } }, { cache: { type: 'LOCAL' } }, { cache: { type: 'LOCAL', modes: ['LOCAL_DOCKER_LAYER_CACHE'] } }],
    ['logsConfig', /^Invalid logs config/, { logsConfig: { s3Logs: { status: 'ENABLED', location: 'bucket/logs' } } }, { logsConfig: { s3Logs: { status: 'DISABLED' } } }, null,
        { logsConfig: { s3Logs: { status: 'ENABLED' } } }],
    ['vpcConfig', /vpcConfig|^Invalid vpc config/, { vpcConfig: { vpcId: 'vpc-1', subnets: times(16, (i) => `subnet-${i}`), securityGroupIds: times(5, (i) => `sg-${i}`) } }, null,
        { vpcConfig: { vpcId: 'vpc-1', subnets: times(17, (i) => `subnet-${i}`), securityGroupIds: ['sg-1'] } },
        { vpcConfig: { vpcId: 'vpc-1', subnets: ['subnet-1'], securityGroupIds: times(6, (i) => `sg-${i}`) } }, { vpcConfig: { vpcId: 'vpc-1' } }],
    ['encryptionKey', /^Invalid encryption key/, { encryptionKey: 'alias/app' }, { encryptionKey: 'arn:aws:kms:eu-west-2:111111111111:key/x' }, null, { encryptionKey: 'x' }],
    ['environmentVariables', /environmentVariables|environment variable name/, inEnvironment({ environmentVariables: [{ name: 'A_1', value: '' }] }), null, inEnvironment({ environmentVariables: [{ name: '', value: 'x' }] }),
        inEnvironment({ environmentVariables: [{ name: 'A-B', value: 'x' }] }), inEnvironment({ environmentVariables: [{ name: 'A', value: 'x', type: 'OTHER' }] })],
    ['image and credentials', /'environment\.image'|imagePullCredentialsType|registryCredential/, inEnvironment({ image: 'aws/codebuild/standard:7.0' }),
        inEnvironment({ image: 'registry.example.org/app:1', imagePullCredentialsType: 'SERVICE_ROLE', registryCredential: { credential: 'reg', credentialProvider: 'SECRETS_MANAGER' } }), null,
        inEnvironment({ image: '' }), inEnvironment({ image: 'aws/codebuild/standard:7.0', imagePullCredentialsType: 'SERVICE_ROLE' }),
        inEnvironment({ image: 'registry.example.org/app:1', registryCredential: { credential: 'reg', credentialProvider: 'SECRETS_MANAGER' } }),
        inEnvironment({ image: '111111111111.dkr.ecr.eu-west-2.amazonaws.com/a:1', imagePullCredentialsType: 'SERVICE_ROLE', registryCredential: { credential: 'reg', credentialProvider: 'SECRETS_MANAGER' } })],
    ['computeType', /computeType|compute type/, inEnvironment({ computeType: 'BUILD_GENERAL1_2XLARGE' }), null, inEnvironment({ computeType: 'BUILD_GENERAL1_TINY' }), inEnvironment({ computeType: 'BUILD_LAMBDA_1GB' })],
    ['fleet', /fleets are not available/, null, inEnvironment({ fleet: { fleetArn: 'arn:aws:codebuild:eu-west-2:111111111111:fleet/f' } })],
    ['buildBatchConfig', /batch config/, { buildBatchConfig: { serviceRole: 'arn:aws:iam::111111111111:role/build', timeoutInMins: 2160, restrictions: { maximumBuildsAllowed: 100 } } }, null,
        { buildBatchConfig: { timeoutInMins: 4 } }, { buildBatchConfig: { timeoutInMins: 2161 } }, { buildBatchConfig: { restrictions: { maximumBuildsAllowed: 0 } } }, { buildBatchConfig: { restrictions: { maximumBuildsAllowed: 101 } } }],
    ['serviceRole', /service role|sts:AssumeRole|iam:PassRole/, null, { serviceRole: 'build' }, { serviceRole: 'arn:aws:iam::222222222222:role/build' }, { serviceRole: 'arn:aws:iam::111111111111:role/none' }],
];

test('codebuild: projects', async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { build: 'codebuild' });
    const client = server.client(cb.CodeBuildClient);
    const send = (Command, input) => client.send(new Command(input));

    for (const [what, reason, ...cases] of limits) {
        const cut = cases.indexOf(null);
        await t.test(`${what}: at its limits, and beyond`, async () => {
            for (const extra of cases.slice(0, cut)) {
                const input = base(extra);
                const { project } = await send(cb.CreateProjectCommand, input);
                assert.equal(project.name, input.name);
                await send(cb.DeleteProjectCommand, { name: input.name });
            }
            for (const extra of cases.slice(cut + 1)) {
                let failed = null;
                await send(cb.CreateProjectCommand, base(extra)).catch((error) => { failed = error; });
                assert.ok(failed, `taken: ${JSON.stringify(extra)}`);
                assert.match(failed.name, /^(InvalidInput|Validation|AccessDenied)Exception$/, failed.message);
                assert.match(failed.message, reason);
                assert.equal(failed.$metadata.httpStatusCode, 400);
            }
        });
    }

    await t.test('what was refused at creation is refused in an update, and changes nothing', async () => {
        await send(cb.CreateProjectCommand, base({ name: 'kept', concurrentBuildLimit: 2 }));
        await refuses(send(cb.UpdateProjectCommand, { name: 'kept', cache: { type: 'S3' } }), 'InvalidInputException', { message: /location is required/ });
        const get = async () => (await send(cb.BatchGetProjectsCommand, { names: ['kept'] })).projects[0];
        assert.equal((await get()).cache.type, 'NO_CACHE');
        assert.equal((await get()).concurrentBuildLimit, 2);
        await send(cb.UpdateProjectCommand, { name: 'kept', concurrentBuildLimit: -1 });
        assert.equal((await get()).concurrentBuildLimit, undefined);
    });

    await t.test('visibility, with an alias while it is public', async () => {
        const { project } = await send(cb.CreateProjectCommand, base({ name: 'open' }));
        assert.equal(project.projectVisibility, 'PRIVATE');
        const shown = await send(cb.UpdateProjectVisibilityCommand, { projectArn: project.arn, projectVisibility: 'PUBLIC_READ', resourceAccessRole: project.serviceRole });
        assert.ok(shown.publicProjectAlias);
        const [got] = (await send(cb.BatchGetProjectsCommand, { names: ['open'] })).projects;
        assert.deepEqual([got.projectVisibility, got.publicProjectAlias, got.resourceAccessRole], ['PUBLIC_READ', shown.publicProjectAlias, project.serviceRole]);
        await refuses(send(cb.UpdateProjectVisibilityCommand, { projectArn: `${project.arn}-none`, projectVisibility: 'PRIVATE' }), 'ResourceNotFoundException');
    });

    await t.test('a resource policy lets another account read, and nothing else', async () => {
        const other = server.client(cb.CodeBuildClient, 'development');
        const { project: { arn } } = await send(cb.CreateProjectCommand, base({ name: 'shared' }));
        await refuses(other.send(new cb.BatchGetProjectsCommand({ names: [arn] })), 'AccessDeniedException', { status: 400 });
        const policy = JSON.stringify({ Version: '2012-10-17', Statement: [{
            Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::222222222222:root' }, Resource: arn,
            Action: ['codebuild:BatchGetProjects', 'codebuild:BatchGetBuilds', 'codebuild:ListBuildsForProject', 'codebuild:StartBuild'],
        }] });
        await refuses(send(cb.GetResourcePolicyCommand, { resourceArn: arn }), 'ResourceNotFoundException');
        assert.equal((await send(cb.PutResourcePolicyCommand, { resourceArn: arn, policy })).resourceArn, arn);
        assert.equal((await send(cb.GetResourcePolicyCommand, { resourceArn: arn })).policy, policy);
        // A project of the same name in the reader's own account is not what it gets.
        await makeRoles({ client: (Client) => server.client(Client, 'development') }, { build: 'codebuild' });
        await other.send(new cb.CreateProjectCommand(base({ name: 'shared', description: 'mine', serviceRole: 'arn:aws:iam::222222222222:role/build' })));
        const { projects } = await other.send(new cb.BatchGetProjectsCommand({ names: [arn, 'shared'] }));
        assert.deepEqual(projects.map((p) => p.arn), [arn, arn.replace('111111111111', '222222222222')]);
        assert.deepEqual((await other.send(new cb.ListBuildsForProjectCommand({ projectName: arn }))).ids, []);
        await refuses(other.send(new cb.StartBuildCommand({ projectName: arn })), 'AccessDeniedException');
        await refuses(other.send(new cb.UpdateProjectVisibilityCommand({ projectArn: arn, projectVisibility: 'PUBLIC_READ' })), 'AccessDeniedException');
        assert.deepEqual((await other.send(new cb.ListSharedProjectsCommand({}))).projects, [arn]);
        assert.deepEqual((await send(cb.ListSharedProjectsCommand, {})).projects, [], 'not to its owner');
        assert.deepEqual((await server.client(cb.CodeBuildClient, 'production').send(new cb.ListSharedProjectsCommand({}))).projects, []);
        await refuses(send(cb.PutResourcePolicyCommand, { resourceArn: arn, policy: '{' }), 'InvalidInputException', { status: 400 });
        await refuses(send(cb.PutResourcePolicyCommand, { resourceArn: `${arn}-none`, policy }), 'ResourceNotFoundException');
        await send(cb.DeleteResourcePolicyCommand, { resourceArn: arn });
        await refuses(other.send(new cb.BatchGetProjectsCommand({ names: [arn] })), 'AccessDeniedException');
    });

    await t.test('shared projects come in pages, in both orders', async () => {
        const other = server.client(cb.CodeBuildClient, 'pre-production');
        for (const i of [0, 2, 1]) {
            const { project: { arn } } = await send(cb.CreateProjectCommand, base({ name: `many${i}` }));
            await send(cb.PutResourcePolicyCommand, { resourceArn: arn, policy: JSON.stringify({
                Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '333333333333' }, Resource: arn, Action: 'codebuild:BatchGetProjects' }] }) });
        }
        const list = async (input) => (await pages((nextToken) => other.send(new cb.ListSharedProjectsCommand({ maxResults: 2, nextToken, ...input })),
            (page) => page.projects, (page) => page.nextToken)).all.map((arn) => arn.slice(-5));
        assert.deepEqual(await list({}), ['many0', 'many1', 'many2']);
        assert.deepEqual(await list({ sortBy: 'ARN', sortOrder: 'DESCENDING' }), ['many2', 'many1', 'many0']);
        assert.deepEqual(await list({ sortBy: 'MODIFIED_TIME' }), ['many0', 'many2', 'many1']);
        assert.deepEqual((await other.send(new cb.ListSharedReportGroupsCommand({}))).reportGroups, []);
    });

    await t.test('images are those that are there, and fleets and sandboxes are not', async () => {
        const { platforms } = await send(cb.ListCuratedEnvironmentImagesCommand, {});
        assert.ok(platforms.every((p) => p.platform === 'DEBIAN'));
        const names = platforms.flatMap((p) => p.languages).flatMap((l) => l.images).map((i) => i.name);
        const here = (await run(process.env.TRUNKLINE, ['image', 'list'])).stdout.split('\n').map((line) => line.split(' ')[0]).filter(Boolean);
        assert.deepEqual(names, here.filter((name) => names.includes(name)));
        await refuses(send(cb.ListFleetsCommand, {}), 'UnknownOperationException', { status: 400 });
        await refuses(send(cb.StartSandboxCommand, { projectName: 'open' }), 'UnknownOperationException', { status: 400 });
    });

    await t.test('the aws command line', { skip: without('aws') }, async () => {
        const done = await server.aws('shared-services', 'codebuild', 'invalidate-project-cache', '--project-name', 'open');
        assert.equal(done.status, 0, done.stderr);
    });

    await t.test('Terraform applies a project of every setting and its policy, plans nothing, destroys', { skip: withoutTerraform() }, async (t2) => {
        const { tf, succeeds } = terraform(t2, server, { 'main.tf': `
resource "aws_iam_role" "build" {
  name = "tf-build"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "codebuild.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}
resource "aws_codebuild_project" "all" {
  name                   = "tf-all"
  description            = "of every setting"
  service_role           = aws_iam_role.build.arn
  build_timeout          = 10
  queued_timeout         = 20
  concurrent_build_limit = 3
  project_visibility     = "PUBLIC_READ"
  resource_access_role   = aws_iam_role.build.arn
  artifacts {
    type = "NO_ARTIFACTS"
  }
  secondary_artifacts {
    type                = "S3"
    location            = "bucket"
    artifact_identifier = "second"
    packaging           = "ZIP"
  }
  cache {
    type  = "LOCAL"
    modes = ["LOCAL_CUSTOM_CACHE", "LOCAL_SOURCE_CACHE"]
  }
  environment {
    compute_type = "BUILD_GENERAL1_MEDIUM"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
    environment_variable {
      name  = "PASSWORD"
      value = "app/db:password"
      type  = "SECRETS_MANAGER"
    }
  }
  logs_config {
    s3_logs {
      status   = "ENABLED"
      location = "bucket/logs"
    }
  }
  source {
    type      = "NO_SOURCE"
    buildspec = "version: 0.2\\nphases: {build: {commands: [\\"true\\"]}}\\n"
  }
  secondary_sources {
    type              = "S3"
    location          = "bucket/key.zip"
    source_identifier = "lib"
  }
  secondary_source_version {
    source_identifier = "lib"
    source_version    = "v1"
  }
  tags = { team = "platform" }
}
resource "aws_codebuild_resource_policy" "all" {
  resource_arn = aws_codebuild_project.all.arn
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::222222222222:root" }, Action = ["codebuild:BatchGetProjects"], Resource = aws_codebuild_project.all.arn }]
  })
}
` });
        succeeds(await tf('init'), 'init');
        succeeds(await tf('apply', '-auto-approve'), 'apply');
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 0, `the second plan is not empty: ${plan.text.slice(-4000)}`);
        succeeds(await tf('state', 'rm', 'aws_codebuild_project.all'), 'state rm');
        succeeds(await tf('import', 'aws_codebuild_project.all', 'tf-all'), 'import');
        const again = await tf('plan', '-detailed-exitcode');
        assert.equal(again.status, 0, `the plan after the import is not empty: ${again.text.slice(-4000)}`);
        succeeds(await tf('destroy', '-auto-approve'), 'destroy');
        assert.deepEqual((await send(cb.BatchGetProjectsCommand, { names: ['tf-all'] })).projects, []);
    });
});
