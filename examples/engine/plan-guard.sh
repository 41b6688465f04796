#!/bin/bash
# A plan stage that is a plan: the same buildspec runs with PLAN=true before the approval, and whatever
# would change an account is denied there. One that ignores PLAN fails in the plan stage with that
# reason, instead of deploying production before anybody approved.
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
phases:
  build:
    commands:
      - aws ssm put-parameter --name /shop/version --type String --overwrite --value "$(cat version)"
artifacts: {files: [version]}
SPEC
echo 1 >"$work/shop/version"
commit "a buildspec that ignores PLAN"
apply

step "It fails where it was to plan"
one=$(next 1)
becomes "$one" Failed
tl show "$one" | tail -n 5
! cli shared-services ssm get-parameter --name /shop/version >/dev/null 2>&1 || fail "the plan stage has deployed"
printf '   nothing was deployed\n'

step "A buildspec that plans"
cat >"$work/shop/buildspec.yml" <<'SPEC'
version: 0.2
phases:
  build:
    commands:
      - |
        if [ "${PLAN:-}" = true ]; then
            echo "would set /shop/version to $(cat version)" >saved-plan
        else
            cat "$CODEBUILD_SRC_DIR_plan/saved-plan"
            aws ssm put-parameter --name /shop/version --type String --overwrite --value "$(cat version)"
        fi
artifacts: {files: [version, saved-plan]}
SPEC
commit "a buildspec that plans"
two=$(next 2)
asks "$two" Production-Approve
! cli shared-services ssm get-parameter --name /shop/version >/dev/null 2>&1 || fail "the plan stage has deployed"
tl approve
becomes "$two" Succeeded
[ "$(cli shared-services ssm get-parameter --name /shop/version --query Parameter.Value --output text)" = 1 ] ||
    fail "production was not deployed"
printf '   production was deployed with what was planned\n'
