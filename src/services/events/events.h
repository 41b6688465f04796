/* Shared by the files of this folder. */
#pragma once

#include "gen/events.h"
#include "platform/text/json.h"
#include "services/core/env.h"
#include "services/events/events_store.h"

enum {
    EV_BUSES_MAX = 100, /* of an account and region, beside the default one */
    EV_RULES_MAX = 300, /* of a bus */
    EV_TARGETS_MAX = 5, /* of a rule */
    EV_EVENT_MAX = 256 * 1024,
    EV_PAGE = 100,
};

#define EV_DEFAULT_BUS S_INIT("default")

/* "Parameter NAME is not valid. Reason: ..." and the like: ValidationException. */
int ev_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The bus that a request names: absent, a name, or an ARN, of another account even (who may reach
 * that is the gate's business). ERR with ResourceNotFoundException when it is not there. */
int ev_place_of(struct call *c, struct str bus, struct ev_place *ret, struct err *err) MUST_USE;
struct str ev_bus_arn(struct arena *a, const struct ev_place *at);

/* A name of 1 to n characters of [.-_A-Za-z0-9]. */
bool ev_is_name(struct str name);

/* Fails with ResourceNotFoundException. */
int ev_need_rule(struct call *c, struct str bus, struct str name, struct ev_rule *ret,
                 struct err *err) MUST_USE;
bool ev_is_enabled(const struct ev_rule *rule);

int ev_put_tags(struct call *c, struct str arn, const struct events_tag_list *tags,
                struct err *err) MUST_USE;

/* Which limit a list operation goes by, and whether its token is one of ours. */
int ev_page(const struct call *c, struct str token, bool has_limit, int32_t limit,
            struct str *ret_after, int64_t *ret_limit, struct err *err) MUST_USE;

/* Checks a target as PutTargets takes it: is there such a target here, and is what it is to be sent
 * well formed? `managed`: a service of ours puts it. */
int ev_target_check(struct call *c, const struct events_target *t, bool managed,
                    struct err *err) MUST_USE;

/* Shape of events_target, for its JSON. */
const struct shape *ev_target_shape(void);
