/* PutParameter, DeleteParameter(s), labels. */
#include "services/ssm/ssm.h"

#include "platform/text/utf8.h"
#include "services/core/tags.h"

static int check_tier(struct str value, struct str asked, struct str policies,
                      const struct ssm_row *old, struct str *ret, struct err *err) {
    size_t n = utf8_length(value);
    bool needs = n > SSM_STANDARD_MAX || policies.n > 2; /* "[]" asks for nothing */
    bool advanced = str_is(asked, "Advanced") || (str_is(asked, "Intelligent-Tiering") && needs) ||
                    (asked.p == NULL && old != NULL && str_is(old->tier, "Advanced"));
    if (old != NULL && str_is(old->tier, "Advanced") && !advanced) {
        if (str_is(asked, "Standard")) {
            return err_api(err, &ssm_ValidationException,
                           "This parameter uses the advanced-parameter tier. You can't downgrade a "
                           "parameter from the advanced-parameter tier to the standard-parameter "
                           "tier. If necessary, you can delete the advanced parameter and recreate "
                           "it as a standard parameter.");
        }
        advanced = true;
    }
    if (!advanced && n > SSM_STANDARD_MAX) {
        return err_api(err, &ssm_ValidationException,
                       "Standard tier parameters support a maximum parameter value of %d "
                       "characters. To create a larger parameter value, upgrade the parameter to "
                       "use the advanced-parameter tier. For more information, see "
                       "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
                       "parameter-store-advanced-parameters.html",
                       SSM_STANDARD_MAX);
    }
    if (n > SSM_ADVANCED_MAX) {
        return err_api(err, &ssm_ValidationException,
                       "Advanced tier parameters support a maximum parameter value of %d "
                       "characters.",
                       SSM_ADVANCED_MAX);
    }
    if (!advanced && policies.n > 2) {
        return err_api(err, &ssm_ValidationException,
                       "Parameter policies are supported for advanced-tier parameters only.");
    }
    *ret = advanced ? S("Advanced") : S("Standard");
    return 0;
}

static int check_data_type(struct str type, struct err *err) {
    return type.p == NULL || str_is(type, "text") || str_is(type, "aws:ec2:image") ||
                   str_is(type, "aws:ssm:integration")
               ? 0
               : err_api(err, &ssm_ValidationException,
                         "The following data type is not supported: " STR_FMT
                         " (Data type names are all lowercase.)",
                         STR_ARG(type));
}

static struct str either(struct str given, struct str before) {
    return given.p ? given : before;
}

/* What the new version is: what was given, else what was there. */
static int make_row(struct call *c, const struct ssm_put_parameter_request *in,
                    const struct ssm_row *old, struct ssm_row *row, struct err *err) {
    *row = (struct ssm_row){
        .name = in->name,
        .version = old ? old->version + 1 : 1,
        .type = either(in->type, old ? old->type : STR_NONE),
        .value = in->value,
        .description = either(in->description, old ? old->description : STR_NONE),
        .pattern = either(in->allowed_pattern, old ? old->pattern : STR_NONE),
        .data_type = either(in->data_type, old ? old->data_type : S("text")),
        .policies = either(in->policies, old ? old->policies : STR_NONE),
        .modified_ms = c->now_ms,
        .modified_by = c->principal->arn.p ? c->principal->arn : c->principal->service,
    };
    if (row->type.p == NULL) {
        return err_api(err, &ssm_ValidationException,
                       "A parameter type is required when you create a parameter.");
    }
    if (!str_is(row->type, "String") && !str_is(row->type, "StringList") &&
        !str_is(row->type, "SecureString")) {
        return err_api(err, &ssm_UnsupportedParameterType,
                       "The parameter type " STR_FMT " is not supported.", STR_ARG(row->type));
    }
    bool secure = str_is(row->type, "SecureString");
    if (in->key_id.p != NULL && !secure) {
        return err_api(err, &ssm_ValidationException,
                       "KeyId is required for SecureString type parameter only.");
    }
    row->key_id = secure ? either(in->key_id, S("alias/aws/ssm")) : STR_NONE;
    if (row->value.n == 0) {
        return err_api(err, &ssm_ValidationException,
                       "1 validation error detected: Value '' at 'value' failed to satisfy "
                       "constraint: Member must have length greater than or equal to 1.");
    }
    return check_tier(row->value, in->tier, row->policies, old, &row->tier, err) < 0 ||
                   check_data_type(row->data_type, err) < 0 ||
                   ssm_check_pattern(c, row->pattern, row->value, err) < 0
               ? -1
               : 0;
}

