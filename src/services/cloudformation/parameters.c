/* Implementation of services/cloudformation/parameters.h. */
#include "services/cloudformation/parameters.h"

#include "base/buf.h"
#include "gen/ssm.h"
#include "platform/text/regex.h"
#include "platform/text/utf8.h"

static bool is_list_type(struct str type) {
    return str_starts(type, S("List<")) || str_is(type, "CommaDelimitedList") ||
           str_find(type, S("<List<"), 0) != (size_t)-1 ||
           str_find(type, S("<CommaDelimitedList>"), 0) != (size_t)-1;
}

static bool is_stored_type(struct str type) {
    return str_starts(type, S("AWS::SSM::Parameter::Value<"));
}

static int check_pattern(struct arena *a, const char *name, const json_t *p, struct str value,
                         struct err *err) {
    struct str pattern = json_str(p, "AllowedPattern");
    struct str why = json_str(p, "ConstraintDescription");
    struct regex *regex = NULL;
    if (pattern.p == NULL) {
        return 0;
    }
    struct str whole = str_printf(a, "^(?:" STR_FMT ")$", STR_ARG(pattern));
    if (regex_compile(a, whole, &regex, err) < 0) {
        return err_wrap(err, "Template format error: AllowedPattern of parameter %s", name);
    }
    if (regex_search(regex, value)) {
        return 0;
    }
    return why.p != NULL
               ? err_set(err, ERR_INVALID, "Parameter '%s' failed to satisfy constraint: " STR_FMT,
                         name, STR_ARG(why))
               : err_set(err, ERR_INVALID, "Parameter '%s' must match pattern " STR_FMT, name,
                         STR_ARG(pattern));
}

static bool bound(const json_t *p, const char *key, double *ret) {
    const json_t *value = json_object_get(p, key);
    *ret = json_number_value(value);
    return json_is_number(value) || str_to_double(json_text(value), ret);
}

static int check_number(const char *name, const json_t *p, struct str value, struct err *err) {
    double number = 0;
    double limit = 0;
    if (!str_to_double(value, &number)) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must be a number", name);
    }
    if (bound(p, "MinValue", &limit) && number < limit) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must be a number not less than %.15g",
                       name, limit);
    }
    if (bound(p, "MaxValue", &limit) && number > limit) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must be a number not greater than %.15g",
                       name, limit);
    }
    return 0;
}

static int check_one(struct arena *a, const char *name, const json_t *p, struct str type,
                     struct str value, struct err *err) {
    const json_t *allowed = json_object_get(p, "AllowedValues");
    double limit = 0;
    bool found = allowed == NULL;
    for (size_t i = 0; i < json_array_size(allowed) && !found; i++) {
        const json_t *one = json_array_get(allowed, i);
        struct str text = json_is_string(one)
                              ? json_text(one)
                              : str_printf(a, "%lld", (long long)json_integer_value(one));
        text = json_is_boolean(one) ? (json_is_true(one) ? S("true") : S("false")) : text;
        found = str_eq(text, value);
    }
    if (!found) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must be one of AllowedValues", name);
    }
    if (bound(p, "MinLength", &limit) && (double)utf8_length(value) < limit) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must contain at least %.0f characters",
                       name, limit);
    }
    if (bound(p, "MaxLength", &limit) && (double)utf8_length(value) > limit) {
        return err_set(err, ERR_INVALID, "Parameter '%s' must contain at most %.0f characters",
                       name, limit);
    }
    if ((str_is(type, "Number") || str_is(type, "List<Number>")) &&
        check_number(name, p, value, err) < 0) {
        return -1;
    }
    return check_pattern(a, name, p, value, err);
}

