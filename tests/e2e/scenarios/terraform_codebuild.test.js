// CodeBuild by Terraform's AWS provider 5.x: projects with every argument, webhooks, credentials and
// report groups: apply, an empty second plan, an update in place, import, destroy.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cb from '@aws-sdk/client-codebuild';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { terraform } from '../lib/terraform.js';
import { withoutTerraform } from '../lib/tools.js';

const resources = ({ description, timeout, event }) => `
locals { role = "arn:aws:iam::111111111111:role/build" }

resource "aws_codebuild_source_credential" "github" {
  auth_type   = "PERSONAL_ACCESS_TOKEN"
  server_type = "GITHUB"
  token       = "ghp_terraform"
}
resource "aws_codebuild_source_credential" "bitbucket" {
  auth_type   = "BASIC_AUTH"
  server_type = "BITBUCKET"
  user_name   = "ada"
  token       = "app-password"
}

resource "aws_codebuild_project" "small" {
  name         = "small"
  service_role = local.role
  artifacts { type = "NO_ARTIFACTS" }
  environment {
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
  }
  source {
    type      = "NO_SOURCE"
    buildspec = "version: 0.2\\nphases:\\n  build:\\n    commands: [\\"true\\"]\\n"
  }
}

resource "aws_codebuild_project" "pipeline" {
  name         = "pipeline"
  service_role = local.role
  artifacts { type = "CODEPIPELINE" }
  environment {
    compute_type = "BUILD_GENERAL1_MEDIUM"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
    environment_variable {
      name  = "ENV"
      value = "dev"
    }
  }
  cache {
    type  = "LOCAL"
    modes = ["LOCAL_CUSTOM_CACHE", "LOCAL_SOURCE_CACHE"]
  }
  source { type = "CODEPIPELINE" }
}

resource "aws_codebuild_project" "full" {
  name                   = "full"
  description            = "${description}"
  service_role           = local.role
  build_timeout          = ${timeout}
  queued_timeout         = 30
  badge_enabled          = true
  concurrent_build_limit = 3
  encryption_key         = "arn:aws:kms:eu-west-2:111111111111:alias/aws/s3"
  source_version         = "main"
  tags                   = { team = "platform", tier = "1" }

  artifacts {
    type                   = "S3"
    location               = "tf-codebuild"
    name                   = "out.zip"
    path                   = "builds"
    namespace_type         = "BUILD_ID"
    packaging              = "ZIP"
    override_artifact_name = true
    encryption_disabled    = true
  }
  secondary_artifacts {
    artifact_identifier = "docs"
    type                = "S3"
    location            = "tf-codebuild"
    name                = "docs"
  }
  cache {
    type     = "S3"
    location = "tf-codebuild/cache"
  }
  environment {
    compute_type                = "BUILD_GENERAL1_LARGE"
    image                       = "aws/codebuild/amazonlinux2-x86_64-standard:5.0"
    type                        = "LINUX_CONTAINER"
    image_pull_credentials_type = "CODEBUILD"
    privileged_mode             = false
    environment_variable {
      name  = "PLAIN"
      value = "one"
    }
    environment_variable {
      name  = "STORED"
      value = "/app/name"
      type  = "PARAMETER_STORE"
    }
    environment_variable {
      name  = "SECRET"
      value = "app:password"
      type  = "SECRETS_MANAGER"
    }
  }
  logs_config {
    cloudwatch_logs {
      group_name  = "builds"
      stream_name = "full"
    }
    s3_logs {
      status              = "ENABLED"
      location            = "tf-codebuild/logs"
      encryption_disabled = true
    }
  }
  source {
    type                = "GITHUB"
    location            = "https://github.com/team/app.git"
    buildspec           = "ci/buildspec.yml"
    git_clone_depth     = 1
    insecure_ssl        = false
    report_build_status = true
    git_submodules_config { fetch_submodules = true }
    build_status_config {
      context    = "ci"
      target_url = "https://ci.example.org/"
    }
  }
  secondary_sources {
    source_identifier = "lib"
    type              = "BITBUCKET"
    location          = "https://bitbucket.org/team/lib.git"
    git_clone_depth   = 0
  }
  secondary_source_version {
    source_identifier = "lib"
    source_version    = "v2"
  }
  build_batch_config {
    service_role      = local.role
    combine_artifacts = true
    timeout_in_mins   = 60
    restrictions {
      compute_types_allowed  = ["BUILD_GENERAL1_SMALL"]
      maximum_builds_allowed = 5
    }
  }
  vpc_config {
    vpc_id             = "vpc-1234"
    subnets            = ["subnet-1", "subnet-2"]
    security_group_ids = ["sg-1"]
  }
}

resource "aws_codebuild_webhook" "full" {
  project_name = aws_codebuild_project.full.name
  build_type   = "BUILD"
  filter_group {
    filter {
      type    = "EVENT"
      pattern = "${event}"
    }
    filter {
      type                    = "FILE_PATH"
      pattern                 = "^docs/"
      exclude_matched_pattern = true
    }
  }
  filter_group {
    filter {
      type    = "EVENT"
      pattern = "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"
    }
    filter {
      type    = "BASE_REF"
      pattern = "^refs/heads/main$"
    }
  }
}

resource "aws_codebuild_report_group" "tests" {
  name = "full-tests"
  type = "TEST"
  export_config {
    type = "S3"
    s3_destination {
      bucket              = "tf-codebuild"
      path                = "reports"
      packaging           = "ZIP"
      encryption_disabled = true
      encryption_key      = "arn:aws:kms:eu-west-2:111111111111:alias/aws/s3"
    }
  }
}

output "badge" { value = aws_codebuild_project.full.badge_url }
output "payload" { value = aws_codebuild_webhook.full.payload_url }
output "secret" {
  value     = aws_codebuild_webhook.full.secret
  sensitive = true
}
`;

