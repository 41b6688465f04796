#!/bin/bash
# Step 7: decodes certificate and key, writes the shipper's configuration and has it checked.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need ENV SHIPPER_COLLECTOR SHIPPER_LOG_LEVEL SHIPPER_CERTIFICATE SHIPPER_KEY

etc=${SHIPPER_CONFIG_DIR:-/etc/log-shipper}
umask 077
mkdir -p "$etc"
base64 --decode <<<"$SHIPPER_CERTIFICATE" >"$etc/client.crt" ||
    die "the parameter of SHIPPER_CERTIFICATE is not base64"
base64 --decode <<<"$SHIPPER_KEY" >"$etc/client.key" ||
    die "the parameter of SHIPPER_KEY is not base64"

log-shipper setup --config "$etc/config.json" --environment "$ENV" \
    --collector "$SHIPPER_COLLECTOR" --level "$SHIPPER_LOG_LEVEL" \
    --certificate "$etc/client.crt" --key "$etc/client.key"
log-shipper test config --config "$etc/config.json" --show
