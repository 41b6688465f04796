"""A small log shipper: CloudWatch Logs events in, newline-delimited JSON over mutual TLS out."""

VERSION = "1.4.2"