test('CodeBuild by Terraform', { skip: withoutTerraform() }, async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { build: 'codebuild' });
    await server.client(S3Client).send(new CreateBucketCommand({
        Bucket: 'tf-codebuild', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' },
    }));
    const client = server.client(cb.CodeBuildClient);
    const send = (Command, input) => client.send(new Command(input));
    const one = async (name) => (await send(cb.BatchGetProjectsCommand, { names: [name] })).projects[0];
    const first = { description: 'All of it', timeout: 20, event: 'PUSH' };
    const { dir, tf, succeeds } = terraform(t, server, { 'main.tf': resources(first) });
    const unchanged = async (what) => {
        const plan = await tf('plan', '-detailed-exitcode', '-input=false');
        assert.equal(plan.status, 0, `${what}: ${plan.text.slice(-6000)}`);
    };

    succeeds(await tf('init', '-input=false'), 'init');
    succeeds(await tf('apply', '-auto-approve', '-input=false'), 'apply');
    await unchanged('second plan');
    const made = await one('full');
    assert.equal(made.source.location, 'https://github.com/team/app.git');
    assert.equal(made.webhook.filterGroups.length, 2);
    const outputs = JSON.parse((await tf('output', '-json')).stdout);
    assert.match(outputs.badge.value, /\/badges\?uuid=/);
    assert.equal(outputs.payload.value, made.webhook.payloadUrl);
    assert.match(outputs.secret.value, /^[0-9a-f]{40}$/);
    assert.equal((await send(cb.ListSourceCredentialsCommand, {})).sourceCredentialsInfos.length, 2);

    writeFileSync(join(dir, 'main.tf'), resources({ description: 'Changed', timeout: 25, event: 'PUSH, PULL_REQUEST_MERGED' }));
    const update = await tf('apply', '-auto-approve', '-input=false');
    succeeds(update, 'update');
    assert.match(update.text, /0 added, 2 changed, 0 destroyed/);
    await unchanged('plan after the update');
    const changed = await one('full');
    assert.equal(changed.description, 'Changed');
    assert.equal(changed.timeoutInMinutes, 25);
    assert.equal(changed.webhook.filterGroups[0][0].pattern, 'PUSH, PULL_REQUEST_MERGED');
    assert.equal(changed.webhook.payloadUrl, made.webhook.payloadUrl);

    for (const [address, id] of [
        ['aws_codebuild_project.full', 'arn:aws:codebuild:eu-west-2:111111111111:project/full'],
        ['aws_codebuild_webhook.full', 'full'],
        ['aws_codebuild_report_group.tests', 'arn:aws:codebuild:eu-west-2:111111111111:report-group/full-tests'],
    ]) {
        succeeds(await tf('state', 'rm', address), `state rm ${address}`);
        succeeds(await tf('import', '-input=false', address, id), `import ${address}`);
    }
    await unchanged('plan after the imports');
    succeeds(await tf('destroy', '-auto-approve', '-input=false'), 'destroy');
    assert.deepEqual((await send(cb.ListProjectsCommand, {})).projects, []);
    assert.deepEqual((await send(cb.ListSourceCredentialsCommand, {})).sourceCredentialsInfos, []);
    assert.deepEqual((await send(cb.ListReportGroupsCommand, {})).reportGroups, []);
});
