#!/bin/bash
# A condition after success: while production's alarm is loud, the stage is rolled back to the release
# before, in a release of its own.
. "$(dirname "$0")/lib.sh"
begin <<'YML'
name: shop
source: {repository: ../shop.git}
buildspec: buildspec.yml
environments:
  development: {}
  production: {after: {alarms: [errors], wait: 0, then: rollback}}
YML
printf 'version: 0.2\nphases: {build: {commands: [cat version]}}\n' >"$work/shop/buildspec.yml"
echo 1 >"$work/shop/version"
cli production cloudwatch put-metric-alarm --alarm-name errors --namespace shop --metric-name errors --statistic Sum \
    --period 60 --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanThreshold --treat-missing-data ignore
cli production cloudwatch set-alarm-state --alarm-name errors --state-value OK --state-reason "quiet"
commit "version 1"
apply

step "A release that behaves"
good=$(next 1)
becomes "$good" Succeeded

step "One that makes the alarm loud"
cli production cloudwatch set-alarm-state --alarm-name errors --state-value ALARM --state-reason "7 errors in a minute"
echo 2 >"$work/shop/version"
commit "version 2"
bad=$(next 2)
becomes "$bad" Failed
back=$(next 3)

step "What follows by itself"
tl show "$bad" | tail -n 4
[ "$(cli shared-services codepipeline get-pipeline-execution --pipeline-name shop --pipeline-execution-id "$back" \
    --query pipelineExecution.trigger.triggerType --output text)" = AutomatedRollback ] || fail "release $back is no rollback"
becomes "$back" Succeeded
tl logs "$back" | grep -qx 1 || fail "the rollback did not deploy version 1"
printf '   production runs version 1 again\n'
