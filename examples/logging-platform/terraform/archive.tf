resource "aws_s3_bucket" "archive" {
  bucket = var.archive_bucket
}

resource "aws_s3_bucket_public_access_block" "archive" {
  bucket = aws_s3_bucket.archive.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_caller_identity" "target" {}

# People of this account who look something up in the archive take this role.
resource "aws_iam_role" "archive_reader" {
  name = "logging-platform-${var.env}-archive-reader"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.target.account_id}:root" }
    }]
  })
}

resource "aws_iam_role_policy" "archive_reader" {
  name = "read-archive"
  role = aws_iam_role.archive_reader.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.archive.arn
      },
      {
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.archive.arn}/*"
      },
    ]
  })
}
