// EventBridge and notification rules by Terraform's AWS provider 5.x: apply, an empty second plan, an
// update in place, import, destroy.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as eb from '@aws-sdk/client-eventbridge';
import { makeRoles } from '../lib/release.js';
import { Server } from '../lib/server.js';
import { terraform } from '../lib/terraform.js';
import { withoutTerraform } from '../lib/tools.js';

const resources = ({ description, state, pattern, detail, password }) => `
resource "aws_sns_topic" "told" { name = "told" }

resource "aws_cloudwatch_event_bus" "orders" {
  name        = "orders"
  description = "${description}"
  tags        = { team = "platform" }
}
resource "aws_cloudwatch_event_permission" "other" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  principal      = "222222222222"
  statement_id   = "other"
}
resource "aws_cloudwatch_event_rule" "failed" {
  name          = "pipeline-failed"
  description   = "${description}"
  state         = "${state}"
  event_pattern = jsonencode({ source = ["aws.codepipeline"], detail = { state = ["${pattern}"] } })
  tags          = { team = "platform" }
}
resource "aws_cloudwatch_event_target" "topic" {
  rule      = aws_cloudwatch_event_rule.failed.name
  target_id = "topic"
  arn       = aws_sns_topic.told.arn
  input_transformer {
    input_paths    = { pipeline = "$.detail.pipeline", state = "$.detail.state" }
    input_template = "\\"<pipeline> is <state>: ${description}\\""
  }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 5
  }
}
resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  schedule_expression = "cron(0 3 ? * MON-FRI *)"
}
resource "aws_cloudwatch_event_target" "pipeline" {
  rule     = aws_cloudwatch_event_rule.nightly.name
  arn      = "arn:aws:codepipeline:eu-west-2:111111111111:app"
  role_arn = "arn:aws:iam::111111111111:role/start"
}
resource "aws_cloudwatch_event_rule" "orders" {
  name           = "orders"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  event_pattern  = jsonencode({ source = ["shop"] })
}
resource "aws_cloudwatch_event_connection" "hook" {
  name               = "hook"
  description        = "${description}"
  authorization_type = "BASIC"
  auth_parameters {
    basic {
      username = "ada"
      password = "${password}"
    }
    invocation_http_parameters {
      header {
        key   = "X-Team"
        value = "platform"
      }
      body {
        key             = "token"
        value           = "hidden"
        is_value_secret = true
      }
    }
  }
}
resource "aws_cloudwatch_event_connection" "key" {
  name               = "key"
  authorization_type = "API_KEY"
  auth_parameters {
    api_key {
      key   = "x-api-key"
      value = "k"
    }
  }
}
resource "aws_cloudwatch_event_api_destination" "hook" {
  name                             = "hook"
  description                      = "${description}"
  invocation_endpoint              = "https://hook.example.org/*"
  http_method                      = "POST"
  invocation_rate_limit_per_second = 20
  connection_arn                   = aws_cloudwatch_event_connection.hook.arn
}
resource "aws_cloudwatch_event_target" "hook" {
  rule           = aws_cloudwatch_event_rule.orders.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "hook"
  arn            = aws_cloudwatch_event_api_destination.hook.arn
  role_arn       = "arn:aws:iam::111111111111:role/start"
  http_target {
    path_parameter_values   = ["$.detail.id"]
    query_string_parameters = { v = "1" }
    header_parameters       = { "X-Own" = "mine" }
  }
}
resource "aws_codestarnotifications_notification_rule" "releases" {
  name           = "releases"
  detail_type    = "${detail}"
  resource       = "arn:aws:codepipeline:eu-west-2:111111111111:app"
  event_type_ids = ["codepipeline-pipeline-pipeline-execution-failed", "codepipeline-pipeline-manual-approval-needed"]
  tags           = { team = "platform" }
  target { address = aws_sns_topic.told.arn }
}
`;

const before = { description: 'first', state: 'ENABLED', pattern: 'FAILED', detail: 'BASIC', password: 'old' };
const after = { description: 'second', state: 'DISABLED', pattern: 'SUCCEEDED', detail: 'FULL', password: 'new' };

test('terraform: events and notifications', { skip: withoutTerraform() }, async (t) => {
    const server = await Server.start(t);
    await makeRoles(server, { start: 'events' });
    const { dir, tf, succeeds } = terraform(t, server, { 'main.tf': resources(before) });
    succeeds(await tf('init', '-input=false'), 'init');

    await t.test('applies, and plans nothing the second time', async () => {
        succeeds(await tf('apply', '-auto-approve', '-input=false'), 'apply');
        const again = await tf('plan', '-detailed-exitcode', '-input=false');
        assert.equal(again.status, 0, again.text.slice(-6000));
        const { Rules } = await server.client(eb.EventBridgeClient).send(new eb.ListRulesCommand({ NamePrefix: 'pipeline' }));
        assert.equal(Rules[0].Description, 'first');
    });

    await t.test('updates in place', async () => {
        writeFileSync(join(dir, 'main.tf'), resources(after));
        const plan = await tf('plan', '-input=false');
        assert.match(plan.text, /0 to add, [1-9]\d* to change, 0 to destroy/, plan.text.slice(-6000));
        succeeds(await tf('apply', '-auto-approve', '-input=false'), 'update');
        const again = await tf('plan', '-detailed-exitcode', '-input=false');
        assert.equal(again.status, 0, again.text.slice(-6000));
    });

    await t.test('imports what is there', async () => {
        const rule = (await tf('state', 'show', 'aws_codestarnotifications_notification_rule.releases')).stdout.match(/arn:aws:codestar-notifications[^"]+/)[0];
        for (const [address, id] of [
            ['aws_cloudwatch_event_rule.failed', 'default/pipeline-failed'],
            ['aws_cloudwatch_event_target.topic', 'pipeline-failed/topic'],
            ['aws_cloudwatch_event_bus.orders', 'orders'],
            ['aws_cloudwatch_event_permission.other', 'orders/other'],
            ['aws_cloudwatch_event_connection.key', 'key'],
            ['aws_cloudwatch_event_api_destination.hook', 'hook'],
            ['aws_codestarnotifications_notification_rule.releases', rule],
        ]) {
            succeeds(await tf('state', 'rm', address), `rm ${address}`);
            succeeds(await tf('import', '-input=false', address, id), `import ${address}`);
        }
        const plan = await tf('plan', '-detailed-exitcode', '-input=false', '-target=aws_cloudwatch_event_rule.failed',
            '-target=aws_cloudwatch_event_target.topic', '-target=aws_cloudwatch_event_bus.orders',
            '-target=aws_codestarnotifications_notification_rule.releases', '-target=aws_cloudwatch_event_api_destination.hook');
        assert.equal(plan.status, 0, plan.text.slice(-6000));
    });

    await t.test('destroys all', async () => {
        succeeds(await tf('destroy', '-auto-approve', '-input=false'), 'destroy');
        const client = server.client(eb.EventBridgeClient);
        assert.deepEqual((await client.send(new eb.ListRulesCommand({}))).Rules, []);
        assert.deepEqual((await client.send(new eb.ListConnectionsCommand({}))).Connections, []);
        assert.deepEqual((await client.send(new eb.ListEventBusesCommand({}))).EventBuses.map((b) => b.Name), ['default']);
    });
});
