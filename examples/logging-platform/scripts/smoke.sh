#!/bin/bash
# Smoke test: reports the error count of smoke/errors as the environment's metric and waits until
# the alarm 'logging-errors' has judged it. The alarm's verdict is not this script's: it ends well
# in ALARM too, because the release is stopped by the alarm. It fails when the alarm never judges.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need ENV ERROR_THRESHOLD

alarm=logging-errors
timeout=${SMOKE_TIMEOUT:-240}
errors=$(tr -d '[:space:]' <smoke/errors)
[[ $errors =~ ^[0-9]{1,9}$ ]] || die "smoke/errors holds '$errors', not a count"
expected=OK
if [ "$errors" -ge "$ERROR_THRESHOLD" ]; then
    expected=ALARM
fi

aws cloudwatch put-metric-data --namespace LoggingPlatform --metric-name Errors \
    --dimensions "Environment=$ENV" --value "$errors" --unit Count
say "reported $errors errors; $ENV tolerates fewer than $ERROR_THRESHOLD, so $expected is due"

pause=1
while :; do
    state=$(aws cloudwatch describe-alarms --alarm-names "$alarm" --output text \
        --query 'MetricAlarms[0].StateValue')
    [ "$state" != None ] || die "there is no alarm '$alarm' in this account"
    if [ "$state" = "$expected" ] || [ "$SECONDS" -ge "$timeout" ]; then
        break
    fi
    sleep "$pause"
    pause=$((pause < 8 ? pause * 2 : 10))
done
case $state in
"$expected") say "alarm $alarm is $state after $SECONDS s" ;;
INSUFFICIENT_DATA) die "alarm $alarm is still $state after $SECONDS s" ;;
*) say "alarm $alarm is $state after $SECONDS s; older datapoints still count" ;;
esac
