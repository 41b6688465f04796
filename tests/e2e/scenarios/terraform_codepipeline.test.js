// CodePipeline by Terraform's AWS provider 5.x: pipelines with every argument, and custom action
// types: apply, an empty second plan, an update in place, import, destroy. But for timeout_in_minutes of
// rules: provider 5.100 looks for it as an int32, which an argument never is, and sends nothing of it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as cp from '@aws-sdk/client-codepipeline';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { terraform } from '../lib/terraform.js';
import { withoutTerraform } from '../lib/tools.js';

const resources = ({ mode, branch, order, note, team }) => `
locals {
  role   = "arn:aws:iam::111111111111:role/pipeline"
  region = "eu-west-2"
}

resource "aws_codestarconnections_connection" "trunk" {
  name          = "trunk"
  provider_type = "GitHub"
}

resource "aws_codepipeline_custom_action_type" "mill" {
  category      = "Build"
  provider_name = "Mill"
  version       = "1"
  input_artifact_details {
    minimum_count = 1
    maximum_count = 1
  }
  output_artifact_details {
    minimum_count = 0
    maximum_count = 1
  }
  settings {
    entity_url_template    = "https://mill.example.org/{Config:Job}"
    execution_url_template = "https://mill.example.org/{Config:Job}/{ExternalExecutionId}"
    revision_url_template  = "https://mill.example.org/{Config:Job}/edit"
  }
  configuration_property {
    name        = "Job"
    required    = true
    key         = true
    secret      = false
    queryable   = true
    type        = "String"
    description = "which one"
  }
  configuration_property {
    name     = "Password"
    required = true
    key      = false
    secret   = true
    type     = "String"
  }
  configuration_property {
    name     = "Note"
    required = false
    key      = false
    secret   = false
    type     = "String"
  }
  tags = { team = "${team}" }
}

resource "aws_codepipeline" "small" {
  name     = "small"
  role_arn = local.role
  artifact_store {
    location = "artifacts"
    type     = "S3"
  }
  stage {
    name = "Source"
    action {
      name             = "Bucket"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["source"]
      configuration    = { S3Bucket = "things", S3ObjectKey = "app.zip", PollForSourceChanges = "false" }
    }
  }
  stage {
    name = "Mill"
    action {
      name            = "Grind"
      category        = "Build"
      owner           = aws_codepipeline_custom_action_type.mill.owner
      provider        = aws_codepipeline_custom_action_type.mill.provider_name
      version         = "1"
      input_artifacts = ["source"]
      configuration   = { Job = "flour", Password = "sesame", Note = "${note}" }
    }
  }
  lifecycle { # a secret is read back as asterisks, as from AWS
    ignore_changes = [stage[1].action[0].configuration["Password"]]
  }
}

resource "aws_codepipeline" "whole" {
  name           = "whole"
  role_arn       = local.role
  pipeline_type  = "V2"
  execution_mode = "${mode}"
  artifact_store {
    location = "artifacts"
    type     = "S3"
    region   = local.region
    encryption_key {
      id   = "arn:aws:kms:eu-west-2:111111111111:alias/artifacts"
      type = "KMS"
    }
  }
  artifact_store {
    location = "artifacts-elsewhere"
    type     = "S3"
    region   = "us-east-1"
  }
  variable {
    name          = "level"
    default_value = "one"
    description   = "how loud"
  }
  variable {
    name = "asked"
  }
  trigger {
    provider_type = "CodeStarSourceConnection"
    git_configuration {
      source_action_name = "Trunk"
      push {
        branches {
          includes = ["${branch}", "release/**"]
          excludes = ["release/old"]
        }
        file_paths {
          includes = ["src/**"]
          excludes = ["docs/**", "*.md"]
        }
      }
      push {
        tags {
          includes = ["v*"]
          excludes = ["v0*"]
        }
      }
      pull_request {
        events = ["OPEN", "UPDATED"]
        branches {
          includes = ["main"]
        }
        file_paths {
          excludes = ["docs/**"]
        }
      }
    }
  }
  stage {
    name = "Source"
    action {
      name             = "Trunk"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      namespace        = "SourceVariables"
      output_artifacts = ["source"]
      configuration = {
        ConnectionArn    = aws_codestarconnections_connection.trunk.arn
        FullRepositoryId = "local/app"
        BranchName       = "main"
        DetectChanges    = "false"
      }
    }
    on_failure {
      result = "RETRY"
      retry_configuration {
        retry_mode = "ALL_ACTIONS"
      }
    }
  }
  stage {
    name = "Build"
    before_entry {
      condition {
        result = "FAIL"
        rule {
          name = "window"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "DeploymentWindow"
            version  = "1"
          }
          configuration = { Cron = "0 * 9-17 ? * MON-FRI *", TimeZone = "Europe/London" }
        }
        rule {
          name     = "quiet"
          region   = local.region
          role_arn = local.role
          rule_type_id {
            category = "Rule"
            provider = "CloudWatchAlarm"
          }
          configuration = { AlarmName = "errors", WaitTime = "5" }
        }
      }
    }
    on_success {
      condition {
        result = "ROLLBACK"
        rule {
          name = "still-quiet"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "CloudWatchAlarm"
            version  = "1"
          }
          configuration = { AlarmName = "errors" }
        }
      }
    }
    on_failure {
      condition {
        result = "ROLLBACK"
        rule {
          name = "loud"
          rule_type_id {
            category = "Rule"
            owner    = "AWS"
            provider = "CloudWatchAlarm"
            version  = "1"
          }
          configuration = { AlarmName = "errors" }
        }
      }
    }
    action {
      name             = "Unit"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      run_order        = ${order}
      region           = local.region
      role_arn         = local.role
      namespace        = "BuildVariables"
      input_artifacts  = ["source"]
      output_artifacts = ["built"]
      configuration    = { ProjectName = "unit" }
    }
    action {
      name            = "Far"
      category        = "Test"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      region          = "us-east-1"
      input_artifacts = ["source"]
      configuration   = { ProjectName = "far" }
    }
  }
  stage {
    name = "Approve"
    action {
      name               = "Person"
      category           = "Approval"
      owner              = "AWS"
      provider           = "Manual"
      version            = "1"
      timeout_in_minutes = 60
      configuration      = { CustomData = "${note} #{SourceVariables.CommitId} #{variables.level}" }
    }
    on_failure {
      result = "ROLLBACK"
    }
  }
  tags = { team = "${team}", "with space" = "x" }
}
`;

