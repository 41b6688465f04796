variable "env" {
  type        = string
  description = "The environment: development, pre-production or production."
}

variable "deploy_role_arn" {
  type        = string
  description = "The target account's role that creates everything here."
}

variable "archive_bucket" {
  type        = string
  description = "The bucket that keeps what the collector has taken over."
}

variable "alert_endpoint" {
  type        = string
  description = "An http or https URL that takes alerts and confirms its subscription itself."
}

variable "collector" {
  type        = string
  description = "Where the shipper sends the logs to, as HOST:PORT."
}
