#!/bin/bash
# Steps 3 to 5 without Terraform: the same resources as terraform/, by CloudFormation.
# The change set that is summed up in build/plan-summary is the one that is executed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need ENV TF_VAR_deploy_role_arn TF_VAR_archive_bucket TF_VAR_alert_endpoint SHIPPER_COLLECTOR

# In this process only: the build's later commands assume the role by themselves, in step 8.
. scripts/assume_role.sh

stack=logging-platform
mkdir -p build
aws cloudformation deploy --stack-name "$stack" --template-file cloudformation/platform.yml \
    --no-execute-changeset --no-fail-on-empty-changeset --capabilities CAPABILITY_NAMED_IAM \
    --parameter-overrides "Environment=$ENV" "ArchiveBucket=$TF_VAR_archive_bucket" \
    "AlertEndpoint=$TF_VAR_alert_endpoint" "AlertProtocol=${TF_VAR_alert_endpoint%%:*}" \
    "Collector=$SHIPPER_COLLECTOR" |
    tee build/deploy.txt
change_set=$(grep -o 'arn:[^ ]*:changeSet/[^ ]*' build/deploy.txt | head -n 1 || true)
if [ -z "$change_set" ]; then
    echo "no changes" >build/plan-summary
    say "nothing to change"
    exit 0
fi

aws cloudformation describe-change-set --change-set-name "$change_set" --output json \
    >build/change-set.json
jq -r '[.Changes[].ResourceChange] as $c
    | def count(a): [$c[] | select(.Action == a)] | length;
    "\(count("Add")) to add, \(count("Modify")) to change, \(count("Remove")) to destroy"' \
    build/change-set.json >build/plan-summary
jq -r '.Changes[].ResourceChange | "  \(.Action) \(.ResourceType) \(.LogicalResourceId)"' \
    build/change-set.json
say "$(cat build/plan-summary)"

# A stack that only has a change set so far is waited for by another waiter than an old one.
status=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query 'Stacks[0].StackStatus')
wait_for="stack-update-complete"
if [ "$status" = REVIEW_IN_PROGRESS ]; then
    wait_for="stack-create-complete"
fi
aws cloudformation execute-change-set --change-set-name "$change_set"
aws cloudformation wait "$wait_for" --stack-name "$stack" ||
    die "stack $stack did not come through: see 'aws cloudformation describe-stack-events'"
say "stack $stack is deployed"
