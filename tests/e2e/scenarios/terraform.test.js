// Terraform with its AWS provider 5.x, as it is on people's machines: apply, an empty second plan,
// destroy; state in S3 with both kinds of lock.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { Server, run, temporary } from '../lib/server.js';
import { awsProvider, withoutTerraform } from '../lib/tools.js';

const skip = withoutTerraform();

// A folder with these files, and terraform in it. The provider is found as Terraform finds it.
function workspace(t, server, files) {
    const dir = temporary(t, 'trunkline-tf-');
    mkdirSync(join(dir, 'home'));
    writeFileSync(join(dir, 'terraform.rc'), `provider_installation {\n  filesystem_mirror {\n    path = "${awsProvider()}"\n  }\n}\n`);
    for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(dir, name), text);
    }
    const env = {
        ...server.env(), HOME: join(dir, 'home'), TF_CLI_CONFIG_FILE: join(dir, 'terraform.rc'), TF_IN_AUTOMATION: '1',
        CHECKPOINT_DISABLE: '1', AWS_S3_USE_PATH_STYLE: 'true',
    };
    const tf = async (...args) => {
        const done = await run('terraform', [...args, '-no-color'], { cwd: dir, env, timeout_ms: 180_000 });
        return { ...done, text: done.stdout + done.stderr };
    };
    return { dir, tf };
}

const provider = (url, more = '') => `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
  ${more}
}
provider "aws" {
  region            = "eu-west-2"
  s3_use_path_style = true
}
`;

const backend = (lock) => `backend "s3" {
    bucket         = "tf-state"
    key            = "terraform.state"
    region         = "eu-west-2"
    use_path_style = true
    ${lock}
  }`;

async function succeeds(done, what) {
    assert.equal(done.status, 0, `${what}: ${done.text.slice(-6000)}`);
}

