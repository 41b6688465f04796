/*
 * Condition keys: what policies may ask about a call. Values are worked out when a policy asks;
 * most policies ask nothing. A key that is not here is absent, so a condition on it fails (or
 * holds, for negated and IfExists operators), as on AWS for keys that a request does not have.
 */
#include "services/gate/internal.h"

#include "platform/text/json.h"
#include "services/core/tags.h"
#include "services/kms/kms_store.h"
#include "services/sts/sts_store.h"

struct ask {
    struct gate_context *x;
    struct arena *a;
    struct str_list *ret;
};

static bool give(struct ask *q, struct str value) {
    if (value.p != NULL) {
        *arena_push(q->a, q->ret) = value;
    }
    return value.p != NULL;
}

static bool give_c(struct ask *q, const char *value) {
    return give(q, str_c(value));
}

static bool principal_arn(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    return give(q, p->role_arn.p ? p->role_arn : p->arn);
}

static bool principal_account(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    return p->kind != AWS_PRINCIPAL_SERVICE && give(q, p->account);
}

static bool principal_type(struct ask *q) {
    static const char *const names[] = {"Account", "User", "AssumedRole", NULL};
    return give_c(q, names[q->x->c->principal->kind]);
}

static bool user_id(struct ask *q) {
    return give(q, q->x->c->principal->user_id);
}

static bool user_name(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    size_t slash = str_rfind_c(p->arn, '/');
    return p->kind == AWS_PRINCIPAL_USER && slash != (size_t)-1 &&
           give(q, str_sub(p->arn, slash + 1, p->arn.n));
}

static bool source_identity(struct ask *q) {
    return give(q, q->x->c->principal->source_identity);
}

static bool is_service(struct ask *q) {
    return give_c(q, q->x->c->principal->kind == AWS_PRINCIPAL_SERVICE ? "true" : "false");
}

static bool service_name(struct ask *q) {
    return give(q, q->x->c->principal->service);
}

/* For whom a service acts: it works for one account only. */
static bool source_account(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    return p->kind == AWS_PRINCIPAL_SERVICE && give(q, p->account);
}

static bool source_arn(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    return p->kind == AWS_PRINCIPAL_SERVICE && give(q, p->arn);
}

static bool owner_account(struct ask *q) {
    return give(q, q->x->c->principal->account);
}

/* The topic's owner, for those that call in its name; services that come with somebody's rule have
 * aws:SourceAccount instead. */
static bool source_owner(struct ask *q) {
    const struct aws_principal *p = q->x->c->principal;
    return (p->kind != AWS_PRINCIPAL_SERVICE || !str_starts(p->arn, S("arn:"))) &&
           give(q, p->account);
}

static bool current_time(struct ask *q) {
    return give(q, time_iso(q->a, q->x->now_ms));
}

static bool epoch_time(struct ask *q) {
    return give(q, str_printf(q->a, "%lld", (long long)(q->x->now_ms / 1000)));
}

static bool token_issue_time(struct ask *q) {
    struct sts_session s;
    struct err err = ERR_INIT;
    struct str key = q->x->c->principal->access_key;
    return key.p != NULL && sts_session_find(q->x->g->db, q->a, key, &s, &err) > 0 &&
           give(q, time_iso(q->a, s.issued_ms));
}

static bool region(struct ask *q) {
    return give(q, q->x->c->region);
}

static bool resource_account(struct ask *q) {
    return give(q, q->x->resource->account);
}

static bool via_service(struct ask *q) {
    return give_c(q, q->x->c->principal->via.p ? "true" : "false");
}

static bool via(struct ask *q) {
    return give(q, q->x->c->principal->via);
}

static bool called_via(struct ask *q) {
    struct str name = q->x->c->principal->via;
    size_t dot = str_find_c(name, '.', 0);
    return dot != (size_t)-1 &&
           give(q, str_printf(q->a, STR_FMT ".amazonaws.com", STR_ARG(str_sub(name, 0, dot))));
}

static bool source_ip(struct ask *q) {
    const struct http_request *http = q->x->c->http;
    size_t colon = http ? str_rfind_c(http->remote, ':') : (size_t)-1;
    return colon != (size_t)-1 && q->x->c->principal->via.p == NULL &&
           give(q, str_sub(http->remote, 0, colon));
}

static bool user_agent(struct ask *q) {
    const struct http_request *http = q->x->c->http;
    return http != NULL && give(q, http_header(&http->headers, S("user-agent")));
}

/* Builds talk TLS to their gateway; the hop to us is a socket of our own. */
static bool secure_transport(struct ask *q) {
    const struct http_request *http = q->x->c->http;
    return give_c(q, http == NULL || http->local ? "true" : "false");
}

static bool passed_to(struct ask *q) {
    return give(q, str_printf(q->a, "%s.amazonaws.com", q->x->c->op->service->host));
}

