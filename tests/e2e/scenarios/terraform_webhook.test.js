// What starts pipelines, by Terraform's AWS provider 5.x: connections, webhooks, sources and triggers:
// apply, an empty second plan, an update in place, import, destroy.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import * as star from '@aws-sdk/client-codestar-connections';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { terraform } from '../lib/terraform.js';
import { withoutTerraform } from '../lib/tools.js';

const resources = ({ ref, tag, owner, pattern }) => `
resource "aws_codestarconnections_connection" "trunk" {
  name          = "trunk"
  provider_type = "GitHub"
  tags          = { owner = "${owner}" }
}
resource "aws_codestarconnections_connection" "lab" {
  name          = "lab"
  provider_type = "GitLab"
}

resource "aws_codepipeline" "app" {
  name           = "app"
  role_arn       = "arn:aws:iam::111111111111:role/pipeline"
  pipeline_type  = "V2"
  execution_mode = "QUEUED"
  artifact_store {
    location = "artifacts"
    type     = "S3"
  }
  stage {
    name = "Source"
    action {
      name             = "Trunk"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]
      configuration = {
        ConnectionArn        = aws_codestarconnections_connection.trunk.arn
        FullRepositoryId     = "team/app"
        BranchName           = "main"
        OutputArtifactFormat = "CODE_ZIP"
        DetectChanges        = "false"
      }
    }
    action {
      name             = "Drop"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["drop"]
      configuration = {
        S3Bucket                    = "artifacts"
        S3ObjectKey                 = "drop.zip"
        AllowOverrideForS3ObjectKey = "true"
        PollForSourceChanges        = "false"
      }
    }
    action {
      name             = "Commit"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      output_artifacts = ["commit"]
      configuration = {
        RepositoryName       = "app"
        BranchName           = "main"
        PollForSourceChanges = "false"
      }
    }
  }
  stage {
    name = "Approve"
    action {
      name     = "Person"
      category = "Approval"
      owner    = "AWS"
      provider = "Manual"
      version  = "1"
    }
  }
  trigger {
    provider_type = "CodeStarSourceConnection"
    git_configuration {
      source_action_name = "Trunk"
      push {
        branches {
          includes = ["main", "${pattern}"]
          excludes = ["release/old*"]
        }
        file_paths {
          excludes = ["docs/**", "*.md"]
        }
      }
      push {
        tags {
          includes = ["v*"]
        }
      }
      pull_request {
        events = ["OPEN", "UPDATED"]
        branches {
          includes = ["main"]
        }
        file_paths {
          includes = ["src/**"]
        }
      }
    }
  }
}

resource "aws_codepipeline_webhook" "signed" {
  name            = "signed"
  authentication  = "GITHUB_HMAC"
  target_action   = "Trunk"
  target_pipeline = aws_codepipeline.app.name
  authentication_configuration {
    secret_token = "a secret of terraform's"
  }
  filter {
    json_path    = "$.ref"
    match_equals = "${ref}"
  }
  filter {
    json_path    = "$.repository.full_name"
    match_equals = "{FullRepositoryId}"
  }
  tags = { team = "${tag}" }
  lifecycle { # the API shows asterisks, which this provider takes for another secret, as on AWS
    ignore_changes = [authentication_configuration]
  }
}
resource "aws_codepipeline_webhook" "near" {
  name            = "near"
  authentication  = "IP"
  target_action   = "Trunk"
  target_pipeline = aws_codepipeline.app.name
  authentication_configuration {
    allowed_ip_range = "10.0.0.0/8"
  }
  filter {
    json_path    = "$.ref"
    match_equals = "refs/heads/{BranchName}"
  }
}
resource "aws_codepipeline_webhook" "open" {
  name            = "open"
  authentication  = "UNAUTHENTICATED"
  target_action   = "Trunk"
  target_pipeline = aws_codepipeline.app.name
  filter {
    json_path    = "$.go"
    match_equals = "yes"
  }
}
`;

const first = { ref: 'refs/heads/{BranchName}', tag: 'a', owner: 'ada', pattern: 'release/*' };
const second = { ref: 'refs/heads/{BranchName}-2', tag: 'b', owner: 'grace', pattern: 'release/**' };

