#!/bin/bash
# Tests of scripts/, with stand-ins for aws and terraform that keep what they were asked.
# Each test is a function in a subshell and directory of its own; its name is the sentence.
set -uo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

# stand_in NAME: the program NAME, with the body read from stdin; "$@" is kept in NAME.calls.
stand_in() {
    {
        printf '#!/bin/bash\nprintf "%%s\\n" "$*" >>"%s/%s.calls"\n' "$PWD" "$1"
        cat
    } >"bin/$1"
    chmod +x "bin/$1"
}

# run COMMAND...: its output goes to 'out' and its status to $status.
run() {
    status=0
    "$@" >out 2>&1 || status=$?
}

fail() {
    echo "    $*"
    [ ! -f out ] || sed 's/^/    | /' out
    exit 1
}

expect_status() {
    [ "$status" = "$1" ] || fail "status $status instead of $1"
}

expect_text() {
    grep -qF -- "$1" "$2" || fail "no '$1' in $2: $(cat "$2")"
}

expect_no_text() {
    if [ -f "$2" ] && grep -qF -- "$1" "$2"; then
        fail "'$1' in $2"
    fi
}

check() {
    local directory=$scratch/$1
    mkdir -p "$directory/bin"
    cp -R "$top/scripts" "$top/smoke" "$top/terraform" "$top/cloudformation" "$directory"
    if (
        cd "$directory" || exit 1
        export PATH=$directory/bin:$PATH
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
        export ENV=development ERROR_THRESHOLD=10 RETENTION_DAYS=7 CODEBUILD_BUILD_NUMBER=42
        export SHIPPER_COLLECTOR=c:1 TF_VAR_env=development TF_VAR_archive_bucket=b \
            TF_VAR_alert_endpoint=https://a/ TF_VAR_deploy_role_arn=arn:aws:iam::1:role/deploy
        "$1"
    ); then
        passed=$((passed + 1))
        echo "ok   ${1//_/ }"
    else
        failed=$((failed + 1))
        echo "FAIL ${1//_/ }"
    fi
}

fetch() {
    bash -c '. scripts/common.sh; fetch_release "$@"' fetch "file://$PWD/web" tool.zip SUMS "$PWD/in"
}

a_download_with_the_right_digest_is_kept() {
    mkdir web in
    echo content >web/tool.zip
    (cd web && sha256sum tool.zip >SUMS)
    run fetch
    expect_status 0
    expect_text content in/tool.zip
}

a_changed_download_is_refused_and_not_kept() {
    mkdir web in
    echo content >web/tool.zip
    (cd web && sha256sum tool.zip >SUMS)
    echo changed >web/tool.zip
    run fetch
    expect_status 1
    expect_text "does not have the digest" out
    [ ! -e in/tool.zip ] || fail "tool.zip was kept"
}

a_download_that_the_sums_do_not_name_is_refused() {
    mkdir web in
    echo content >web/tool.zip
    echo "0000 another.zip" >web/SUMS
    run fetch
    expect_status 1
    expect_text "no line for tool.zip" out
}

a_missing_download_is_named() {
    mkdir web in
    echo "0000 tool.zip" >web/SUMS
    run fetch
    expect_status 1
    expect_text "cannot download file://$PWD/web/tool.zip" out
}

assuming_the_role_exports_the_three_variables() {
    stand_in aws <<<'echo "{\"Credentials\":{\"AccessKeyId\":\"k\",\"SecretAccessKey\":\"s+/=\",
        \"SessionToken\":\"t\"},\"AssumedRoleUser\":{\"Arn\":\"arn:x\"}}"'
    run bash -c '. scripts/assume_role.sh; env'
    expect_status 0
    expect_text AWS_ACCESS_KEY_ID=k out
    expect_text AWS_SECRET_ACCESS_KEY=s+/= out
    expect_text AWS_SESSION_TOKEN=t out
    expect_text "--role-session-name ci-build-42" aws.calls
}

a_refused_role_changes_no_identity() {
    stand_in aws <<<'echo "AccessDenied" >&2; exit 254'
    run bash -c '. scripts/assume_role.sh; s=$?; env; exit $s'
    expect_status 1
    expect_text "cannot assume 'arn:aws:iam::1:role/deploy'" out
    expect_no_text AWS_ACCESS_KEY_ID= out
}

retention_is_set_only_where_it_differs() {
    stand_in aws <<'END'
[ "$2" != describe-log-groups ] || echo '{"logGroups":[{"logGroupName":"/none"},
    {"logGroupName":"/right","retentionInDays":7},{"logGroupName":"/long one","retentionInDays":30}]}'
END
    run scripts/retention.sh
    expect_status 0
    expect_text "--log-group-name /none --retention-in-days 7" aws.calls
    expect_text "--log-group-name /long one --retention-in-days 7" aws.calls
    expect_no_text /right aws.calls
    expect_text "3 log groups, 2 set to 7 days" out
}

