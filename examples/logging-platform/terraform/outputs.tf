output "archive_bucket" {
  value = aws_s3_bucket.archive.bucket
}

output "alerts_topic_arn" {
  value = aws_sns_topic.alerts.arn
}

output "log_group_names" {
  value = [for group in aws_cloudwatch_log_group.source : group.name]
}
