#!/bin/bash
# Step 4: prepares Terraform's working directory: S3 backend with lock table, one state and one
# workspace per environment. Runs with the build role, which owns the state.
set -euo pipefail
cd "$(dirname "$0")/../terraform"
. ../scripts/common.sh
need ENV TF_STATE_BUCKET TF_LOCK_TABLE AWS_DEFAULT_REGION

terraform init -input=false -no-color \
    -backend-config="bucket=$TF_STATE_BUCKET" \
    -backend-config="key=terraform.$ENV.state" \
    -backend-config="region=$AWS_DEFAULT_REGION" \
    -backend-config="dynamodb_table=$TF_LOCK_TABLE"

# The first release of an environment finds no workspace; any other reason shows up in 'new'.
if ! terraform workspace select -no-color "$ENV" 2>/dev/null; then
    terraform workspace new -no-color "$ENV"
fi
