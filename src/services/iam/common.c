/* Implementation of services/iam/iam.h. */
#include "services/iam/iam.h"

#include "runtime/http/http.h"
#include "services/core/page.h"
#include "services/core/tags.h"

int iam_check_name(struct str name, const char *member, struct err *err) {
    bool fine = name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char ch = (unsigned char)name.p[i];
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                    (ch >= '0' && ch <= '9') || ch == '_';
        fine = fine && (word || (ch != 0 && strchr("+=,.@-", ch) != NULL));
    }
    return fine ? 0
                : err_api(err, &iam_ValidationError,
                          "The specified value for %s is invalid. It must contain only "
                          "alphanumeric characters and/or the following: +=,.@_-",
                          member);
}

int iam_check_path(struct str *path, struct err *err) {
    if (path->p == NULL) {
        *path = S("/");
    }
    bool fine = path->n > 0 && path->p[0] == '/' && path->p[path->n - 1] == '/';
    for (size_t i = 0; i < path->n; i++) {
        fine = fine && path->p[i] > ' ' && path->p[i] < 127;
    }
    return fine ? 0
                : err_api(err, &iam_ValidationError,
                          "The specified value for path is invalid. It must begin and end with / "
                          "and contain only alphanumeric characters and/or / characters.");
}

size_t iam_policy_size(struct str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] != ' ' && text.p[i] != '\n' && text.p[i] != '\t' && text.p[i] != '\r';
    }
    return n;
}

int iam_check_document(struct call *c, struct str text, enum policy_use use, size_t max,
                       const char *quota, struct err *err) {
    struct policy parsed;
    struct err why = ERR_INIT;
    if (policy_parse(c->arena, text, use, &parsed, &why) < 0) {
        return err_api(err, &iam_MalformedPolicyDocumentException, "%s", why.msg);
    }
    if (iam_policy_size(text) > max) {
        return err_api(err, &iam_LimitExceededException, "Cannot exceed quota for %s: %zu", quota,
                       max);
    }
    return 0;
}

int iam_need_role(struct call *c, struct str name, struct iam_role_row *ret, struct err *err) {
    int found = iam_role_find(c->db, c->arena, c->account, name, ret, err);
    return found == 0 ? err_api(err, &iam_NoSuchEntityException,
                                "The role with name " STR_FMT " cannot be found.", STR_ARG(name))
                      : found - 1;
}

int iam_need_user(struct call *c, struct str name, struct iam_user_row *ret, struct err *err) {
    int found = iam_user_find(c->db, c->arena, c->account, name, ret, err);
    return found == 0 ? err_api(err, &iam_NoSuchEntityException,
                                "The user with name " STR_FMT " cannot be found.", STR_ARG(name))
                      : found - 1;
}

static int no_policy(struct str arn, struct err *err) {
    return err_api(err, &iam_NoSuchEntityException, "Policy " STR_FMT " was not found.",
                   STR_ARG(arn));
}

int iam_need_own_policy(struct call *c, struct str arn, struct iam_policy_row *ret,
                        struct err *err) {
    if (iam_managed_find(arn) != NULL) {
        err_api(err, &iam_AccessDenied, "Cannot change AWS managed policy " STR_FMT, STR_ARG(arn));
        err->kind = ERR_DENIED;
        return -1;
    }
    int found = iam_policy_find(c->db, c->arena, arn, ret, err);
    if (found < 0) {
        return -1;
    }
    return found == 0 || !str_eq(ret->account, c->account) ? no_policy(arn, err) : 0;
}

int iam_need_policy(struct call *c, struct str arn, struct err *err) {
    struct iam_policy_row row = {0};
    return iam_managed_find(arn) != NULL ? 0 : iam_need_own_policy(c, arn, &row, err);
}

int iam_need_owner(struct call *c, const char *kind, struct str name, struct iam_owner *ret,
                   struct err *err) {
    struct iam_role_row role = {0};
    struct iam_user_row user = {0};
    bool is_role = strcmp(kind, "role") == 0;
    if ((is_role ? iam_need_role(c, name, &role, err) : iam_need_user(c, name, &user, err)) < 0) {
        return -1;
    }
    *ret = (struct iam_owner){kind, c->account, is_role ? role.name : user.name};
    return 0;
}

struct str iam_encoded(struct call *c, struct str document) {
    return document.p ? http_url_encode(c->arena, document, false) : STR_NONE;
}

int iam_page_start(struct call *c, struct str marker, bool has_max, int32_t max,
                   struct iam_page *ret, struct err *err) {
    *ret = (struct iam_page){.size = has_max ? max : IAM_PAGE};
    ret->limit = ret->size + 1;
    if (!page_key(c, marker, &ret->after)) {
        return err_api(err, &iam_ValidationError, "Invalid Marker.");
    }
    return 0;
}

bool iam_page_more(const struct iam_page *p, size_t *n) {
    if (*n <= (size_t)p->size) {
        return false;
    }
    *n = (size_t)p->size;
    return true;
}

int iam_tags_put(struct call *c, struct str arn, const struct iam_tag_list *tags, struct err *err) {
    struct str_map map = {NULL, 0};
    struct str culprit = STR_NONE;
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    switch (tags_check(&map, &culprit)) {
    case TAGS_OK:
        break;
    case TAGS_DUPLICATE:
        return err_api(err, &iam_InvalidInputException,
                       "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    case TAGS_TOO_MANY:
        return err_api(err, &iam_LimitExceededException,
                       "The number of tags has reached the maximum limit.");
    case TAGS_RESERVED:
        return err_api(err, &iam_InvalidInputException,
                       "The tag key " STR_FMT " uses the reserved prefix aws:", STR_ARG(culprit));
    case TAGS_BAD_KEY:
    case TAGS_BAD_VALUE:
        return err_api(err, &iam_InvalidInputException, "Tag " STR_FMT " is too long",
                       STR_ARG(culprit));
    }
    iam_changed(); /* policies may ask for aws:PrincipalTag */
    if (tags_put(c->db, arn, &map, err) < 0) {
        return err->kind == ERR_LIMIT ? err_api(err, &iam_LimitExceededException,
                                                "The number of tags has reached the maximum limit.")
                                      : -1;
    }
    return 0;
}

int iam_tags_get(struct call *c, struct str arn, struct iam_tag_list *ret, struct err *err) {
    struct str_map map;
    if (tags_get(c->db, c->arena, arn, &map, err) < 0) {
        return -1;
    }
    ret->v = arena_new_n(c->arena, struct iam_tag, map.n);
    ret->n = map.n;
    for (size_t i = 0; i < map.n; i++) {
        ret->v[i] = (struct iam_tag){map.v[i].key, map.v[i].value};
    }
    return 0;
}
