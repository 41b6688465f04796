/* Where the repository of a source action lies, as git fetches it. */
#pragma once

#include "flow/definition/definition.h"
#include "flow/record/flow.h"

/* The action's configuration, with or without its variables resolved. */
struct source_place {
    struct str provider;            /* CodeStarSourceConnection or CodeCommit */
    const struct str_map *settings; /* the action's configuration */
    struct str account;             /* of the pipeline */
    struct str region;
};

/* A connection's repository is where its operator says; CodeCommit's where `sources` of
 * trunkline.yml maps it. 1 with the URL, 0 there is no such connection, -1: ERR_INVALID (CodeCommit
 * that is not mapped), or the connection is not AVAILABLE. Takes its own transaction. */
int source_place_url(const struct flow *f, struct arena *a, const struct source_place *place,
                     struct str *ret_url, struct err *err) MUST_USE;

/* "https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME", or "owner/name" of a connection. */
struct str source_place_name(struct arena *a, const struct source_place *place);
bool source_is_repository(struct str provider); /* one of the two */
