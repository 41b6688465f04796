#!/bin/bash
# Step 5: plans, then applies exactly that plan in the target account.
# Leaves build/plan-summary: one line, which the buildspec exports as PLAN_SUMMARY.
set -euo pipefail
cd "$(dirname "$0")/../terraform"
. ../scripts/common.sh
need TF_VAR_env TF_VAR_deploy_role_arn TF_VAR_archive_bucket TF_VAR_alert_endpoint SHIPPER_COLLECTOR

# One parameter, two readers: the shipper's configuration and the published settings.
export TF_VAR_collector=$SHIPPER_COLLECTOR
mkdir -p ../build
changes=0
terraform plan -input=false -no-color -lock-timeout=60s -detailed-exitcode -out=release.plan |
    tee ../build/plan.txt || changes=$?
case $changes in
0) say "nothing to change" ;;
2) terraform apply -input=false -no-color -lock-timeout=60s release.plan ;;
*) die "the plan failed" ;;
esac
sed -n -e 's/^Plan: \(.*\)\.$/\1/p' -e 's/^No changes\..*/no changes/p' ../build/plan.txt |
    head -n 1 >../build/plan-summary
if [ ! -s ../build/plan-summary ]; then
    # A plan that changes outputs only has neither of the two lines.
    echo "0 to add, 0 to change, 0 to destroy" >../build/plan-summary
fi
say "$(cat ../build/plan-summary)"
