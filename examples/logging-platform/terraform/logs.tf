locals {
  sources = ["application", "audit", "network"]
}

resource "aws_cloudwatch_log_group" "source" {
  for_each = toset(local.sources)

  name = "/logging-platform/${var.env}/${each.key}"

  # scripts/retention.sh sets one retention for every log group of the account.
  lifecycle {
    ignore_changes = [retention_in_days]
  }
}

# What other teams look up to send their logs here.
resource "aws_ssm_parameter" "settings" {
  name        = "/logging-platform/${var.env}/settings"
  description = "Where the logging platform of ${var.env} lies"
  type        = "String"
  value = jsonencode({
    alerts    = aws_sns_topic.alerts.arn
    archive   = aws_s3_bucket.archive.bucket
    collector = var.collector
  })
}