/* Text of a simple value; lists of strings give each element. */
static bool give_member(struct ask *q, const char *name) {
    const struct shape_member *m = shape_find_member(q->x->c->op->in, str_c(name));
    const void *value = m ? shape_get(m, q->x->c->in) : NULL;
    if (value == NULL) {
        return false;
    }
    switch ((enum shape_kind)m->shape->kind) {
    case SHAPE_STR:
    case SHAPE_ENUM:
        return give(q, *(const struct str *)value);
    case SHAPE_BOOL:
        return give_c(q, *(const bool *)value ? "true" : "false");
    case SHAPE_INT:
        return give(q, str_printf(q->a, "%d", *(const int32_t *)value));
    case SHAPE_LONG:
        return give(q, str_printf(q->a, "%lld", (long long)*(const int64_t *)value));
    case SHAPE_LIST:
        if (m->shape->item->kind == SHAPE_STR || m->shape->item->kind == SHAPE_ENUM) {
            const struct str_list *list = value;
            for (size_t i = 0; i < list->n; i++) {
                give(q, list->v[i]);
            }
        }
        return q->ret->n > 0;
    default:
        return false;
    }
}

static bool item_attributes(struct ask *q) {
    return gate_item_attributes(q->x, q->a, q->ret);
}

static bool leading_keys(struct ask *q) {
    return gate_leading_keys(q->x, q->a, q->ret);
}

static bool enclosing_operation(struct ask *q) {
    return gate_enclosing_operation(q->x, q->a, q->ret);
}

static bool new_object_bytes(struct ask *q) {
    return gate_new_object_bytes(q->x, q->a, q->ret);
}

/* Tags of the request, however the service writes them: a map, or a list of {Key, Value}. */
static bool request_tags(const struct gate_context *x, struct arena *a, struct str_map *ret) {
    static const char *const names[] = {"Tags", "tags", "TagList"};
    const struct shape_member *m = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && m == NULL; i++) {
        m = shape_find_member(x->c->op->in, str_c(names[i]));
    }
    const void *value = m ? shape_get(m, x->c->in) : NULL;
    *ret = (struct str_map){NULL, 0};
    if (value == NULL) {
        return false;
    }
    const struct shape_list *list = value;
    if (m->shape->kind == SHAPE_MAP && m->shape->item->kind == SHAPE_STR) {
        *ret = *(const struct str_map *)value;
    } else if (m->shape->kind == SHAPE_LIST && m->shape->item->kind == SHAPE_STRUCT &&
               m->shape->item->n_members == 2) {
        const struct shape *item = m->shape->item;
        for (size_t i = 0; i < list->n; i++) {
            const char *at = (const char *)list->v + i * item->size;
            const struct str *k = shape_get(&item->members[0], at);
            const struct str *v = shape_get(&item->members[1], at);
            *arena_push(a, ret) = (struct str_pair){k ? *k : S(""), v ? *v : S("")};
        }
    }
    return ret->n > 0;
}

static bool tag_keys(struct ask *q) {
    struct str_map tags;
    request_tags(q->x, q->a, &tags);
    for (size_t i = 0; i < tags.n; i++) {
        give(q, tags.v[i].key);
    }
    return q->ret->n > 0 || give_member(q, "TagKeys") || give_member(q, "tagKeys");
}

static bool give_tag(struct ask *q, const struct str_map *tags, struct str key) {
    for (size_t i = 0; i < tags->n; i++) {
        if (str_ieq(tags->v[i].key, key)) {
            return give(q, tags->v[i].value);
        }
    }
    return false;
}

static bool give_stored_tag(struct ask *q, struct str arn, struct str key) {
    struct str_map tags;
    struct err err = ERR_INIT;
    return arn.p != NULL && tags_get(q->x->g->db, q->a, arn, &tags, &err) == 0 &&
           give_tag(q, &tags, key);
}

/* A session's own tags come before its role's. */
static bool principal_tag(struct ask *q, struct str key) {
    const struct aws_principal *p = q->x->c->principal;
    struct sts_session s;
    struct err err = ERR_INIT;
    if (p->access_key.p != NULL &&
        sts_session_find(q->x->g->db, q->a, p->access_key, &s, &err) > 0 && s.tags.p != NULL) {
        json_t *tags cleanup_json = json_parse(s.tags, &err);
        const char *name;
        json_t *value;
        json_object_foreach(tags, name, value) {
            if (str_ieq(str_c(name), key)) {
                return give(q, str_dup(q->a, json_text(value)));
            }
        }
    }
    return give_stored_tag(q, p->role_arn.p ? p->role_arn : p->arn, key);
}

