#!/bin/bash
# An approval is bound to what was shown: when somebody moves the Terraform state in between, nothing
# is approved, and what moved is told.
. "$(dirname "$0")/lib.sh"
begin <<'YML'
name: shop
source: {repository: ../shop.git}
buildspec: buildspec.yml
environments:
  production: {plan: true, approval: required}
YML
cat >"$work/shop/buildspec.yml" <<'SPEC'
version: 0.2
env: {exported-variables: [TF_STATE]}
phases:
  build:
    commands:
      - export TF_STATE=s3://shop-state/production.tfstate
      - echo "a plan for serial 7" >saved-plan
artifacts: {files: [saved-plan]}
SPEC
state() { # state SERIAL: as an apply from a laptop would leave it
    printf '{"version": 4, "lineage": "5f1c", "serial": %d}' "$1" >"$work/state"
    cli shared-services s3api put-object --bucket shop-state --key production.tfstate --body "$work/state" >/dev/null
}
state 7
commit "one"
apply

step "What the approver reads"
one=$(next 1)
asks "$one" Production-Approve
tl show "$one"
digest=$(tl show "$one" --json | jq -r .approvalDigest)

step "Somebody applies from a laptop, then the approval comes"
state 8
! tl approve --digest "$digest" 2>"$work/refused" || fail "the approval was taken"
cat "$work/refused"
grep -q 'serial 7, is lineage 5f1c serial 8' "$work/refused" || fail "it does not say what moved"
is "$one" InProgress || fail "the release did not stay where it was"

step "Read again, approved again"
tl show "$one" | grep 'state s3'
tl approve --digest "$(tl show "$one" --json | jq -r .approvalDigest)"
becomes "$one" Succeeded