static int check_value(struct arena *a, const char *name, const json_t *p, struct str value,
                       struct err *err) {
    struct str type = json_str(p, "Type");
    struct str rest = value;
    struct str part;
    if (!is_list_type(type)) {
        return check_one(a, name, p, type, value, err);
    }
    while (str_cut(&rest, ',', &part)) {
        if (check_one(a, name, p, type, str_trim(part), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int look_up(struct arena *a, const char *name, struct str key,
                   const struct aws_target *target, struct str *ret, struct err *err) {
    const struct ssm_get_parameter_request in = {.name = key};
    struct ssm_get_parameter_result out;
    struct err why = ERR_INIT;
    if (ssm_call_get_parameter(target, a, &in, &out, &why) < 0) {
        return err_set(err, ERR_INVALID,
                       "Parameter %s: unable to fetch parameter " STR_FMT
                       " from parameter store for this account: %s",
                       name, STR_ARG(key), why.msg);
    }
    *ret = out.parameter->value;
    return 0;
}

static const struct cloudformation_parameter *find_sent(
    const struct cloudformation_parameter_list *sent, const char *name) {
    for (size_t i = 0; i < sent->n; i++) {
        if (str_is(sent->v[i].parameter_key, name)) {
            return &sent->v[i];
        }
    }
    return NULL;
}

static const json_t *find_resolved(const json_t *list, const char *name) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_is(json_str(json_array_get(list, i), "k"), name)) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

/* The value as given: sent, from before, or the default; absent when there is none. */
static struct str given(struct arena *a, const char *name, const json_t *p,
                        const struct cloudformation_parameter *sent, const json_t *previous) {
    const json_t *fallback = json_object_get(p, "Default");
    if (sent != NULL && sent->has_use_previous_value && sent->use_previous_value) {
        return str_dup(a, json_str(find_resolved(previous, name), "v"));
    }
    if (sent != NULL && sent->parameter_value.p != NULL) {
        return sent->parameter_value;
    }
    if (json_is_integer(fallback)) {
        return str_printf(a, "%lld", (long long)json_integer_value(fallback));
    }
    if (json_is_boolean(fallback)) {
        return json_is_true(fallback) ? S("true") : S("false");
    }
    return json_is_real(fallback) ? str_printf(a, "%.15g", json_real_value(fallback))
                                  : str_dup(a, json_text(fallback));
}

static int check_sent(struct arena *a, const struct template *t,
                      const struct cloudformation_parameter_list *sent, struct err *err) {
    struct buf unknown cleanup_buf;
    buf_init(&unknown, 4096);
    for (size_t i = 0; i < sent->n; i++) {
        struct str key = sent->v[i].parameter_key;
        if (key.p == NULL || json_object_get(t->parameters, str_z(a, key)) == NULL) {
            buf_printf(&unknown, "%s%.*s", unknown.n > 0 ? ", " : "", STR_ARG(key));
        }
    }
    return unknown.n == 0
               ? 0
               : err_set(err, ERR_INVALID, "Parameters: [" STR_FMT "] do not exist in the template",
                         STR_ARG(buf_str(&unknown)));
}

int parameters_resolve(struct arena *a, const struct template *t,
                       const struct cloudformation_parameter_list *sent, const json_t *previous,
                       const struct aws_target *target, json_t **ret, struct err *err) {
    json_t *list cleanup_json = json_array();
    struct buf missing cleanup_buf;
    const char *name;
    json_t *p;
    buf_init(&missing, 4096);
    if (check_sent(a, t, sent, err) < 0) {
        return -1;
    }
    json_object_foreach((json_t *)t->parameters, name, p) {
        struct str type = json_str(p, "Type");
        struct str value = given(a, name, p, find_sent(sent, name), previous);
        struct str resolved = STR_NONE;
        if (type.p == NULL) {
            return err_set(err, ERR_INVALID,
                           "Template format error: Every Parameters object must contain a Type "
                           "member.");
        }
        if (value.p == NULL) {
            buf_printf(&missing, "%s%s", missing.n > 0 ? ", " : "", name);
            continue;
        }
        if (is_stored_type(type) && look_up(a, name, value, target, &resolved, err) < 0) {
            return -1;
        }
        if (check_value(a, name, p, resolved.p != NULL ? resolved : value, err) < 0) {
            return -1;
        }
        json_t *item = json_object();
        const json_t *quiet = json_object_get(p, "NoEcho");
        json_set_str(item, "k", str_c(name));
        json_set_str(item, "v", value);
        json_set_str(item, "r", resolved);
        if (json_is_true(quiet) || str_ieq(json_text(quiet), S("true"))) {
            json_set(item, "noEcho", json_true());
        }
        json_array_append_new(list, item);
    }
    if (missing.n > 0) {
        return err_set(err, ERR_INVALID, "Parameters: [" STR_FMT "] must have values",
                       STR_ARG(buf_str(&missing)));
    }
    *ret = json_incref(list);
    return 0;
}

json_t *parameters_values(struct arena *a, const struct template *t, const json_t *resolved) {
    json_t *values = json_object();
    for (size_t i = 0; i < json_array_size(resolved); i++) {
        const json_t *item = json_array_get(resolved, i);
        const char *name = str_z(a, json_str(item, "k"));
        struct str value = json_str(item, "r");
        value = value.p != NULL ? value : json_str(item, "v");
        if (!is_list_type(json_str(json_object_get(t->parameters, name), "Type"))) {
            json_set(values, name, json_from_str(value));
            continue;
        }
        json_t *list = json_array();
        struct str rest = value.n > 0 ? value : STR_NONE;
        struct str part;
        while (rest.p != NULL && str_cut(&rest, ',', &part)) {
            json_array_append_new(list, json_from_str(str_trim(part)));
        }
        json_set(values, name, list);
    }
    return values;
}

struct cloudformation_parameter_list parameters_shown(struct arena *a, const json_t *resolved) {
    struct cloudformation_parameter_list list = {0};
    for (size_t i = 0; i < json_array_size(resolved); i++) {
        const json_t *item = json_array_get(resolved, i);
        bool quiet = json_bool(item, "noEcho");
        *arena_push(a, &list) = (struct cloudformation_parameter){
            .parameter_key = str_dup(a, json_str(item, "k")),
            .parameter_value = quiet ? S("****") : str_dup(a, json_str(item, "v")),
            .resolved_value = quiet ? STR_NONE : str_dup(a, json_str(item, "r")),
        };
    }
    return list;
}