/* A parameter keeps its last 100 versions; a label holds its version fast. */
static int make_room(struct call *c, const struct ssm_name *n, struct err *err) {
    int64_t count = 0, oldest = 0;
    struct str_list labels;
    if (ssm_count(c->db, n, &count, &oldest, err) < 0) {
        return -1;
    }
    if (count < SSM_VERSIONS_MAX) {
        return 0;
    }
    if (ssm_labels(c->db, c->arena, n, oldest, &labels, err) < 0) {
        return -1;
    }
    if (labels.n > 0) {
        return err_api(
            err, &ssm_ParameterMaxVersionLimitExceeded,
            "You attempted to create a new version of " STR_FMT
            " by calling the PutParameter API with the overwrite flag. Version %lld, the "
            "oldest version, can't be deleted because it has a label associated with "
            "it. Move the label to another version of the parameter, and try again.",
            STR_ARG(n->name), (long long)oldest);
    }
    return ssm_remove_version(c->db, n, oldest, err);
}

int ssm_put_tags(struct call *c, struct str name, const struct ssm_tag_list *tags,
                 struct err *err) {
    struct str_map map = {NULL, 0};
    struct str culprit = STR_NONE;
    for (size_t i = 0; i < tags->n; i++) {
        *arena_push(c->arena, &map) = (struct str_pair){tags->v[i].key, tags->v[i].value};
    }
    enum tags_fault fault = tags_check(&map, &culprit);
    if (fault == TAGS_TOO_MANY) {
        return err_api(err, &ssm_TooManyTagsError, "Too many tags: %d are possible", TAGS_MAX);
    }
    if (fault != TAGS_OK) {
        return err_api(err, &ssm_ValidationException, "%s: " STR_FMT,
                       fault == TAGS_RESERVED    ? "Tag keys cannot begin with aws:"
                       : fault == TAGS_DUPLICATE ? "Duplicate tag key"
                                                 : "Invalid tag",
                       STR_ARG(culprit));
    }
    if (tags_put(c->db, ssm_arn(c, name), &map, err) < 0) {
        return err->kind == ERR_LIMIT
                   ? err_api(err, &ssm_TooManyTagsError, "Too many tags: %d are possible", TAGS_MAX)
                   : -1;
    }
    return 0;
}

static int start_timer(struct call *c, const struct ssm_name *n, const struct ssm_row *row,
                       int64_t expires_ms, struct err *err) {
    if (expires_ms == 0) {
        return 0;
    }
    struct str key = str_printf(c->arena, STR_FMT "|" STR_FMT "|%lld|" STR_FMT, STR_ARG(n->account),
                                STR_ARG(n->region), (long long)row->version, STR_ARG(n->name));
    return queue_add(c->db, SSM_EXPIRE, key, S("{}"), expires_ms, err);
}

int ssm_put_parameter(struct call *c, const struct ssm_put_parameter_request *in,
                      struct ssm_put_parameter_result *out, struct err *err) {
    struct ssm_row old = {0}, row = {0};
    struct ssm_name name = ssm_name_of(c, in->name);
    int64_t expires_ms = 0;
    if (ssm_check_name(in->name, err) < 0) {
        return -1;
    }
    int found = ssm_find(c->db, c->arena, &name, 0, &old, err);
    if (found < 0) {
        return -1;
    }
    if (found > 0 && !in->overwrite) {
        return err_api(err, &ssm_ParameterAlreadyExists,
                       "The parameter already exists. To overwrite this value, set the overwrite "
                       "option in the request to true.");
    }
    if (in->overwrite && in->tags.n > 0) {
        return err_api(err, &ssm_ValidationException,
                       "Invalid request: tags and overwrite can't be used together. To create a "
                       "parameter with tags, please remove overwrite flag. To update tags for an "
                       "existing parameter, please use AddTagsToResource or "
                       "RemoveTagsFromResource.");
    }
    if (make_row(c, in, found > 0 ? &old : NULL, &row, err) < 0 ||
        ssm_policies_check(row.policies, &expires_ms, err) < 0 || make_room(c, &name, err) < 0) {
        return -1;
    }
    if (row.key_id.p != NULL && ssm_seal_value(c, ssm_arn(c, in->name), row.key_id, row.tier,
                                               in->value, &row.value, err) < 0) {
        return -1;
    }
    if (ssm_insert(c->db, &name, &row, err) < 0 || ssm_put_tags(c, in->name, &in->tags, err) < 0 ||
        start_timer(c, &name, &row, expires_ms, err) < 0) {
        return -1;
    }
    out->version = row.version;
    out->has_version = true;
    out->tier = row.tier;
    return 0;
}

int ssm_drop(struct call *c, const struct ssm_name *n, struct err *err) {
    return tags_drop(c->db, ssm_arn(c, n->name), err) < 0 ? -1 : ssm_remove(c->db, n, err);
}