test('CodePipeline by Terraform', { skip: withoutTerraform() }, async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { pipeline: 'codepipeline' });
    const client = server.client(cp.CodePipelineClient);
    const before = { mode: 'QUEUED', branch: 'main', order: 1, note: 'Look', team: 'blue' };
    const after = { mode: 'SUPERSEDED', branch: 'trunk', order: 3, note: 'Look twice', team: 'green' };
    const { dir, tf, succeeds } = terraform(t, server, { 'main.tf': resources(before) });
    succeeds(await tf('init'), 'init');

    await t.test('is made with every argument', async () => {
        succeeds(await tf('apply', '-auto-approve'), 'apply');
        const { pipeline } = await client.send(new cp.GetPipelineCommand({ name: 'whole' }));
        assert.equal(pipeline.executionMode, 'QUEUED');
        assert.deepEqual(pipeline.variables, [{ name: 'level', defaultValue: 'one', description: 'how loud' }, { name: 'asked' }]);
        assert.deepEqual(Object.keys(pipeline.artifactStores).sort(), ['eu-west-2', 'us-east-1']);
        assert.deepEqual(pipeline.stages[0].onFailure, { result: 'RETRY', retryConfiguration: { retryMode: 'ALL_ACTIONS' } });
        const quiet = pipeline.stages[1].beforeEntry.conditions[0].rules[1];
        assert.deepEqual([quiet.roleArn, quiet.region], ['arn:aws:iam::111111111111:role/pipeline', 'eu-west-2']);
        const small = await client.send(new cp.GetPipelineCommand({ name: 'small' }));
        assert.equal(small.pipeline.pipelineType, 'V1');
        assert.equal(small.pipeline.stages[1].actions[0].configuration.Password, '****');
    });

    await t.test('a second plan is empty', async () => {
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 0, plan.text.slice(-4000));
    });

    await t.test('is updated in place', async () => {
        writeFileSync(join(dir, 'main.tf'), resources(after));
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 2, plan.text.slice(-4000));
        assert.match(plan.text, /0 to add, 3 to change, 0 to destroy/);
        succeeds(await tf('apply', '-auto-approve'), 'second apply');
        const { pipeline } = await client.send(new cp.GetPipelineCommand({ name: 'whole' }));
        assert.equal(pipeline.version, 2);
        assert.equal(pipeline.executionMode, 'SUPERSEDED');
        assert.equal(pipeline.stages[1].actions[0].runOrder, 3);
        const small = await client.send(new cp.GetPipelineCommand({ name: 'small' }));
        assert.equal(small.pipeline.stages[1].actions[0].configuration.Note, 'Look twice');
        const again = await tf('plan', '-detailed-exitcode');
        assert.equal(again.status, 0, again.text.slice(-4000));
    });

    await t.test('is imported', async () => {
        const ids = {
            'aws_codepipeline.small': 'small',
            'aws_codepipeline.whole': 'whole',
            'aws_codepipeline_custom_action_type.mill': 'Build/Mill/1',
        };
        for (const [address, id] of Object.entries(ids)) {
            succeeds(await tf('state', 'rm', address), `forget ${address}`);
            succeeds(await tf('import', address, id), `import ${address}`);
        }
        // The provider sets trigger from its own state, which an import has not; trigger_all is the answer's.
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 2, plan.text.slice(-4000));
        assert.match(plan.text, /0 to add, 1 to change, 0 to destroy/);
        assert.match(plan.text, /aws_codepipeline.whole will be updated in-place[^]*\+ trigger/);
        assert.doesNotMatch(plan.text, /^ +[~-] (?!resource|update in-place)/m);
        succeeds(await tf('apply', '-auto-approve'), 'apply after import');
        const again = await tf('plan', '-detailed-exitcode');
        assert.equal(again.status, 0, again.text.slice(-4000));
    });

    await t.test('is destroyed', async () => {
        succeeds(await tf('destroy', '-auto-approve'), 'destroy');
        assert.deepEqual((await client.send(new cp.ListPipelinesCommand({}))).pipelines, []);
        assert.deepEqual((await client.send(new cp.ListActionTypesCommand({ actionOwnerFilter: 'Custom' }))).actionTypes, []);
    });
});
