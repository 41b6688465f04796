/* Names of parameters: their rules, selectors, ARNs. */
#include "services/ssm/ssm.h"

#include "services/core/arn.h"

struct str ssm_arn(struct call *c, struct str name) {
    return arn_make(c, "ssm", "parameter%s" STR_FMT, str_starts(name, S("/")) ? "" : "/",
                    STR_ARG(name));
}

struct ssm_name ssm_name_of(struct call *c, struct str name) {
    return (struct ssm_name){c->account, c->region, name};
}

/* "parameter/a/b" is "/a/b"; "parameter/a" is "a" (or "/a", which ssm_resolve tries next). */
static struct str name_in_arn(const struct aws_arn *arn) {
    struct str prefix = S("parameter/");
    if (!str_starts(arn->resource, prefix)) {
        return arn->resource;
    }
    struct str rest = str_sub(arn->resource, prefix.n, arn->resource.n);
    return str_find_c(rest, '/', 0) == (size_t)-1
               ? rest
               : str_sub(arn->resource, prefix.n - 1, arn->resource.n);
}

void ssm_ref_parse(struct call *c, struct str text, struct ssm_ref *ret) {
    struct aws_arn arn;
    long long version = 0;
    *ret = (struct ssm_ref){.key = ssm_name_of(c, text)};
    if (aws_arn_parse(text, &arn)) {
        ret->key = (struct ssm_name){arn.account, arn.region, name_in_arn(&arn)};
        ret->by_arn = true;
    }
    struct str name = ret->key.name;
    size_t colon = str_find_c(name, ':', 0);
    if (colon == (size_t)-1) {
        return;
    }
    struct str selector = str_sub(name, colon + 1, name.n);
    ret->key.name = str_sub(name, 0, colon);
    ret->selector = str_sub(name, colon, name.n);
    if (str_to_i64(selector, &version) && version > 0) {
        ret->version = version;
    } else {
        ret->label = selector;
    }
}

static bool is_name_character(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '.' || ch == '-' || ch == '_' || ch == '/';
}

static const char rules[] = "If formed as a path, it can consist of sub-paths divided by slash "
                            "symbol; each sub-path can be "
                            "formed as a mix of letters, numbers and the following 3 symbols .-_";

int ssm_check_name(struct str name, struct err *err) {
    struct str bare = str_starts(name, S("/")) ? str_sub(name, 1, name.n) : name;
    bool path = bare.n != name.n;
    size_t levels = 0;
    if (path && str_ieq(str_sub(bare, 0, 3), S("aws"))) {
        err_api(err, &ssm_AccessDeniedException, "No access to reserved parameter name: " STR_FMT,
                STR_ARG(name));
        err->kind = ERR_DENIED;
        return -1;
    }
    if (str_ieq(str_sub(bare, 0, 3), S("aws")) || str_ieq(str_sub(bare, 0, 3), S("ssm"))) {
        return err_api(err, &ssm_ValidationException,
                       "Parameter name: can't be prefixed with \"%s\" (case-insensitive). %s",
                       str_ieq(str_sub(bare, 0, 3), S("aws")) ? "aws" : "ssm", rules);
    }
    bool fine = bare.n > 0 && name.p[name.n - 1] != '/';
    for (size_t i = 0; i < name.n; i++) {
        levels += name.p[i] == '/';
        fine = fine && is_name_character(name.p[i]) &&
               !(name.p[i] == '/' && i > 0 && name.p[i - 1] == '/');
    }
    if (!path && levels > 0) {
        return err_api(err, &ssm_ValidationException,
                       "Parameter name must be a fully qualified name.");
    }
    if (!fine) {
        return err_api(err, &ssm_ValidationException,
                       "Parameter name: invalid characters or "
                       "levels. %s",
                       rules);
    }
    if (levels > SSM_LEVELS_MAX) {
        return err_api(err, &ssm_HierarchyLevelLimitExceededException,
                       "A hierarchy can have a maximum of %d levels. For more information, see "
                       "\"Requirements and constraints for parameter names\".",
                       SSM_LEVELS_MAX);
    }
    if (name.n > SSM_NAME_MAX) {
        return err_api(err, &ssm_ValidationException,
                       "Parameter name: it must not be longer than %d characters", SSM_NAME_MAX);
    }
    return 0;
}

int ssm_check_path(struct str path, struct err *err) {
    bool fine = str_starts(path, S("/"));
    for (size_t i = 0; i < path.n; i++) {
        fine = fine && is_name_character(path.p[i]) &&
               !(path.p[i] == '/' && i > 0 && path.p[i - 1] == '/');
    }
    return fine ? 0
                : err_api(err, &ssm_ValidationException,
                          "The parameter doesn't meet the parameter name requirements. The "
                          "parameter name must begin with a forward slash \"/\". It can't be "
                          "prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only "
                          "letters, numbers, or the following symbols: . (period), - (hyphen), _ "
                          "(underscore). Special characters are not allowed. All sub-paths, if "
                          "specified, must use the forward slash symbol \"/\". Valid example: "
                          "/get/parameters2-/by1./path0_.");
}

static int find(struct call *c, const struct ssm_ref *ref, struct ssm_row *ret, struct err *err) {
    if (!str_eq(ref->key.account, c->account) || !str_eq(ref->key.region, c->region)) {
        return 0; /* sharing between accounts is not built */
    }
    int found = ssm_find(c->db, c->arena, &ref->key, 0, ret, err);
    if (found <= 0 || ref->selector.p == NULL) {
        return found;
    }
    found = ref->version != 0 ? ssm_find(c->db, c->arena, &ref->key, ref->version, ret, err)
                              : ssm_find_label(c->db, c->arena, &ref->key, ref->label, ret, err);
    if (found == 0) {
        struct str what = str_sub(ref->selector, 1, ref->selector.n);
        return err_api(err, &ssm_ParameterVersionNotFound,
                       "Systems Manager could not find %s " STR_FMT " of " STR_FMT
                       ". Verify the %s and try again.",
                       ref->version ? "version" : "label", STR_ARG(what), STR_ARG(ref->key.name),
                       ref->version ? "version" : "label");
    }
    return found;
}

int ssm_resolve(struct call *c, const struct ssm_ref *ref, struct ssm_row *ret, struct err *err) {
    int found = find(c, ref, ret, err);
    if (found == 0 && ref->by_arn && !str_starts(ref->key.name, S("/"))) {
        struct ssm_ref slashed = *ref;
        slashed.key.name = str_concat(c->arena, S("/"), ref->key.name);
        found = find(c, &slashed, ret, err);
    }
    return found;
}

int ssm_need(struct call *c, struct str name, struct ssm_row *ret, struct err *err) {
    struct ssm_ref ref;
    ssm_ref_parse(c, name, &ref);
    int found = ssm_resolve(c, &ref, ret, err);
    return found == 0 ? err_api(err, &ssm_ParameterNotFound, "Parameter " STR_FMT " not found.",
                                STR_ARG(name))
                      : found - 1;
}
