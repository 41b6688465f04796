#!/bin/bash
# QUEUED mode: releases wait in the order in which they came, and nobody is overtaken. Then: a person
# retires the older ones at a gate in favour of the newest.
. "$(dirname "$0")/lib.sh"
begin <<'YML'
name: shop
mode: queued
source: {repository: ../shop.git}
buildspec: buildspec.yml
environments:
  production: {approval: required}
YML
printf 'version: 0.2\nphases: {build: {commands: [echo deployed]}}\n' >"$work/shop/buildspec.yml"
commit "one"
apply

step "Four releases"
one=$(next 1)
asks "$one" Production-Approve
for message in two three four; do
    before=$(count) # the commit may be a release at once
    commit "$message"
    in_front "$(next $((before + 1)))" Production-Approve
done
mapfile -t all < <(ids) # newest first

step "In their order"
tl approve
becomes "$one" Succeeded
asks "${all[2]}" Production-Approve
tl status

step "Newest first, because a person says so"
tl approve --newest
becomes "${all[2]}" Superseded
becomes "${all[1]}" Superseded
becomes "${all[0]}" Succeeded
