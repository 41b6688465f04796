/* Reading: by name, path, history, metadata; tags. */
#include "services/ssm/ssm.h"

#include "services/core/page.h"
#include "services/core/tags.h"

enum { BATCH = 100 };

static int fill(struct call *c, const struct ssm_row *r, struct str selector, bool decrypt,
                struct ssm_parameter *ret, struct err *err) {
    *ret = (struct ssm_parameter){
        .name = r->name,
        .type = r->type,
        .version = r->version,
        .has_version = true,
        .selector = selector,
        .last_modified_date = r->modified_ms,
        .has_last_modified_date = true,
        .arn = ssm_arn(c, r->name),
        .data_type = r->data_type,
    };
    return ssm_value_out(c, r, decrypt, &ret->value, err);
}

int ssm_get_parameter(struct call *c, const struct ssm_get_parameter_request *in,
                      struct ssm_get_parameter_result *out, struct err *err) {
    struct ssm_ref ref;
    struct ssm_row row = {0};
    ssm_ref_parse(c, in->name, &ref);
    if (ssm_need(c, in->name, &row, err) < 0) {
        return -1;
    }
    out->parameter = arena_new(c->arena, struct ssm_parameter);
    return fill(c, &row, ref.selector, in->with_decryption, out->parameter, err);
}

