# Step 8: becomes the target account's deploy role. Sourced, because all later commands of the
# build shall have the identity: it exports the three AWS_* variables and sets no shell option.
# shellcheck shell=bash

if ! deploy_session=$(aws sts assume-role --output json \
    --role-arn "$TF_VAR_deploy_role_arn" \
    --role-session-name "ci-build-${CODEBUILD_BUILD_NUMBER:-0}"); then
    echo "assume_role.sh: cannot assume '$TF_VAR_deploy_role_arn'; its trust policy has to name" \
        "this environment's build role" >&2
    return 1
fi
AWS_ACCESS_KEY_ID=$(jq -er .Credentials.AccessKeyId <<<"$deploy_session") || return 1
AWS_SECRET_ACCESS_KEY=$(jq -er .Credentials.SecretAccessKey <<<"$deploy_session") || return 1
AWS_SESSION_TOKEN=$(jq -er .Credentials.SessionToken <<<"$deploy_session") || return 1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
echo "assume_role.sh: now $(jq -r .AssumedRoleUser.Arn <<<"$deploy_session")"
unset deploy_session