int ssm_delete_parameter(struct call *c, const struct ssm_delete_parameter_request *in,
                         struct ssm_delete_parameter_result *out, struct err *err) {
    struct ssm_row row = {0};
    struct ssm_name name = ssm_name_of(c, in->name);
    (void)out;
    int found = ssm_find(c->db, c->arena, &name, 0, &row, err);
    if (found <= 0) {
        return found < 0 ? -1
                         : err_api(err, &ssm_ParameterNotFound, "Parameter " STR_FMT " not found.",
                                   STR_ARG(in->name));
    }
    return ssm_drop(c, &name, err);
}

int ssm_delete_parameters(struct call *c, const struct ssm_delete_parameters_request *in,
                          struct ssm_delete_parameters_result *out, struct err *err) {
    out->deleted_parameters.v = arena_new_n(c->arena, struct str, in->names.n);
    out->invalid_parameters.v = arena_new_n(c->arena, struct str, in->names.n);
    for (size_t i = 0; i < in->names.n; i++) {
        struct ssm_row row = {0};
        struct ssm_name name = ssm_name_of(c, in->names.v[i]);
        int found = ssm_find(c->db, c->arena, &name, 0, &row, err);
        if (found < 0 || (found > 0 && ssm_drop(c, &name, err) < 0)) {
            return -1;
        }
        struct str_list *list = found > 0 ? &out->deleted_parameters : &out->invalid_parameters;
        list->v[list->n++] = name.name;
    }
    return 0;
}

/* [a-zA-Z0-9_.-]{1,100}, not beginning with a digit, "aws" or "ssm". */
static bool is_label(struct str label) {
    bool fine = label.n > 0 && label.n <= 100 && !(label.p[0] >= '0' && label.p[0] <= '9') &&
                !str_ieq(str_sub(label, 0, 3), S("aws")) &&
                !str_ieq(str_sub(label, 0, 3), S("ssm"));
    for (size_t i = 0; i < label.n; i++) {
        char ch = label.p[i];
        fine = fine && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                        (ch >= '0' && ch <= '9') || ch == '_' || ch == '.' || ch == '-');
    }
    return fine;
}

/* The version that labels are for: it is there. */
static int need_version(struct call *c, struct str name, int64_t version, struct ssm_row *ret,
                        struct err *err) {
    struct ssm_name n = ssm_name_of(c, name);
    if (ssm_need(c, name, ret, err) < 0) {
        return -1;
    }
    int found = version == 0 ? 1 : ssm_find(c->db, c->arena, &n, version, ret, err);
    return found == 0 ? err_api(err, &ssm_ParameterVersionNotFound,
                                "Systems Manager could not find version %lld of " STR_FMT
                                ". Verify the version and try again.",
                                (long long)version, STR_ARG(name))
                      : found - 1;
}

int ssm_label_parameter_version(struct call *c,
                                const struct ssm_label_parameter_version_request *in,
                                struct ssm_label_parameter_version_result *out, struct err *err) {
    struct ssm_row row = {0};
    struct str_list labels;
    struct ssm_name name = ssm_name_of(c, in->name);
    if (need_version(c, in->name, in->parameter_version, &row, err) < 0) {
        return -1;
    }
    out->invalid_labels.v = arena_new_n(c->arena, struct str, in->labels.n);
    for (size_t i = 0; i < in->labels.n; i++) {
        if (!is_label(in->labels.v[i])) {
            out->invalid_labels.v[out->invalid_labels.n++] = in->labels.v[i];
        } else if (ssm_label_put(c->db, &name, in->labels.v[i], row.version, err) < 0) {
            return -1;
        }
    }
    if (ssm_labels(c->db, c->arena, &name, row.version, &labels, err) < 0) {
        return -1;
    }
    if (labels.n > SSM_LABELS_MAX) {
        return err_api(err, &ssm_ParameterVersionLabelLimitExceeded,
                       "A parameter version can have a maximum of %d labels.Move one or more "
                       "labels to another version and try again.",
                       SSM_LABELS_MAX);
    }
    out->parameter_version = row.version;
    out->has_parameter_version = true;
    return 0;
}

int ssm_unlabel_parameter_version(struct call *c,
                                  const struct ssm_unlabel_parameter_version_request *in,
                                  struct ssm_unlabel_parameter_version_result *out,
                                  struct err *err) {
    struct ssm_row row = {0};
    struct ssm_name name = ssm_name_of(c, in->name);
    if (need_version(c, in->name, in->parameter_version, &row, err) < 0) {
        return -1;
    }
    out->removed_labels.v = arena_new_n(c->arena, struct str, in->labels.n);
    out->invalid_labels.v = arena_new_n(c->arena, struct str, in->labels.n);
    for (size_t i = 0; i < in->labels.n; i++) {
        int removed = ssm_label_remove(c->db, &name, in->labels.v[i], row.version, err);
        if (removed < 0) {
            return -1;
        }
        struct str_list *list = removed > 0 ? &out->removed_labels : &out->invalid_labels;
        list->v[list->n++] = in->labels.v[i];
    }
    return 0;
}
