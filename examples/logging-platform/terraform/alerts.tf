resource "aws_sns_topic" "alerts" {
  name = "logging-platform-${var.env}-alerts"
}

resource "aws_sns_topic_subscription" "alerts" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = split(":", var.alert_endpoint)[0]
  endpoint  = var.alert_endpoint
}

# The service could not hand log events over to the shipper.
resource "aws_cloudwatch_metric_alarm" "delivery_errors" {
  alarm_name          = "logging-delivery-errors"
  alarm_description   = "CloudWatch Logs could not deliver events of ${var.env} to the log shipper"
  namespace           = "AWS/Logs"
  metric_name         = "DeliveryErrors"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]

  dimensions = {
    DestinationType = "Lambda"
    FilterName      = "log-shipper-application"
    LogGroupName    = aws_cloudwatch_log_group.source["application"].name
  }
}
