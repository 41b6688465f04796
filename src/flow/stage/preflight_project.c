/* A CodeBuild action, before it runs: its project, the project's role, image, and every parameter
 * and secret that project, action and buildspec name, asked for as that role. A parameter whose
 * value is a role's ARN is taken at its word: the build's role must be able to assume it. */
#include "flow/stage/preflight.h"

#include "flow/action/artifacts.h"
#include "flow/build/build.h"
#include "flow/build/settings.h"
#include "flow/build/store.h"
#include "flow/image/ref.h"
#include "flow/phase/env.h"
#include "flow/phase/secret_reference.h"
#include "flow/sandbox/image.h"
#include "gen/secretsmanager.h"
#include "gen/ssm.h"
#include "platform/text/json.h"

enum { PER_CALL = 10, MAX_BUILDSPEC = 1024 * 1024 };

struct project {
    struct preflight *p;
    const struct def_action *action;
    json_t *json; /* of the project */
    struct aws_target role;
    struct env env; /* of project and action; plain ones expand references */
    struct str_list parameters;
    struct str_list secrets;
};

/* ---- what is named ---- */

static void want(struct project *pr, const struct str_map *names, bool secret) {
    struct arena *a = pr->p->arena;
    for (size_t i = 0; i < names->n; i++) {
        struct str name = env_expand(a, names->v[i].value, &pr->env, true);
        if (str_find_c(name, '$', 0) == (size_t)-1) { /* else only the build knows */
            *arena_push(a, secret ? &pr->secrets : &pr->parameters) = name;
        }
    }
}

static int read_env(struct project *pr, struct err *err) {
    struct arena *a = pr->p->arena;
    const json_t *list =
        json_object_get(json_object_get(pr->json, "environment"), "environmentVariables");
    struct build_order order = {0};
    size_t i = 0;
    const json_t *one = NULL;
    json_array_foreach(list, i, one) {
        struct env_var var = {.name = json_str(one, "name"), .value = json_str(one, "value")};
        if (json_str(one, "type").n > 0 && !env_type_parse(json_str(one, "type"), &var.type)) {
            continue;
        }
        env_put(a, &pr->env, var);
    }
    struct str overrides = str_map_get(&pr->action->configuration, S("EnvironmentVariables"));
    if (build_order_env(a, overrides, &order, err) < 0) {
        return -1;
    }
    for (i = 0; i < order.env.n; i++) {
        env_put(a, &pr->env, order.env.v[i]);
    }
    for (i = 0; i < pr->env.n; i++) {
        const struct env_var *var = &pr->env.v[i];
        if (var->type != ENV_PLAINTEXT) {
            *arena_push(a, var->type == ENV_SECRETS_MANAGER ? &pr->secrets : &pr->parameters) =
                var->value;
        }
    }
    return 0;
}

/* ---- the buildspec ---- */

static int read_from_artifact(struct project *pr, const struct artifact_row *row, struct str path,
                              struct str *ret, struct err *err) {
    struct preflight *p = pr->p;
    struct action_run run = {.flow = p->check->flow, .arena = p->arena};
    struct err why = ERR_INIT;
    if (action_input_file(&run, &p->pipeline, row, path, MAX_BUILDSPEC, ret, &why) == 0) {
        return 0;
    }
    if (why.kind != ERR_INVALID) {
        *err = why;
        return -1;
    }
    preflight_missing(p, "buildspec %.*s: %s", STR_ARG(path), why.msg);
    return 0;
}

/* Inline, or a path in the primary source; absent where only the build can know. */
static int read_buildspec(struct project *pr, struct str *ret, struct err *err) {
    const struct check_run *check = pr->p->check;
    struct str text = str_map_get(&pr->action->configuration, S("BuildspecOverride"));
    struct artifact_row row;
    if (text.n == 0) {
        text = json_str(json_object_get(pr->json, "source"), "buildspec");
    }
    *ret = text;
    if (str_find_c(text, '\n', 0) != (size_t)-1 || str_find(text, S("#{"), 0) != (size_t)-1 ||
        str_starts(text, S("arn:")) || pr->action->inputs.n == 0) {
        return 0;
    }
    struct str primary = str_map_get(&pr->action->configuration, S("PrimarySource"));
    primary = primary.n > 0 ? primary : pr->action->inputs.v[0];
    if (db_begin(check->flow->db, err) < 0) {
        return -1;
    }
    int found =
        record_artifact_get(check->flow->db, pr->p->arena, check->execution.id, primary, &row, err);
    db_rollback(check->flow->db);
    *ret = STR_NONE;
    return found <= 0
               ? found /* a later action makes it */
               : read_from_artifact(pr, &row, text.n > 0 ? text : S("buildspec.yml"), ret, err);
}

