/* Implementation of person.h. */
#include "flow/approval/person.h"

#include "platform/text/json.h"

static struct str last_part(struct str arn) {
    size_t slash = str_rfind_c(arn, '/');
    return slash == (size_t)-1 ? STR_NONE : str_sub(arn, slash + 1, arn.n);
}

void person_of(struct arena *a, const struct aws_principal *p, struct str emails,
               struct person *ret) {
    struct str one = STR_NONE;
    *ret = (struct person){.arn = p->arn.p != NULL ? p->arn : p->service};
    ret->machine = p->kind == AWS_PRINCIPAL_SERVICE || p->build_id.p != NULL;
    if (p->kind == AWS_PRINCIPAL_ROLE) {
        ret->role = p->role_arn;
        ret->session = p->session_name;
        ret->name = p->source_identity;
        ret->origin = p->origin;
    } else {
        ret->name = p->kind == AWS_PRINCIPAL_USER ? last_part(p->arn) : STR_NONE;
        ret->origin = p->arn;
    }
    while (str_cut(&emails, ' ', &one)) {
        if (one.n > 0) {
            *arena_push(a, &ret->emails) = one;
        }
    }
}

void person_of_arn(struct arena *a, struct str arn, struct person *ret) {
    struct aws_arn parts;
    struct str session = STR_NONE;
    *ret = (struct person){.arn = arn};
    if (!aws_arn_parse(arn, &parts)) {
        ret->machine = true;
        return;
    }
    struct str kind = STR_NONE;
    struct str rest = parts.resource;
    str_cut(&rest, '/', &kind);
    if (str_is(kind, "assumed-role")) {
        struct str role = STR_NONE;
        session = rest;
        str_cut(&session, '/', &role);
        ret->role =
            str_printf(a, "arn:aws:iam::%.*s:role/%.*s", STR_ARG(parts.account), STR_ARG(role));
        ret->session = session;
    } else if (str_is(kind, "user")) {
        ret->name = last_part(arn);
        ret->origin = arn;
    } else {
        ret->origin = arn;
        ret->machine = !str_is(kind, "root");
    }
}

/* Name and account only: an ARN that was made from a session's has no path. */
static bool same_role(struct str x, struct str y) {
    struct aws_arn a, b;
    return aws_arn_parse(x, &a) && aws_arn_parse(y, &b) && str_eq(a.account, b.account) &&
           str_eq(last_part(x), last_part(y));
}

static bool is_user(const struct person *p) {
    return p->role.p == NULL && p->name.p != NULL;
}

static struct str name_of(const struct person *p, bool trust_sessions) {
    return p->name.p == NULL && trust_sessions ? p->session : p->name;
}

bool person_same(const struct person *x, const struct person *y, bool trust_sessions) {
    struct str one = name_of(x, trust_sessions), other = name_of(y, trust_sessions);
    bool one_origin = x->origin.p != NULL && y->origin.p != NULL && str_eq(x->origin, y->origin);
    if (str_eq(x->arn, y->arn) || (one.p != NULL && other.p != NULL && str_ieq(one, other)) ||
        (one_origin && (is_user(x) || is_user(y)))) {
        return true; /* also a user's own session, whatever it calls itself */
    }
    if (one.p != NULL && other.p != NULL) {
        return false;
    }
    return one_origin || (x->role.p != NULL && y->role.p != NULL && same_role(x->role, y->role));
}

static bool is_address(struct str name, struct str email, struct str local) {
    return name.n > 0 && (str_ieq(name, email) || str_ieq(name, local));
}

bool person_has_email(const struct person *p, struct str email) {
    size_t at = str_find_c(email, '@', 0);
    struct str local = at == (size_t)-1 ? email : str_sub(email, 0, at);
    for (size_t i = 0; i < p->emails.n; i++) {
        if (str_ieq(p->emails.v[i], email)) {
            return true;
        }
    }
    return is_address(p->name, email, local) || is_address(p->session, email, local) ||
           is_address(p->origin.p != NULL ? last_part(p->origin) : STR_NONE, email, local);
}

struct str person_text(const struct person *p) {
    return p->name.n > 0 ? p->name : p->session.n > 0 ? p->session : p->arn;
}

/* ---- kept ---- */

static const struct {
    const char *key;
    size_t at;
} texts[] = {
    {"arn", offsetof(struct person, arn)},       {"role", offsetof(struct person, role)},
    {"name", offsetof(struct person, name)},     {"session", offsetof(struct person, session)},
    {"origin", offsetof(struct person, origin)},
};

struct str person_to_json(struct arena *a, const struct person *p) {
    json_t *o cleanup_json = json_object();
    json_t *emails = json_array();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct str *text = (const void *)((const char *)p + texts[i].at);
        if (text->p != NULL) {
            json_set_str(o, texts[i].key, *text);
        }
    }
    for (size_t i = 0; i < p->emails.n; i++) {
        json_array_append_new(emails, json_stringn(p->emails.v[i].p, p->emails.v[i].n));
    }
    json_set(o, "emails", emails);
    json_set(o, "machine", json_boolean(p->machine));
    return json_dump_str(a, o);
}

int person_from_json(struct arena *a, struct str text, struct person *ret, struct err *err) {
    json_t *o cleanup_json = json_parse(text, err);
    *ret = (struct person){0};
    if (o == NULL) {
        return err_wrap(err, "person");
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (json_object_get(o, texts[i].key) != NULL) {
            *(struct str *)(void *)((char *)ret + texts[i].at) =
                str_dup(a, json_str(o, texts[i].key));
        }
    }
    const json_t *emails = json_object_get(o, "emails");
    for (size_t i = 0; i < json_array_size(emails); i++) {
        *arena_push(a, &ret->emails) = str_dup(a, json_text(json_array_get(emails, i)));
    }
    ret->machine = json_is_true(json_object_get(o, "machine"));
    return 0;
}