int ssm_get_parameters(struct call *c, const struct ssm_get_parameters_request *in,
                       struct ssm_get_parameters_result *out, struct err *err) {
    out->parameters.v = arena_new_n(c->arena, struct ssm_parameter, in->names.n);
    out->invalid_parameters.v = arena_new_n(c->arena, struct str, in->names.n);
    for (size_t i = 0; i < in->names.n; i++) {
        struct ssm_ref ref;
        struct ssm_row row = {0};
        struct err why = ERR_INIT;
        ssm_ref_parse(c, in->names.v[i], &ref);
        int found = ssm_resolve(c, &ref, &row, &why);
        if (found < 0 && why.api != &ssm_ParameterVersionNotFound) {
            *err = why;
            return -1;
        }
        if (found <= 0) {
            out->invalid_parameters.v[out->invalid_parameters.n++] = in->names.v[i];
        } else if (fill(c, &row, ref.selector, in->with_decryption,
                        &out->parameters.v[out->parameters.n++], err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What a list shows of a row it has found. */
struct listing {
    const struct ssm_parameter_string_filter_list *filters;
    struct str prefix; /* of names */
    int64_t limit;
    int (*keep)(struct call *c, void *ud, const struct ssm_row *r, struct err *err);
    void *ud;
};

/* Goes on behind `after` until the page is full; *ret_next is absent behind the last one. */
static int list(struct call *c, const struct listing *l, struct str after, struct str *ret_next,
                struct err *err) {
    int64_t kept = 0;
    struct str last = STR_NONE;
    *ret_next = STR_NONE;
    while (true) {
        struct ssm_rows rows;
        if (ssm_list(c->db, c->arena, c->account, c->region, l->prefix, after, BATCH, &rows, err) <
            0) {
            return -1;
        }
        for (size_t i = 0; i < rows.n; i++) {
            int met = ssm_filters_match(c, l->filters, &rows.v[i], err);
            if (met < 0) {
                return -1;
            }
            if (met > 0 && kept == l->limit) {
                *ret_next = last; /* there is one more */
                return 0;
            }
            if (met > 0 && l->keep(c, l->ud, &rows.v[i], err) < 0) {
                return -1;
            }
            kept += met;
            last = met > 0 ? rows.v[i].name : last;
            after = rows.v[i].name;
        }
        if (rows.n < BATCH) {
            return 0;
        }
    }
}

static int start_page(struct call *c, struct str token, bool has_max, int32_t max, int64_t page_max,
                      int64_t *ret_limit, struct str *ret_after, struct err *err) {
    if (!page_key(c, token, ret_after)) {
        return err_api(err, &ssm_InvalidNextToken, "The specified token isn't valid.");
    }
    *ret_limit = has_max ? max : page_max;
    if (*ret_limit < 1 || *ret_limit > page_max) {
        return err_api(err, &ssm_ValidationException,
                       "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy "
                       "constraint: Member must have value between 1 and %lld",
                       max, (long long)page_max);
    }
    return 0;
}

struct by_path {
    struct ssm_parameter_list *out;
    bool decrypt;
};

static int keep_by_path(struct call *c, void *ud, const struct ssm_row *r, struct err *err) {
    struct by_path *b = ud;
    return fill(c, r, STR_NONE, b->decrypt, arena_push(c->arena, b->out), err);
}

int ssm_get_parameters_by_path(struct call *c, const struct ssm_get_parameters_by_path_request *in,
                               struct ssm_get_parameters_by_path_result *out, struct err *err) {
    struct str after = STR_NONE, next = STR_NONE;
    int64_t limit = 0;
    if (ssm_check_path(in->path, err) < 0 ||
        ssm_filters_check(&in->parameter_filters, true, err) < 0 ||
        start_page(c, in->next_token, in->has_max_results, in->max_results, SSM_PATH_PAGE, &limit,
                   &after, err) < 0) {
        return -1;
    }
    /* The path is one more filter. */
    struct ssm_parameter_string_filter_list filters = {NULL, 0};
    struct str path = in->path;
    *arena_push(c->arena, &filters) = (struct ssm_parameter_string_filter){
        S("Path"), in->recursive ? S("Recursive") : S("OneLevel"), {&path, 1}};
    for (size_t i = 0; i < in->parameter_filters.n; i++) {
        *arena_push(c->arena, &filters) = in->parameter_filters.v[i];
    }
    struct by_path keep = {&out->parameters, in->with_decryption};
    out->parameters.v = NULL;
    struct str bare = str_ends(path, S("/")) ? str_sub(path, 0, path.n - 1) : path;
    struct listing l = {
        .filters = &filters,
        .prefix = bare.n > 0 ? str_concat(c->arena, bare, S("/")) : STR_NONE,
        .limit = limit,
        .keep = keep_by_path,
        .ud = &keep,
    };
    if (list(c, &l, after, &next, err) < 0) {
        return -1;
    }
    if (out->parameters.v == NULL) {
        out->parameters.v = arena_new(c->arena, struct ssm_parameter);
    }
    out->next_token = next.p ? page_token(c, next) : STR_NONE;
    return 0;
}

static int keep_metadata(struct call *c, void *ud, const struct ssm_row *r, struct err *err) {
    struct ssm_parameter_metadata_list *out = ud;
    struct ssm_parameter_metadata *m = arena_push(c->arena, out);
    *m = (struct ssm_parameter_metadata){
        .name = r->name,
        .arn = ssm_arn(c, r->name),
        .type = r->type,
        .key_id = r->key_id,
        .last_modified_date = r->modified_ms,
        .has_last_modified_date = true,
        .last_modified_user = r->modified_by,
        .description = r->description,
        .allowed_pattern = r->pattern.n > 0 ? r->pattern : STR_NONE,
        .version = r->version,
        .has_version = true,
        .tier = r->tier,
        .data_type = r->data_type,
    };
    return ssm_policies_show(c, r->policies, &m->policies, err);
}

/* The older form of filters, as the newer one. */
static void add_old_filters(struct call *c, const struct ssm_parameters_filter_list *old,
                            struct ssm_parameter_string_filter_list *ret) {
    for (size_t i = 0; i < old->n; i++) {
        bool name = str_is(old->v[i].key, "Name");
        *arena_push(c->arena, ret) = (struct ssm_parameter_string_filter){
            old->v[i].key, name ? S("BeginsWith") : S("Equals"), old->v[i].values};
    }
}

int ssm_describe_parameters(struct call *c, const struct ssm_describe_parameters_request *in,
                            struct ssm_describe_parameters_result *out, struct err *err) {
    struct str after = STR_NONE, next = STR_NONE;
    int64_t limit = 0;
    if (in->filters.n > 0 && in->parameter_filters.n > 0) {
        return err_api(err, &ssm_ValidationException,
                       "You can use either Filters or ParameterFilters in a single request.");
    }
    if (ssm_filters_check(&in->parameter_filters, false, err) < 0 ||
        start_page(c, in->next_token, in->has_max_results, in->max_results, SSM_PAGE, &limit,
                   &after, err) < 0) {
        return -1;
    }
    struct ssm_parameter_string_filter_list filters = in->parameter_filters;
    if (in->filters.n > 0) {
        filters = (struct ssm_parameter_string_filter_list){NULL, 0};
        add_old_filters(c, &in->filters, &filters);
    }
    out->parameters.v = NULL;
    struct listing l = {
        .filters = &filters, .limit = limit, .keep = keep_metadata, .ud = &out->parameters};
    if (list(c, &l, after, &next, err) < 0) {
        return -1;
    }
    if (out->parameters.v == NULL) {
        out->parameters.v = arena_new(c->arena, struct ssm_parameter_metadata);
    }
    out->next_token = next.p ? page_token(c, next) : STR_NONE;
    return 0;
}

static int show_version(struct call *c, const struct ssm_name *name, const struct ssm_row *r,
                        bool decrypt, struct ssm_parameter_history *ret, struct err *err) {
    *ret = (struct ssm_parameter_history){
        .name = r->name,
        .type = r->type,
        .key_id = r->key_id,
        .last_modified_date = r->modified_ms,
        .has_last_modified_date = true,
        .last_modified_user = r->modified_by,
        .description = r->description,
        .allowed_pattern = r->pattern.n > 0 ? r->pattern : STR_NONE,
        .version = r->version,
        .has_version = true,
        .tier = r->tier,
        .data_type = r->data_type,
    };
    return ssm_value_out(c, r, decrypt, &ret->value, err) < 0 ||
                   ssm_policies_show(c, r->policies, &ret->policies, err) < 0
               ? -1
               : ssm_labels(c->db, c->arena, name, r->version, &ret->labels, err);
}

int ssm_get_parameter_history(struct call *c, const struct ssm_get_parameter_history_request *in,
                              struct ssm_get_parameter_history_result *out, struct err *err) {
    struct ssm_row newest = {0};
    struct ssm_rows rows;
    int64_t after = 0;
    int64_t limit = in->has_max_results ? in->max_results : SSM_PAGE;
    if (!page_key_i64(c, in->next_token, &after)) {
        return err_api(err, &ssm_InvalidNextToken, "The specified token isn't valid.");
    }
    if (ssm_need(c, in->name, &newest, err) < 0) {
        return -1;
    }
    struct ssm_name name = ssm_name_of(c, newest.name);
    if (ssm_versions(c->db, c->arena, &name, after, limit + 1, &rows, err) < 0) {
        return -1;
    }
    bool more = rows.n > (size_t)limit;
    rows.n -= more;
    out->parameters.v = arena_new_n(c->arena, struct ssm_parameter_history, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        if (show_version(c, &name, &rows.v[i], in->with_decryption,
                         &out->parameters.v[out->parameters.n++], err) < 0) {
            return -1;
        }
    }
    out->next_token = more ? page_token_i64(c, rows.v[rows.n - 1].version) : STR_NONE;
    return 0;
}

/* Only parameters have tags here; *ret is the parameter's own name. */
static int need_resource(struct call *c, struct str type, struct str id, struct str *ret,
                         struct err *err) {
    struct ssm_ref ref;
    struct ssm_row row = {0};
    if (!str_is(type, "Parameter")) {
        return err_api(err, &ssm_InvalidResourceType,
                       STR_FMT
                       " is not a valid resource type. Valid resource types are: Parameter.",
                       STR_ARG(type));
    }
    ssm_ref_parse(c, id, &ref);
    int found = ssm_resolve(c, &ref, &row, err);
    *ret = row.name;
    return found == 0 ? err_api(err, &ssm_InvalidResourceId,
                                "The resource ID \"" STR_FMT
                                "\" is not valid. Verify that you entered the correct ID and try "
                                "again.",
                                STR_ARG(id))
                      : found - 1;
}

int ssm_add_tags_to_resource(struct call *c, const struct ssm_add_tags_to_resource_request *in,
                             struct ssm_add_tags_to_resource_result *out, struct err *err) {
    struct str name;
    (void)out;
    return need_resource(c, in->resource_type, in->resource_id, &name, err) < 0
               ? -1
               : ssm_put_tags(c, name, &in->tags, err);
}

int ssm_remove_tags_from_resource(struct call *c,
                                  const struct ssm_remove_tags_from_resource_request *in,
                                  struct ssm_remove_tags_from_resource_result *out,
                                  struct err *err) {
    struct str name;
    (void)out;
    return need_resource(c, in->resource_type, in->resource_id, &name, err) < 0
               ? -1
               : tags_remove(c->db, ssm_arn(c, name), &in->tag_keys, err);
}

int ssm_list_tags_for_resource(struct call *c, const struct ssm_list_tags_for_resource_request *in,
                               struct ssm_list_tags_for_resource_result *out, struct err *err) {
    struct str name;
    struct str_map tags;
    if (need_resource(c, in->resource_type, in->resource_id, &name, err) < 0 ||
        tags_get(c->db, c->arena, ssm_arn(c, name), &tags, err) < 0) {
        return -1;
    }
    out->tag_list.v = arena_new_n(c->arena, struct ssm_tag, tags.n);
    for (size_t i = 0; i < tags.n; i++) {
        out->tag_list.v[out->tag_list.n++] = (struct ssm_tag){tags.v[i].key, tags.v[i].value};
    }
    return 0;
}