retention_fails_when_one_group_cannot_be_set() {
    stand_in aws <<'END'
case "$*" in
*describe-log-groups*) echo '{"logGroups":[{"logGroupName":"/a"},{"logGroupName":"/b"}]}' ;;
*/b*) exit 254 ;;
esac
END
    run scripts/retention.sh
    [ "$status" != 0 ] || fail "it succeeded"
}

the_smoke_test_ends_well_in_alarm() {
    echo 12 >smoke/errors
    stand_in aws <<<'[ "$2" != describe-alarms ] || echo ALARM'
    run scripts/smoke.sh
    expect_status 0
    expect_text "--dimensions Environment=development --value 12" aws.calls
    expect_text "alarm logging-errors is ALARM" out
}

the_smoke_test_waits_for_the_verdict_on_its_own_datapoint() {
    echo 12 >smoke/errors
    stand_in aws <<<'[ "$2" != describe-alarms ] || { [ -e asked ] && echo ALARM || echo OK; : >asked; }'
    run scripts/smoke.sh
    expect_status 0
    expect_text "alarm logging-errors is ALARM" out
    [ "$(grep -c describe-alarms aws.calls)" = 2 ] || fail "it did not ask twice"
}

the_smoke_test_fails_when_the_alarm_never_judges() {
    stand_in aws <<<'[ "$2" != describe-alarms ] || echo INSUFFICIENT_DATA'
    SMOKE_TIMEOUT=0 run scripts/smoke.sh
    expect_status 1
    expect_text "still INSUFFICIENT_DATA" out
}

the_smoke_test_fails_without_the_alarm() {
    stand_in aws <<<'[ "$2" != describe-alarms ] || echo None'
    run scripts/smoke.sh
    expect_status 1
    expect_text "there is no alarm" out
}

an_error_count_that_is_no_number_is_refused() {
    echo '-1' >smoke/errors
    stand_in aws <<<''
    run scripts/smoke.sh
    expect_status 1
    expect_text "holds '-1', not a count" out
    [ ! -e aws.calls ] || fail "it called aws"
}

a_plan_is_applied_and_summed_up() {
    stand_in terraform <<<'[ "$1" != plan ] || { echo "Plan: 3 to add, 1 to change, 0 to destroy."; exit 2; }'
    run scripts/terraform_apply.sh
    expect_status 0
    expect_text "apply -input=false -no-color -lock-timeout=60s release.plan" terraform.calls
    [ "$(cat build/plan-summary)" = "3 to add, 1 to change, 0 to destroy" ] || fail "another summary"
}

an_empty_plan_is_not_applied() {
    stand_in terraform <<<'echo "No changes. Your infrastructure matches the configuration."'
    run scripts/terraform_apply.sh
    expect_status 0
    expect_no_text apply terraform.calls
    expect_text "no changes" build/plan-summary
}

a_failed_plan_applies_nothing() {
    stand_in terraform <<<'exit 1'
    run scripts/terraform_apply.sh
    expect_status 1
    expect_no_text apply terraform.calls
}

a_change_set_is_summed_up_before_it_is_executed() {
    stand_in aws <<'END'
case "$2" in
assume-role) echo '{"Credentials":{"AccessKeyId":"k","SecretAccessKey":"s","SessionToken":"t"}}' ;;
deploy) echo "aws cloudformation describe-change-set --change-set-name arn:aws:x:changeSet/c/1" ;;
describe-change-set) echo '{"Changes":[{"ResourceChange":{"Action":"Add"}},
    {"ResourceChange":{"Action":"Modify"}},{"ResourceChange":{"Action":"Add"}}]}' ;;
describe-stacks) echo UPDATE_COMPLETE ;;
execute-change-set) cp build/plan-summary summary-at-execution ;;
esac
END
    run scripts/platform_deploy.sh
    expect_status 0
    expect_text "2 to add, 1 to change, 0 to destroy" summary-at-execution
    expect_text "execute-change-set --change-set-name arn:aws:x:changeSet/c/1" aws.calls
    expect_text "wait stack-update-complete" aws.calls
}

an_empty_change_set_executes_nothing() {
    stand_in aws <<'END'
case "$2" in
assume-role) echo '{"Credentials":{"AccessKeyId":"k","SecretAccessKey":"s","SessionToken":"t"}}' ;;
deploy) echo "No changes to deploy. Stack logging-platform is up to date" ;;
esac
END
    run scripts/platform_deploy.sh
    expect_status 0
    expect_no_text execute-change-set aws.calls
    expect_text "no changes" build/plan-summary
}

an_empty_variable_is_named() {
    unset RETENTION_DAYS
    run scripts/retention.sh
    expect_status 1
    expect_text "variable RETENTION_DAYS is empty" out
}

# Every function above that is no helper is a test.
helpers=" stand_in run fail expect_status expect_text expect_no_text check fetch "
while read -r _ _ name; do
    [[ $helpers == *" $name "* ]] || check "$name"
done < <(declare -F)
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
