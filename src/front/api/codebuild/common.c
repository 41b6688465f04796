/* What the handlers share; codebuild.h. */
#include "front/api/codebuild/codebuild.h"

#include "services/core/page.h"

static const struct flow *the_flow;

void codebuild_serve(const struct flow *f) {
    the_flow = f;
}

const struct flow *codebuild_flow(void) {
    return the_flow;
}

int codebuild_invalid(struct err *err, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    err_vset(err, ERR_INVALID, fmt, args);
    va_end(args);
    err->api = &codebuild_InvalidInputException;
    return -1;
}

/* The part behind "arn:...:KIND/", or the text itself. */
static struct str resource_of(struct str text, const char *kind) {
    struct aws_arn arn;
    if (aws_arn_parse(text, &arn) && str_is(arn.service, "codebuild") &&
        str_starts(arn.resource, str_c(kind))) {
        return str_sub(arn.resource, strlen(kind), arn.resource.n);
    }
    return text;
}

struct str codebuild_project_name(struct str name_or_arn) {
    return resource_of(name_or_arn, "project/");
}

struct str codebuild_build_uuid(struct str id_or_arn) {
    struct str id = resource_of(id_or_arn, "build/");
    size_t colon = str_rfind_c(id, ':');
    if (colon == (size_t)-1 || colon == 0 || colon + 1 == id.n) {
        return STR_NONE;
    }
    return str_sub(id, colon + 1, id.n);
}

struct str codebuild_owner(const struct call *c, struct str text) {
    struct aws_arn arn;
    bool foreign = aws_arn_parse(text, &arn) && str_is(arn.service, "codebuild") &&
                   str_eq(arn.region, c->region);
    return foreign ? arn.account : c->account;
}

struct str codebuild_project_arn(const struct call *c, struct str name) {
    return str_printf(c->arena, "arn:aws:codebuild:" STR_FMT ":" STR_FMT ":project/" STR_FMT,
                      STR_ARG(c->region), STR_ARG(c->account), STR_ARG(name));
}

int codebuild_find_build(struct call *c, struct str id_or_arn, struct build_row *ret,
                         struct err *err) {
    struct str uuid = codebuild_build_uuid(id_or_arn);
    int found = uuid.p == NULL ? 0 : build_load(c->db, c->arena, uuid, ret, err);
    if (found <= 0) {
        return found;
    }
    struct str id =
        str_printf(c->arena, STR_FMT ":" STR_FMT, STR_ARG(ret->project), STR_ARG(ret->uuid));
    return str_eq(ret->account, codebuild_owner(c, id_or_arn)) && str_eq(ret->region, c->region) &&
           str_eq(resource_of(id_or_arn, "build/"), id);
}

int codebuild_token_read(const struct call *c, struct str token, int64_t *ret, struct err *err) {
    return page_key_i64(c, token, ret) ? 0 : codebuild_invalid(err, "Invalid next token");
}

struct str codebuild_token_make(const struct call *c, int64_t position) {
    return page_token_i64(c, position);
}
