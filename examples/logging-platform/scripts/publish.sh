#!/bin/bash
# Publishes in the target account what runs there now, for people and for other pipelines.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need ENV SHIPPER_VERSION PLAN_SUMMARY

name=/logging-platform/$ENV/release
value=$(jq -cn --arg commit "${CODEBUILD_RESOLVED_SOURCE_VERSION:-unknown}" \
    --arg build "${CODEBUILD_BUILD_ID:-unknown}" --arg shipper "$SHIPPER_VERSION" \
    --arg plan "$PLAN_SUMMARY" \
    '{commit: $commit, build: $build, shipper: $shipper, plan: $plan}')
version=$(aws ssm put-parameter --name "$name" --type String --overwrite --value "$value" \
    --query Version --output text)
say "$name is at version $version: $value"