test('terraform: what starts pipelines', { skip: withoutTerraform() }, async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const s3 = server.client(S3Client);
    await s3.send(new CreateBucketCommand({ Bucket: 'artifacts', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'artifacts', VersioningConfiguration: { Status: 'Enabled' } }));
    const { dir, tf, succeeds } = terraform(t, server, { 'main.tf': resources(first) });
    const pipelines = server.client(cp.CodePipelineClient);
    const webhooks = async () => (await pipelines.send(new cp.ListWebhooksCommand({}))).webhooks;
    const connections = async () => (await server.client(star.CodeStarConnectionsClient).send(new star.ListConnectionsCommand({}))).Connections;
    let urls;

    await t.test('apply, and nothing is left to do', async () => {
        succeeds(await tf('init', '-input=false'), 'init');
        succeeds(await tf('apply', '-auto-approve', '-input=false'), 'apply');
        succeeds(await tf('plan', '-detailed-exitcode', '-input=false'), 'second plan');
        urls = (await webhooks()).map((w) => w.url);
        assert.equal(urls.length, 3);
        assert.deepEqual((await connections()).map((c) => c.ConnectionName).sort(), ['lab', 'trunk']);
    });

    await t.test('an update in place', async () => {
        writeFileSync(join(dir, 'main.tf'), resources(second));
        const done = await tf('apply', '-auto-approve', '-input=false');
        succeeds(done, 'apply');
        assert.match(done.text, /0 added, 3 changed, 0 destroyed/);
        succeeds(await tf('plan', '-detailed-exitcode', '-input=false'), 'plan after the update');
        const all = await webhooks();
        assert.deepEqual(all.map((w) => w.url), urls);
        const signed = all.find((w) => w.definition.name === 'signed');
        assert.equal(signed.definition.filters.find((f) => f.jsonPath === '$.ref').matchEquals, second.ref);
        assert.deepEqual(signed.tags, [{ key: 'team', value: 'b' }]);
        // the update sent asterisks back: the secret of the first apply still counts
        const body = '{"ref":"refs/heads/main-2","repository":{"full_name":"team/app"}}';
        const signature = createHmac('sha256', 'a secret of terraform\'s').update(body).digest('hex');
        const answer = await fetch(signed.url, { method: 'POST', body, headers: { 'X-Hub-Signature-256': `sha256=${signature}` } });
        assert.ok((await answer.json()).pipelineExecutionId);
        const { pipeline } = await pipelines.send(new cp.GetPipelineCommand({ name: 'app' }));
        assert.deepEqual(pipeline.triggers[0].gitConfiguration.push[0].branches.includes, ['main', 'release/**']);
    });

    await t.test('import', async () => {
        const trunk = (await connections()).find((c) => c.ConnectionName === 'trunk').ConnectionArn;
        const ids = {
            'aws_codestarconnections_connection.trunk': trunk,
            'aws_codepipeline.app': 'app',
            'aws_codepipeline_webhook.signed': 'arn:aws:codepipeline:eu-west-2:111111111111:webhook:signed',
            'aws_codepipeline_webhook.near': 'arn:aws:codepipeline:eu-west-2:111111111111:webhook:near',
        };
        for (const [address, id] of Object.entries(ids)) {
            succeeds(await tf('state', 'rm', address), `state rm ${address}`);
            succeeds(await tf('import', '-input=false', address, id), `import ${address}`);
        }
        // the provider reads triggers of an import into trigger_all only, whatever the service answers
        const plan = await tf('plan', '-detailed-exitcode', '-input=false');
        assert.match(plan.text, /Plan: 0 to add, 1 to change, 0 to destroy/, plan.text.slice(-4000));
        assert.match(plan.text, /aws_codepipeline.app will be updated in-place[^]*\+ trigger/);
    });

    await t.test('destroy leaves nothing', async () => {
        succeeds(await tf('destroy', '-auto-approve', '-input=false'), 'destroy');
        assert.deepEqual(await webhooks(), []);
        assert.deepEqual(await connections(), []);
    });
});
