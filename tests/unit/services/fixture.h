/*
 * An embedded world for tests: a store in memory, a clock that stands still, the gate with every
 * service, accounts 111111111111 (shared-services) and 222222222222 (development). Calls go through
 * the typed wrappers of gen/<service>.h, so policies hold: f.admin may all in 111111111111.
 */
#pragma once

#include "../cmocka_.h"

#include "base/clock.h"
#include "runtime/audit/audit.h"
#include "services/core/account.h"
#include "services/core/arn.h"
#include "services/core/seal.h"
#include "services/services.h"

#include "platform/os/file.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct arena arena;
    struct clock_fake time;
    struct clock clock;
    struct db *db;
    struct gate *gate;
    const char *dir;         /* data directory, removed at the end */
    struct aws_target admin; /* root of 111111111111 */
    struct err err;          /* for the calls of tests */
};

static inline struct aws_target fixture_as(struct fixture *f, const struct aws_principal *p) {
    return (struct aws_target){
        .account = p->account,
        .region = S("eu-west-2"),
        .embedded = gate_embedded(f->gate),
        .principal = p,
        .retries = -1,
    };
}

static inline struct aws_target fixture_root(struct fixture *f, const char *account) {
    struct aws_principal *p = arena_new(&f->arena, struct aws_principal);
    p->kind = AWS_PRINCIPAL_ROOT;
    p->account = str_c(account);
    p->user_id = p->account;
    p->arn = arn_global(&f->arena, "iam", p->account, "root");
    return fixture_as(f, p);
}

static inline struct aws_target fixture_service(struct fixture *f, const char *account,
                                                const char *service) {
    struct aws_principal *p = arena_new(&f->arena, struct aws_principal);
    p->kind = AWS_PRINCIPAL_SERVICE;
    p->account = str_c(account);
    p->service = str_c(service);
    return fixture_as(f, p);
}

/* Whoever an access key belongs to. */
static inline struct aws_target fixture_key(struct fixture *f, struct str access_key) {
    struct gate_key *key = arena_new(&f->arena, struct gate_key);
    if (gate_find_key(f->gate, &f->arena, access_key, key, &f->err) != 1) {
        fail_msg("no key %.*s: %s", STR_ARG(access_key), f->err.msg);
    }
    return fixture_as(f, &key->principal);
}

static inline void fixture_start(struct fixture *f) {
    *f = (struct fixture){.arena = ARENA_INIT, .err = ERR_INIT};
    f->time = (struct clock_fake){.now_ms = 1795485120000, .mono_ms = 1000};
    f->clock = clock_fake(&f->time);
    size_t n_schemas = 0, n_services = 0;
    const struct db_schema *schemas = services_schemas(&f->arena, &n_schemas);
    struct db_schema *with_jobs = arena_new_n(&f->arena, struct db_schema, n_schemas + 2);
    memcpy(with_jobs, schemas, n_schemas * sizeof(*schemas));
    with_jobs[n_schemas] = queue_schema;
    with_jobs[n_schemas + 1] = audit_schema; /* nothing is kept there before audit_start */
    if (dir_make_temp(&f->arena, "trunkline-test", &f->dir, &f->err) < 0 ||
        seal_load(NULL, &rng_system, &f->err) < 0 ||
        db_open("", with_jobs, n_schemas + 2, &f->db, &f->err) < 0) {
        fail_msg("%s", f->err.msg);
    }
    struct gate_config config = {
        .db = f->db,
        .clock = &f->clock,
        .rng = &rng_system,
        .data_dir = f->dir,
        .region = S("eu-west-2"),
    };
    config.services = services_served(&f->arena, &n_services);
    config.n_services = n_services;
    const struct account accounts[] = {
        {.id = S("111111111111"), .name = S("shared-services")},
        {.id = S("222222222222"), .name = S("development")},
    };
    int failed = gate_new(&config, &f->gate, &f->err) < 0 || db_begin(f->db, &f->err) < 0;
    for (size_t i = 0; i < 2 && !failed; i++) {
        struct account a = accounts[i];
        a.region = S("eu-west-2");
        a.kind = S("embedded");
        failed = account_put(f->db, &a, &f->err) < 0;
    }
    if (failed || db_commit(f->db, &f->err) < 0) {
        fail_msg("%s", f->err.msg);
    }
    f->admin = fixture_root(f, "111111111111");
}

static inline void fixture_end(struct fixture *f) {
    gate_free(f->gate);
    db_close(f->db);
    if (tree_remove(f->dir, &f->err) < 0) {
        fail_msg("%s", f->err.msg);
    }
    arena_done(&f->arena);
}

/* For cmocka_unit_test_setup_teardown. */
static inline int fixture_setup(void **state) {
    struct fixture *f = mem_alloc(sizeof(*f));
    fixture_start(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state) {
    fixture_end(*state);
    free(*state);
    return 0;
}

/* The call must succeed; or must fail with this AWS error. */
#define assert_done(f, call)                                                                       \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fail_msg("%s: %s", #call, (f)->err.msg);                                               \
        }                                                                                          \
    } while (0)
#define assert_refused(f, call, error_name)                                                        \
    do {                                                                                           \
        if ((call) >= 0) {                                                                         \
            fail_msg("%s: did not fail", #call);                                                   \
        }                                                                                          \
        if ((f)->err.api == NULL) {                                                                \
            fail_msg("%s: not a modelled error: %s", #call, (f)->err.msg);                         \
        }                                                                                          \
        assert_string_equal((f)->err.api->name, error_name);                                       \
    } while (0)