test('terraform', { skip }, async (t) => {
    const server = await Server.start(t);
    const s3 = server.client(S3Client);
    await s3.send(new CreateBucketCommand({ Bucket: 'tf-state', CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'tf-state', VersioningConfiguration: { Status: 'Enabled' } }));
    await server.client(ddb.DynamoDBClient).send(new ddb.CreateTableCommand({
        TableName: 'tf-locks', BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }],
    }));

    await t.test('applies everything once, plans nothing the second time, destroys', async (t2) => {
        const { tf } = workspace(t2, server, {
            'main.tf': `${provider(server.url)}
data "aws_caller_identity" "me" {}
data "aws_region" "here" {}

resource "aws_kms_key" "app" {
  description             = "app"
  enable_key_rotation     = true
  deletion_window_in_days = 7
}
resource "aws_kms_alias" "app" {
  name          = "alias/app"
  target_key_id = aws_kms_key.app.key_id
}
resource "aws_ssm_parameter" "plain" {
  name  = "/app/plain"
  type  = "String"
  value = data.aws_caller_identity.me.account_id
  tags  = { team = "platform" }
}
resource "aws_ssm_parameter" "secret" {
  name  = "/app/secret"
  type  = "SecureString"
  value = "hidden"
}
resource "aws_cloudwatch_log_group" "app" {
  name              = "/app/web"
  retention_in_days = 7
  tags              = { team = "platform" }
}
resource "aws_sns_topic" "alerts" {
  name = "alerts"
}
resource "aws_sns_topic_subscription" "hook" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "http"
  endpoint  = "http://192.0.2.1/hook"
}
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "errors"
  namespace           = "app"
  metric_name         = "errors"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanThreshold"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
resource "aws_s3_bucket" "app" {
  bucket        = "tf-app-bucket"
  force_destroy = true
  tags          = { team = "platform" }
}
resource "aws_s3_bucket_versioning" "app" {
  bucket = aws_s3_bucket.app.id
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_public_access_block" "app" {
  bucket                  = aws_s3_bucket.app.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket_server_side_encryption_configuration" "app" {
  bucket = aws_s3_bucket.app.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.app.arn
    }
  }
}
resource "aws_s3_bucket_policy" "app" {
  bucket = aws_s3_bucket.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Deny", Principal = "*", Action = "s3:*"
      Resource  = [aws_s3_bucket.app.arn, "\${aws_s3_bucket.app.arn}/*"]
      Condition = { StringEquals = { "aws:PrincipalAccount" = "999999999999" } }
    }]
  })
}
resource "aws_s3_object" "one" {
  bucket  = aws_s3_bucket.app.id
  key     = "one.txt"
  content = "one"
}
resource "aws_iam_role" "build" {
  name = "tf-build"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"] }, Action = "sts:AssumeRole" }]
  })
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.build.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }] })
}
resource "aws_iam_policy" "managed" {
  name   = "managed"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "\${aws_s3_bucket.app.arn}/*" }] })
}
resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.build.name
  policy_arn = aws_iam_policy.managed.arn
}
resource "aws_dynamodb_table" "items" {
  name         = "items"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_codestarconnections_connection" "trunk" {
  name          = "trunk"
  provider_type = "GitHub"
}
resource "aws_codebuild_project" "build" {
  name         = "tf-app"
  service_role = aws_iam_role.build.arn
  artifacts {
    type = "CODEPIPELINE"
  }
  environment {
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/standard:7.0"
    type         = "LINUX_CONTAINER"
    environment_variable {
      name  = "ENV"
      value = "development"
    }
  }
  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspec.yml"
  }
  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.app.name
    }
  }
}
resource "aws_codepipeline" "app" {
  name          = "tf-app"
  role_arn      = aws_iam_role.build.arn
  pipeline_type = "V2"
  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.app.bucket
  }
  stage {
    name = "Source"
    action {
      name             = "Trunk"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["Source"]
      configuration = {
        ConnectionArn    = aws_codestarconnections_connection.trunk.arn
        FullRepositoryId = "local/app"
        BranchName       = "main"
      }
    }
  }
  stage {
    name = "Build"
    action {
      name            = "Build"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["Source"]
      configuration   = { ProjectName = aws_codebuild_project.build.name }
    }
  }
}
output "topic" {
  value = aws_sns_topic.alerts.arn
}
`,
        });
        await succeeds(await tf('init'), 'init');
        await succeeds(await tf('apply', '-auto-approve'), 'apply');
        const plan = await tf('plan', '-detailed-exitcode');
        assert.equal(plan.status, 0, `the second plan is not empty: ${plan.text.slice(-6000)}`);
        const topic = await tf('output', '-raw', 'topic');
        assert.equal(topic.stdout, 'arn:aws:sns:eu-west-2:111111111111:alerts');
        await succeeds(await tf('destroy', '-auto-approve'), 'destroy');
        assert.deepEqual((await server.client(SNSClient).send(new ListTopicsCommand({}))).Topics ?? [], []);
    });

    const small = (lock) => ({
        'main.tf': `${provider(server.url, backend(lock))}
resource "aws_ssm_parameter" "x" {
  name  = "/tf/\${terraform.workspace}"
  type  = "String"
  value = "1"
}
`,
    });

    await t.test('keeps its state in S3, locked by a DynamoDB table, by workspace', async (t2) => {
        const { tf } = workspace(t2, server, small('dynamodb_table = "tf-locks"'));
        await succeeds(await tf('init'), 'init');
        await succeeds(await tf('workspace', 'new', 'development'), 'workspace');
        await succeeds(await tf('apply', '-auto-approve'), 'apply');
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'tf-state' }));
        assert.ok(Contents.some((o) => o.Key === 'env:/development/terraform.state'), JSON.stringify(Contents));
        const state = await s3.send(new GetObjectCommand({ Bucket: 'tf-state', Key: 'env:/development/terraform.state' }));
        assert.equal(JSON.parse(await state.Body.transformToString()).resources.length, 1);

        // Somebody else holds the lock: refused, by name, and free again when the lock is gone.
        const table = server.client(ddb.DynamoDBClient);
        const LockID = { S: 'tf-state/env:/development/terraform.state' };
        await table.send(new ddb.PutItemCommand({ TableName: 'tf-locks', Item: { LockID, Info: { S: '{"ID":"x","Who":"somebody"}' } } }));
        const locked = await tf('plan', '-lock-timeout=0s');
        assert.equal(locked.status, 1);
        assert.match(locked.text, /Error acquiring the state lock[\s\S]*somebody/);
        await table.send(new ddb.DeleteItemCommand({ TableName: 'tf-locks', Key: { LockID } }));
        await succeeds(await tf('destroy', '-auto-approve'), 'destroy');
    });

    await t.test('and by a lock file in the bucket itself', async (t2) => {
        const { tf } = workspace(t2, server, small('use_lockfile = true'));
        await succeeds(await tf('init'), 'init');
        await succeeds(await tf('apply', '-auto-approve'), 'apply');
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'tf-state' }));
        assert.ok(!Contents.some((o) => o.Key.endsWith('.tflock')), 'the lock is released');
        await succeeds(await tf('destroy', '-auto-approve'), 'destroy');
    });
});
