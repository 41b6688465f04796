terraform {
  required_version = ">= 1.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }

  # Bucket, key, region and lock table come from scripts/terraform_init.sh.
  backend "s3" {
    encrypt = true
  }
}

# The build's own identity reads and writes the state; everything else is done as the target
# account's deploy role.
provider "aws" {
  assume_role {
    role_arn     = var.deploy_role_arn
    session_name = "terraform-${var.env}"
  }

  default_tags {
    tags = {
      Environment = var.env
      Project     = "logging-platform"
    }
  }
}