static bool encryption_context(struct ask *q, struct str key) {
    const struct shape_member *m = shape_find_member(q->x->c->op->in, S("EncryptionContext"));
    const void *value = m ? shape_get(m, q->x->c->in) : NULL;
    return value != NULL && give(q, str_map_get(value, key));
}

static bool encryption_context_keys(struct ask *q) {
    const struct shape_member *m = shape_find_member(q->x->c->op->in, S("EncryptionContext"));
    const struct str_map *map = m ? shape_get(m, q->x->c->in) : NULL;
    for (size_t i = 0; map != NULL && i < map->n; i++) {
        give(q, map->v[i].key);
    }
    return q->ret->n > 0;
}

/* Aliases of the key that is meant. */
static bool resource_aliases(struct ask *q) {
    struct aws_arn arn;
    struct kms_alias_rows rows;
    struct err err = ERR_INIT;
    if (!aws_arn_parse(q->x->resource->arn, &arn) || !str_starts(arn.resource, S("key/")) ||
        kms_alias_list(q->x->g->db, q->a, arn.account, arn.region,
                       str_sub(arn.resource, 4, arn.resource.n), STR_NONE, -1, &rows, &err) < 0) {
        return false;
    }
    for (size_t i = 0; i < rows.n; i++) {
        give(q, rows.v[i].name);
    }
    return q->ret->n > 0;
}

static const struct {
    const char *key;
    bool (*value)(struct ask *q);
} keys[] = {
    {"aws:CalledVia", called_via},
    {"aws:CalledViaFirst", called_via},
    {"aws:CalledViaLast", called_via},
    {"aws:CurrentTime", current_time},
    {"aws:EpochTime", epoch_time},
    {"aws:PrincipalAccount", principal_account},
    {"aws:PrincipalArn", principal_arn},
    {"aws:PrincipalIsAWSService", is_service},
    {"aws:PrincipalServiceName", service_name},
    {"aws:PrincipalType", principal_type},
    {"aws:RequestedRegion", region},
    {"aws:ResourceAccount", resource_account},
    {"aws:SecureTransport", secure_transport},
    {"aws:SourceAccount", source_account},
    {"aws:SourceArn", source_arn},
    {"aws:SourceIdentity", source_identity},
    {"aws:SourceIp", source_ip},
    {"aws:SourceOwner", source_owner},
    {"aws:TagKeys", tag_keys},
    {"aws:TokenIssueTime", token_issue_time},
    {"aws:UserAgent", user_agent},
    {"aws:userid", user_id},
    {"aws:username", user_name},
    {"aws:ViaAWSService", via_service},
    {"dynamodb:Attributes", item_attributes},
    {"dynamodb:EnclosingOperation", enclosing_operation},
    {"dynamodb:LeadingKeys", leading_keys},
    {"iam:PassedToService", passed_to},
    {"kms:CallerAccount", owner_account},
    {"kms:EncryptionContextKeys", encryption_context_keys},
    {"kms:ResourceAliases", resource_aliases},
    {"kms:ViaService", via},
    {"trunkline:NewObjectBytes", new_object_bytes},
};

static const struct {
    const char *key, *service, *member;
} members[] = {
#define KEY(key, service, member) {key, service, member},
#include "services/gate/context_keys.def"
#undef KEY
};

static bool tag_key(struct ask *q, struct str key, bool *ret) {
    size_t slash = str_find_c(key, '/', 0);
    if (slash == (size_t)-1) {
        return false;
    }
    struct str name = str_sub(key, 0, slash), tag = str_sub(key, slash + 1, key.n);
    struct str_map tags;
    if (str_ieq(name, S("aws:RequestTag"))) {
        *ret = request_tags(q->x, q->a, &tags) && give_tag(q, &tags, tag);
    } else if (str_ieq(name, S("aws:PrincipalTag"))) {
        *ret = principal_tag(q, tag);
    } else if (str_ieq(str_sub(name, str_find_c(name, ':', 0) + 1, name.n), S("ResourceTag"))) {
        *ret = give_stored_tag(q, q->x->resource->arn, tag);
    } else {
        return false;
    }
    return true;
}

bool gate_context_value(void *ud, struct str key, struct str_list *ret) {
    struct gate_context *x = ud;
    struct ask q = {x, x->c->arena, ret};
    struct str context = S("kms:EncryptionContext:");
    bool found = false;
    *ret = (struct str_list){NULL, 0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (str_ieq(key, str_c(keys[i].key))) {
            return keys[i].value(&q);
        }
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        if (str_ieq(key, str_c(members[i].key))) {
            return str_is(str_c(x->c->op->service->name), members[i].service) &&
                   give_member(&q, members[i].member);
        }
    }
    if (tag_key(&q, key, &found)) {
        return found;
    }
    if (str_ieq(str_sub(key, 0, context.n), context)) {
        return encryption_context(&q, str_sub(key, context.n, key.n));
    }
    return false;
}
