/* Implementation of event_types.h. */
#include "services/notifications/event_types.h"

#include "aws/call/call.h"
#include "platform/text/json.h"

#include <stdlib.h>

static const struct event_type types[] = {
#define TYPE(id, service, name, resource, detail_type, member, values)                             \
    {id, service, name, resource, detail_type, member, values},
#include "services/notifications/event_types.def"
};
enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

const struct event_type *event_types(size_t *ret_n) {
    *ret_n = N_TYPES;
    return types;
}

const struct event_type *event_type_find(struct str id) {
    for (size_t i = 0; i < N_TYPES; i++) {
        if (str_is(id, types[i].id)) {
            return &types[i];
        }
    }
    return NULL;
}

/* What the rule is about. */
struct subject {
    const char *kind;   /* as the types call it */
    const char *source; /* of its events */
    struct str
        project; /* CodeBuild: events name the build as resource, the project in the detail */
};

static int read_subject(struct str resource, struct subject *ret, struct err *err) {
    struct aws_arn arn;
    if (aws_arn_parse(resource, &arn) && str_is(arn.service, "codepipeline") &&
        arn.resource.n > 0 && str_find_c(arn.resource, '/', 0) == (size_t)-1) {
        *ret = (struct subject){"Pipeline", "aws.codepipeline", STR_NONE};
        return 0;
    }
    if (aws_arn_parse(resource, &arn) && str_is(arn.service, "codebuild") &&
        str_starts(arn.resource, S("project/"))) {
        *ret =
            (struct subject){"Project", "aws.codebuild", str_sub(arn.resource, 8, arn.resource.n)};
        return 0;
    }
    return err_set(
        err, ERR_INVALID,
        "resource %.*s: notification rules are for pipelines and CodeBuild projects here",
        STR_ARG(resource));
}

static json_t *list_of(json_t *one) {
    json_t *list = json_array();
    json_array_append_new(list, one);
    return list;
}

static json_t *alternative(const struct event_type *t, const struct subject *s) {
    struct err ignored = ERR_INIT;
    json_t *json = json_object();
    json_t *detail = json_object();
    bool approval = strcmp(t->member, "approval") == 0;
    json_set(json, "detail-type", list_of(json_string(t->detail_type)));
    json_set(detail, approval ? "state" : t->member, json_parse(str_c(t->values), &ignored));
    if (approval) {
        json_t *type = json_object();
        json_set(type, "category", list_of(json_string("Approval")));
        json_set(detail, "type", type);
    }
    if (s->project.p != NULL) {
        json_set(detail, "project-name", list_of(json_from_str(s->project)));
    }
    json_set(json, "detail", detail);
    return json;
}

static bool alike(const json_t *x, const json_t *y) {
    return x == y || json_equal(x, y); /* both may be absent */
}

/* States of the same kind of event stand in one list, so that the pattern keeps below its limit. */
static bool join(json_t *alternatives, const json_t *one) {
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        json_t *have = json_array_get(alternatives, i);
        json_t *detail = json_object_get(have, "detail");
        const json_t *other = json_object_get(one, "detail");
        bool same =
            alike(json_object_get(have, "detail-type"), json_object_get(one, "detail-type")) &&
            alike(json_object_get(detail, "type"), json_object_get(other, "type"));
        const char *key;
        json_t *value;
        json_object_foreach(detail, key, value) {
            if (same && json_is_array(value) && strcmp(key, "project-name") != 0) {
                json_array_extend(value, json_object_get(other, key));
                return true;
            }
        }
    }
    return false;
}

int event_types_pattern(struct arena *a, struct str resource, const struct str_list *ids,
                        struct str *ret, struct err *err) {
    struct subject subject;
    json_t *pattern cleanup_json = json_object();
    json_t *alternatives cleanup_json = json_array();
    if (read_subject(resource, &subject, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ids->n; i++) {
        const struct event_type *t = event_type_find(ids->v[i]);
        if (t == NULL || strcmp(t->resource, subject.kind) != 0) {
            return err_set(err, ERR_INVALID, "the event type %.*s is not one of %s",
                           STR_ARG(ids->v[i]), subject.source);
        }
        json_t *one cleanup_json = alternative(t, &subject);
        if (!join(alternatives, one)) {
            json_array_append(alternatives, one);
        }
    }
    if (json_array_size(alternatives) == 0) {
        return err_set(err, ERR_INVALID, "no event types are given");
    }
    json_set(pattern, "source", list_of(json_string(subject.source)));
    if (subject.project.p == NULL) {
        json_set(pattern, "resources", list_of(json_from_str(resource)));
    }
    if (json_array_size(alternatives) == 1) {
        json_object_update(pattern, json_array_get(alternatives, 0));
    } else {
        json_set(pattern, "$or", json_incref(alternatives));
    }
    *ret = json_dump_str(a, pattern);
    return 0;
}
