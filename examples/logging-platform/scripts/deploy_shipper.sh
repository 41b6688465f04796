#!/bin/bash
# Step 9: packages the shipper as a function and deploys it and its monitoring, as two stacks.
# The archive's key is its digest: the same content makes no change, and a rollback finds its code.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need ENV DEPLOY_BUCKET TF_VAR_alert_endpoint ERROR_THRESHOLD SHIPPER_VERSION

mkdir -p build
log-shipper package --config "${SHIPPER_CONFIG_DIR:-/etc/log-shipper}/config.json" \
    --output build/log-shipper.zip
digest=$(sha256sum build/log-shipper.zip)
key=log-shipper/$SHIPPER_VERSION/${digest:0:16}.zip
aws s3 cp --no-progress build/log-shipper.zip "s3://$DEPLOY_BUCKET/$key"

aws cloudformation deploy --stack-name logging-shipper \
    --template-file cloudformation/shipper.yml --no-fail-on-empty-changeset \
    --capabilities CAPABILITY_NAMED_IAM \
    --parameter-overrides "Environment=$ENV" "CodeBucket=$DEPLOY_BUCKET" "CodeKey=$key"
aws cloudformation deploy --stack-name logging-monitoring \
    --template-file cloudformation/monitoring.yml --no-fail-on-empty-changeset \
    --parameter-overrides "Environment=$ENV" "AlertEndpoint=$TF_VAR_alert_endpoint" \
    "AlertProtocol=${TF_VAR_alert_endpoint%%:*}" "ErrorThreshold=$ERROR_THRESHOLD"
