/* The gate itself: one call from authorization to commit. */
#include "services/gate/internal.h"

#include <stdlib.h>
#include <unistd.h>

int gate_check(struct gate *g, struct gate_call *c, struct err *err) {
    struct gate_refusal refusal = {0};
    if (db_begin(g->db, err) < 0) {
        return -1;
    }
    int result = gate_authorize(g, c, &refusal, err);
    db_rollback(g->db);
    if (result < 0 && refusal.reason.p != NULL) {
        gate_denial_note(g, c, &refusal);
    }
    return result;
}

static int invoke_embedded(void *ud, const struct aws_target *t, const struct shape_op *op,
                           struct arena *a, const void *in, const struct aws_body *body_in,
                           void *out, struct aws_body *ret_body, struct err *err);

int gate_new(const struct gate_config *config, struct gate **ret, struct err *err) {
    struct gate *g = mem_alloc(sizeof(*g));
    for (size_t i = 0; i < config->n_services; i++) {
        if (config->services[i].shape == NULL) {
            free(g);
            return err_set(err, ERR_INTERNAL, "service %zu has no descriptors", i);
        }
    }
    g->db = config->db;
    g->clock = config->clock;
    g->rng = config->rng;
    g->data_dir = config->data_dir ? str_z(&g->arena, str_c(config->data_dir)) : NULL;
    g->region = str_dup(&g->arena, config->region);
    g->any_key_account = str_dup(&g->arena, config->any_key_account);
    g->n_services = config->n_services;
    g->services =
        arena_memdup(&g->arena, config->services, config->n_services * sizeof(*config->services));
    g->cache = gate_cache_new();
    g->embedded = (struct aws_embedded){invoke_embedded, g};
    *ret = g;
    return 0;
}

void gate_free(struct gate *g) {
    if (g != NULL) {
        gate_cache_free(g->cache);
        arena_done(&g->arena);
        free(g);
    }
}

const struct aws_embedded *gate_embedded(struct gate *g) {
    return &g->embedded;
}

const struct gate_service *gate_service_named(const struct gate *g, struct str name) {
    for (size_t i = 0; i < g->n_services; i++) {
        if (str_is(name, g->services[i].shape->name)) {
            return &g->services[i];
        }
    }
    return NULL;
}

const struct gate_service *gate_services(const struct gate *g, size_t *ret_n) {
    *ret_n = g->n_services;
    return g->services;
}

static void close_body(struct aws_body *body) {
    if (body->fd >= 0) {
        close(body->fd);
    }
    *body = AWS_BODY_NONE;
}

/* What a handler leaves for after the commit. */
struct leftover {
    struct call_linger linger;
    struct call_after after;
};

static int handle(struct gate *g, struct gate_call *c, const struct gate_refusal *need,
                  struct leftover *ret, struct err *err) {
    struct call call = {
        .arena = c->arena,
        .db = g->db,
        .clock = g->clock,
        .rng = g->rng,
        .now_ms = c->now_ms,
        .account = c->account,
        .region = c->region,
        .request_id = c->request_id,
        .principal = c->principal,
        .service = c->service->shape,
        .op = c->op,
        .embedded = &g->embedded,
        .http = c->http,
        .body = c->body,
        .reply_body = AWS_BODY_NONE,
        .data_dir = g->data_dir,
        .source = gate_source(c),
    };
    int64_t before = db_total_changes(g->db);
    int failed = c->service->handlers[c->op->index](&call, c->in, c->out, err);
    c->error_detail = call.error_detail;
    c->reply_status = call.reply_status;
    c->reply_body = call.reply_body;
    c->audit_note = call.audit_note;
    *ret = (struct leftover){call.linger, call.after};
    if (failed < 0) {
        return -1;
    }
    bool wrote = db_total_changes(g->db) != before;
    if (gate_audit(g, c, need, wrote, err) < 0) {
        return -1;
    }
    return wrote && c->journal_id.p != NULL ? gate_journal_store(g, c, err) : 0;
}

int gate_invoke(struct gate *g, struct gate_call *c, struct err *err) {
    c->reply_body = AWS_BODY_NONE;
    c->reply_status = 0;
    c->now_ms = clock_now_ms(g->clock);
    c->error_detail = NULL;
    if (c->service->handlers == NULL || c->service->handlers[c->op->index] == NULL) {
        return gate_unknown_operation(c, err);
    }
    if (db_begin(g->db, err) < 0) {
        return -1;
    }
    struct gate_refusal refusal;
    if (gate_authorize(g, c, &refusal, err) < 0) {
        db_rollback(g->db);
        if (refusal.reason.p != NULL) {
            gate_denial_note(g, c, &refusal);
        }
        return -1;
    }
    struct leftover left = {0};
    if (handle(g, c, &refusal, &left, err) < 0) {
        db_rollback(g->db);
        close_body(&c->reply_body);
        return -1;
    }
    if (db_commit(g->db, err) < 0) {
        close_body(&c->reply_body);
        return -1;
    }
    call_linger(g->db, &left.linger);
    if (left.after.run != NULL) {
        left.after.run(left.after.ud);
    }
    return 0;
}

static int invoke_embedded(void *ud, const struct aws_target *t, const struct shape_op *op,
                           struct arena *a, const void *in, const struct aws_body *body_in,
                           void *out, struct aws_body *ret_body, struct err *err) {
    struct gate *g = ud;
    if (t->principal == NULL) {
        return err_set(err, ERR_INTERNAL, "%s: a call in process needs a principal", op->name);
    }
    const struct gate_service *service = gate_service_named(g, str_c(op->service->name));
    if (service == NULL) {
        return err_set(err, ERR_UNSUPPORTED, "%s is not served here", op->service->name);
    }
    struct gate_call c = {
        .arena = a,
        .service = service,
        .op = op,
        .principal = t->principal,
        .account = t->account.p ? t->account : t->principal->account,
        .region = t->region.p ? t->region : g->region,
        .request_id = t->request_id.p ? t->request_id : rng_uuid(g->rng, a),
        .source = t->source,
        .body = body_in ? *body_in : AWS_BODY_NONE,
        .in = in,
        .out = out,
    };
    if (gate_invoke(g, &c, err) < 0) {
        return -1;
    }
    if (ret_body != NULL) {
        *ret_body = c.reply_body;
    } else {
        close_body(&c.reply_body);
    }
    return 0;
}