static int want_buildspec(struct project *pr, struct err *err) {
    struct str text = STR_NONE;
    struct buildspec spec;
    if (read_buildspec(pr, &text, err) < 0) {
        return -1;
    }
    if (text.p == NULL) {
        return 0;
    }
    if (buildspec_read(pr->p->arena, "buildspec.yml", text, &spec, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < spec.errors.n; i++) {
        preflight_missing(pr->p, "a buildspec that can be read: %.*s",
                          STR_ARG(spec.errors.v[i].text));
    }
    for (size_t i = 0; i < spec.variables.n; i++) {
        if (env_find(&pr->env, spec.variables.v[i].key) == NULL) {
            env_put(pr->p->arena, &pr->env,
                    (struct env_var){.name = spec.variables.v[i].key,
                                     .value = spec.variables.v[i].value});
        }
    }
    want(pr, &spec.parameters, false);
    want(pr, &spec.secrets, true);
    return 0;
}

/* ---- asking ---- */

static int check_role_value(struct project *pr, struct str name, struct str value,
                            struct err *err) {
    struct aws_target ignored;
    struct err why = ERR_INIT;
    struct aws_arn arn;
    bool role = aws_arn_parse(value, &arn) && str_is(arn.service, "iam") &&
                str_starts(arn.resource, S("role/"));
    if (!role || aws_assume_from(pr->p->check->flow->world, pr->p->arena, &pr->role, value,
                                 S("tl-preflight"), &ignored, &why) == 0) {
        return 0;
    }
    if (why.kind == ERR_UNAVAILABLE) {
        *err = why;
        return -1;
    }
    preflight_missing(pr->p, "role %.*s (of parameter %.*s): %s", STR_ARG(value), STR_ARG(name),
                      why.msg);
    return 0;
}

static int ask_parameters(struct project *pr, struct err *err) {
    struct arena *a = pr->p->arena;
    for (size_t i = 0; i < pr->parameters.n; i += PER_CALL) {
        size_t n = pr->parameters.n - i < PER_CALL ? pr->parameters.n - i : PER_CALL;
        struct ssm_get_parameters_request in = {.names = {pr->parameters.v + i, n}};
        struct ssm_get_parameters_result out = {0};
        struct err why = ERR_INIT;
        if (ssm_call_get_parameters(&pr->role, a, &in, &out, &why) < 0) {
            if (preflight_told(pr->p, "parameter", pr->parameters.v[i], &why, err) < 0) {
                return -1;
            }
            continue;
        }
        for (size_t k = 0; k < out.invalid_parameters.n; k++) {
            preflight_missing(pr->p, "parameter %.*s", STR_ARG(out.invalid_parameters.v[k]));
        }
        for (size_t k = 0; k < out.parameters.n; k++) {
            if (check_role_value(pr, out.parameters.v[k].name, out.parameters.v[k].value, err) <
                0) {
                return -1;
            }
        }
    }
    return 0;
}

static int ask_secrets(struct project *pr, struct err *err) {
    for (size_t i = 0; i < pr->secrets.n; i++) {
        struct secret_reference reference;
        struct secretsmanager_describe_secret_response out;
        struct err why = ERR_INIT;
        if (secret_reference_parse(pr->secrets.v[i], &reference, &why) < 0) {
            preflight_missing(pr->p, "a good reference instead of %.*s: %s",
                              STR_ARG(pr->secrets.v[i]), why.msg);
            continue;
        }
        struct secretsmanager_describe_secret_request in = {.secret_id = reference.id};
        if (secretsmanager_call_describe_secret(&pr->role, pr->p->arena, &in, &out, &why) < 0 &&
            why.kind != ERR_DENIED && /* GetSecretValue alone may be allowed */
            preflight_told(pr->p, "secret", reference.id, &why, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Images of this machine are looked for; registries are asked when the build begins. */
static int check_image(struct project *pr, struct err *err) {
    struct arena *a = pr->p->arena;
    struct str name = json_str(json_object_get(pr->json, "environment"), "image");
    struct str_map table;
    struct image_ref ref;
    struct image image;
    struct err why = ERR_INIT;
    if (settings_images(a, pr->p->check->flow->data_dir, &table, err) < 0) {
        return -1;
    }
    struct str uses = str_map_get(&table, name).p != NULL ? str_map_get(&table, name) : name;
    if (image_ref_parse(a, uses, &ref, &why) == 0 && ref.kind == IMAGE_REF_NAME &&
        image_find(a, str_z(a, uses), false, &image, &why) < 0) {
        preflight_missing(pr->p, "image %.*s", STR_ARG(uses));
    }
    return 0;
}

/* ---- the project ---- */

static int load_project(struct preflight *p, struct str name, json_t **ret, struct err *err) {
    const struct check_run *check = p->check;
    struct project_row row;
    if (db_begin(check->flow->db, err) < 0) {
        return -1;
    }
    int found = project_get(check->flow->db, p->arena, check->pipeline.account,
                            check->pipeline.region, name, &row, err);
    db_rollback(check->flow->db);
    if (found <= 0) {
        return found;
    }
    json_t *body = json_parse(row.body, err);
    if (body == NULL) {
        return -1;
    }
    *ret = json_incref(json_object_get(body, "project"));
    json_decref(body);
    return 1;
}

int preflight_project(struct preflight *p, const struct def_action *action, struct err *err) {
    struct str name = str_map_get(&action->configuration, S("ProjectName"));
    struct project pr = {.p = p, .action = action};
    json_t *json cleanup_json = NULL;
    int found = load_project(p, name, &json, err);
    if (found <= 0) {
        if (found == 0) {
            preflight_missing(p, "project %.*s", STR_ARG(name));
        }
        return found;
    }
    pr.json = json;
    struct str override = str_map_get(&action->configuration, S("ServiceRoleArnOverride"));
    struct str role = override.n > 0 ? override : str_dup(p->arena, json_str(json, "serviceRole"));
    if (str_find(role, S("#{"), 0) != (size_t)-1) {
        return 0; /* all that it names is read as this role, which is known later */
    }
    struct err why = ERR_INIT;
    if (aws_assume(p->check->flow->world, p->arena, S("codebuild.amazonaws.com"), role,
                   S("tl-preflight"), &pr.role, &why) < 0) {
        return preflight_told(p, "role", role, &why, err);
    }
    return read_env(&pr, err) < 0 || want_buildspec(&pr, err) < 0 || check_image(&pr, err) < 0 ||
                   ask_parameters(&pr, err) < 0 || ask_secrets(&pr, err) < 0
               ? -1
               : 0;
}
