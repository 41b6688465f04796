/* Decode, call through the gate, encode: an operation's whole way, once it is known who calls. */
#include "front/door/internal.h"

#include "services/s3/stage.h"

#include <stdio.h>

static void take_message(const struct proto_message *m, struct http_response *resp) {
    resp->status = m->status;
    resp->headers = m->headers;
    resp->body = m->body;
}

void door_answer_error(struct passage *p, const struct err *why, const void *detail,
                       struct http_response *resp) {
    struct proto_message m = {0};
    proto_encode_error(p->arena, p->protocol, p->service->shape, p->request_id, why, detail, &m);
    take_message(&m, resp);
    if (why->kind == ERR_INTERNAL) {
        fprintf(stderr, "trunkline: %s %.*s: %s\n", p->service->shape->name, STR_ARG(p->op_name),
                why->msg);
    }
}

/* The account that a call without a signature is about: that of the ARN it names. */
static const struct aws_principal *nobody(struct passage *p) {
    struct str_map form = {0};
    struct aws_arn arn = {0};
    struct aws_principal *who = arena_new(p->arena, struct aws_principal);
    *who = (struct aws_principal){.kind = AWS_PRINCIPAL_SERVICE,
                                  .arn = S("anonymous"),
                                  .service = S("anonymous"),
                                  .user_id = S("anonymous")};
    if (http_parse_query(p->arena, p->message.body.p ? p->message.body : S(""), &form) &&
        aws_arn_parse(str_map_get(&form, S("TopicArn")), &arn)) {
        who->account = arn.account;
    }
    return who;
}

static struct str region_of(const struct passage *p) {
    bool plain = p->has_signature && p->sig.region.n > 0 && !p->service->shape->global;
    return plain ? p->sig.region : p->door->config.region;
}

/* ---- the journal of a build's writes ---- */

static struct str journal_id(const struct passage *p) {
    bool reads = (p->op->flags & SHAPE_OP_READ) != 0;
    return p->req->local && !reads ? http_header(&p->req->headers, S("x-trunkline-request"))
                                   : STR_NONE;
}

static int answer_bytes(void *ud, const struct gate_call *c, struct gate_answer *ret,
                        struct err *err) {
    struct passage *p = ud;
    struct proto_message m = {0};
    if (proto_encode_response(p->arena, p->protocol, p->op, p->request_id, c->out, &m, err) < 0) {
        return -1;
    }
    *ret = (struct gate_answer){c->reply_status ? c->reply_status : m.status, m.headers, m.body};
    return 0;
}

static bool answered_before(struct passage *p, struct http_response *resp, struct err *err) {
    struct str id = journal_id(p);
    struct gate_answer answer;
    if (id.p == NULL || gate_journal_find(p->door->config.gate, p->arena, id, &answer, err) <= 0) {
        return false;
    }
    resp->status = answer.status;
    resp->headers = answer.headers;
    resp->body = answer.body;
    return true;
}

/* ---- one call ---- */

/* Accepted as AWS accepts them, but said: a member that is not in the tables is a gap of ours. */
static void note_unknown(struct passage *p, const struct proto_notes *notes) {
    if (notes->unknown > 0) {
        atomic_fetch_add(&p->door->unknown_members, notes->unknown);
        fprintf(stderr, "trunkline: %s %s: %zu unknown members, the first '" STR_FMT "'\n",
                p->service->shape->name, p->op->name, notes->unknown,
                STR_ARG(notes->first_unknown));
    }
}

static void reply(struct passage *p, struct gate_call *c, struct http_response *resp) {
    struct proto_message m = {0};
    struct err err = ERR_INIT;
    if (proto_encode_response(p->arena, p->protocol, p->op, p->request_id, c->out, &m, &err) < 0) {
        door_answer_error(p, &err, NULL, resp);
        return;
    }
    take_message(&m, resp);
    if (c->reply_status != 0) {
        resp->status = c->reply_status;
    }
    if ((p->op->flags & SHAPE_OP_BODY_OUT) != 0 || c->reply_body.fd >= 0) {
        resp->fd = c->reply_body.fd;
        resp->fd_offset = c->reply_body.offset;
        resp->fd_size = c->reply_body.size;
    } else if (str_is(p->req->method, "HEAD")) {
        /* The length of what GET would send; the server names it, the bytes stay here. */
        long long size = 0;
        if (str_to_i64(http_header(&m.headers, S("Content-Length")), &size)) {
            resp->fd_size = size;
        }
    }
}

void door_invoke(struct passage *p, struct http_response *resp) {
    struct err err = ERR_INIT;
    if (answered_before(p, resp, &err)) {
        return;
    }
    struct proto_notes notes = {0, STR_NONE};
    void *in = arena_alloc(p->arena, p->op->in->size);
    void *out = arena_alloc(p->arena, p->op->out->size);
    if (err.kind != ERR_NONE ||
        proto_decode_request(p->arena, p->protocol, p->op, &p->message, in, &notes, &err) < 0) {
        door_answer_error(p, &err, NULL, resp);
        return;
    }
    note_unknown(p, &notes);
    struct gate_call call = {
        .arena = p->arena,
        .service = p->service,
        .op = p->op,
        .principal = p->has_signature ? &p->key.principal : nobody(p),
        .region = region_of(p),
        .request_id = p->request_id,
        .http = p->req,
        .body = AWS_BODY_NONE,
        .in = in,
        .out = out,
        .journal_id = journal_id(p),
        .answer = answer_bytes,
        .ud = p,
        .reply_body = AWS_BODY_NONE,
    };
    call.account = call.principal->account;
    if (p->stage != NULL) {
        call.body.fd = s3_stage_fd(p->stage);
        call.body.size = s3_stage_size(p->stage);
        call.body.stage = p->stage;
    }
    if (gate_invoke(p->door->config.gate, &call, &err) < 0) {
        /* Its first sending may have been answered meanwhile: that answer is the true one. */
        struct err unused = ERR_INIT;
        if (answered_before(p, resp, &unused)) {
            return;
        }
        door_answer_error(p, &err, call.error_detail, resp);
        return;
    }
    reply(p, &call, resp);
}
