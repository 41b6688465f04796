/* Implementation of stack_request.h. */
#include "flow/action/stack_request.h"

#include "flow/action/artifacts.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    MAX_TEMPLATE = 1024 * 1024, /* CloudFormation's limit of a template in S3 */
    MAX_BODY = 51200,           /* and of one in a request */
    MAX_CONFIGURATION = 1024 * 1024,
};

/* Artifacts that have been unpacked so far, each into DIR/NAME. */
struct reading {
    struct action_run *run;
    const struct aws_target *target;
    const char *dir;
    struct str_list open;
};

/* ---- files of artifacts ---- */

static int open_artifact(struct reading *r, struct str name, const char **ret_dir,
                         struct err *err) {
    struct artifact_row row;
    *ret_dir = str_printf(r->run->arena, "%s/%.*s", r->dir, STR_ARG(name)).p;
    if (str_list_has(&r->open, name)) {
        return 0;
    }
    if (action_input_named(r->run, name, &row, err) < 0 ||
        action_input_unpack(r->run, r->target, &row, *ret_dir, err) < 0) {
        return -1;
    }
    *arena_push(r->run->arena, &r->open) = name;
    return 0;
}

static int read_file(struct reading *r, struct str artifact, struct str file, size_t max,
                     struct str *ret, struct err *err) {
    const char *dir = NULL;
    if (open_artifact(r, artifact, &dir, err) < 0) {
        return -1;
    }
    int root cleanup_fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0, err);
    int fd cleanup_fd =
        root < 0 ? -1 : file_open_beneath(root, str_z(r->run->arena, file), O_RDONLY, 0, err);
    if (fd < 0) {
        return err_set(err, ERR_INVALID, "File [%.*s] does not exist in artifact [%.*s]",
                       STR_ARG(file), STR_ARG(artifact));
    }
    char *text = arena_alloc(r->run->arena, max + 2);
    size_t n = 0;
    ssize_t got = 0;
    while (n <= max && (got = read(fd, text + n, max + 1 - n)) > 0) {
        n += (size_t)got;
    }
    if (got < 0 || n > max) {
        return err_set(err, ERR_INVALID,
                       "%.*s of artifact %.*s is larger than %zu bytes, or not a "
                       "file",
                       STR_ARG(file), STR_ARG(artifact), max);
    }
    *ret = str_n(text, n);
    return 0;
}

/* "Artifact::path" */
static int read_path(struct reading *r, const char *setting, size_t max, struct str *ret,
                     struct err *err) {
    struct str text = action_setting(r->run, setting);
    size_t at = str_find(text, S("::"), 0);
    if (at == (size_t)-1 || at == 0 || at + 2 == text.n) {
        return err_set(err, ERR_INVALID, "%s '%.*s' is not ARTIFACT::FILE", setting, STR_ARG(text));
    }
    return read_file(r, str_sub(text, 0, at), str_sub(text, at + 2, text.n), max, ret, err);
}

/* ---- parameters ---- */

static void put_parameter(struct arena *a, struct stack_request *to, struct str key,
                          struct str value) {
    for (size_t i = 0; i < to->parameters.n; i++) {
        if (str_eq(to->parameters.v[i].parameter_key, key)) {
            to->parameters.v[i].parameter_value = value;
            return;
        }
    }
    *arena_push(a, &to->parameters) =
        (struct cloudformation_parameter){.parameter_key = key, .parameter_value = value};
}

static int artifact_attribute(struct reading *r, struct str artifact, struct str attribute,
                              struct str *ret, struct err *err) {
    struct artifact_row row;
    if (action_input_named(r->run, artifact, &row, err) < 0) {
        return -1;
    }
    if (str_is(attribute, "BucketName")) {
        *ret = row.bucket;
    } else if (str_is(attribute, "ObjectKey")) {
        *ret = row.key;
    } else if (str_is(attribute, "URL")) {
        *ret = str_printf(r->run->arena, "https://s3.%.*s.amazonaws.com/%.*s/%.*s",
                          STR_ARG(r->run->region), STR_ARG(row.bucket), STR_ARG(row.key));
    } else {
        return err_set(err, ERR_INVALID,
                       "Fn::GetArtifactAtt: %.*s is none of BucketName, ObjectKey and URL",
                       STR_ARG(attribute));
    }
    return 0;
}

static int file_member(struct reading *r, struct str artifact, struct str file, struct str key,
                       struct str *ret, struct err *err) {
    struct str text = STR_NONE;
    if (read_file(r, artifact, file, MAX_CONFIGURATION, &text, err) < 0) {
        return -1;
    }
    json_t *o cleanup_json = json_parse(text, err);
    const json_t *value = o != NULL ? json_object_get(o, str_z(r->run->arena, key)) : NULL;
    if (value == NULL) {
        return err_set(err, ERR_INVALID,
                       "Fn::GetParam: %.*s of artifact %.*s is not JSON with a "
                       "member %.*s",
                       STR_ARG(file), STR_ARG(artifact), STR_ARG(key));
    }
    *ret = json_is_string(value) ? str_dup(r->run->arena, json_text(value))
                                 : json_dump_str(r->run->arena, value);
    return 0;
}

/* A string, a list of strings, or one of the two functions. */
static int override_value(struct reading *r, const json_t *value, struct str *ret,
                          struct err *err) {
    const json_t *attribute = json_object_get(value, "Fn::GetArtifactAtt");
    const json_t *param = json_object_get(value, "Fn::GetParam");
    struct str words[3] = {{0}};
    const json_t *list = attribute != NULL ? attribute : param;
    for (size_t i = 0; i < 3; i++) {
        words[i] = str_dup(r->run->arena, json_text(json_array_get(list, i)));
    }
    if (attribute != NULL && json_array_size(attribute) == 2 && words[1].p != NULL) {
        return artifact_attribute(r, words[0], words[1], ret, err);
    }
    if (param != NULL && json_array_size(param) == 3 && words[2].p != NULL) {
        return file_member(r, words[0], words[1], words[2], ret, err);
    }
    if (json_is_string(value)) {
        *ret = str_dup(r->run->arena, json_text(value));
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "a value is a string, {\"Fn::GetArtifactAtt\": [ARTIFACT, ATTRIBUTE]} or "
                   "{\"Fn::GetParam\": [ARTIFACT, FILE, KEY]}");
}

static int add_overrides(struct reading *r, struct stack_request *to, struct err *err) {
    struct str text = action_setting(r->run, "ParameterOverrides");
    const char *key = NULL;
    json_t *value = NULL;
    if (text.n == 0) {
        return 0;
    }
    json_t *o cleanup_json = json_parse(text, err);
    if (!json_is_object(o)) {
        return err_set(err, ERR_INVALID, "ParameterOverrides is not a JSON object");
    }
    json_object_foreach(o, key, value) {
        struct str resolved = STR_NONE;
        if (override_value(r, value, &resolved, err) < 0) {
            return err_wrap(err, "ParameterOverrides %s", key);
        }
        put_parameter(r->run->arena, to, str_dup(r->run->arena, str_c(key)), resolved);
    }
    return 0;
}

/* TemplateConfiguration: {"Parameters": {}, "Tags": {}, "StackPolicy": {}}. */
static int add_configuration(struct reading *r, struct stack_request *to, struct err *err) {
    struct arena *a = r->run->arena;
    struct str text = STR_NONE;
    const char *key = NULL;
    json_t *value = NULL;
    if (action_setting(r->run, "TemplateConfiguration").n == 0) {
        return 0;
    }
    if (read_path(r, "TemplateConfiguration", MAX_CONFIGURATION, &text, err) < 0) {
        return -1;
    }
    json_t *o cleanup_json = json_parse(text, err);
    if (!json_is_object(o)) {
        return err_set(err, ERR_INVALID, "TemplateConfiguration is not a JSON object: %s",
                       err->msg);
    }
    json_object_foreach(json_object_get(o, "Parameters"), key, value) {
        if (!json_is_string(value)) {
            return err_set(err, ERR_INVALID, "TemplateConfiguration: parameter %s is not a string",
                           key);
        }
        put_parameter(a, to, str_dup(a, str_c(key)), str_dup(a, json_text(value)));
    }
    json_object_foreach(json_object_get(o, "Tags"), key, value) {
        *arena_push(a, &to->tags) =
            (struct cloudformation_tag){str_dup(a, str_c(key)), str_dup(a, json_text(value))};
    }
    const json_t *policy = json_object_get(o, "StackPolicy");
    to->stack_policy = policy != NULL ? json_dump_str(a, policy) : STR_NONE;
    return 0;
}

/* ---- the template ---- */

/* A template that no request holds lies beside the artifacts, under the attempt's name. */
static int put_template(struct reading *r, struct str text, struct str *ret_url, struct err *err) {
    struct arena *a = r->run->arena;
    const char *path = str_printf(a, "%s/.template", r->dir).p;
    struct str bucket = r->run->store->bucket;
    struct str key = str_printf(
        a, "%.*s.template",
        STR_ARG(action_artifact_key(a, r->run->def.name, S("template"), r->run->action.id)));
    if (file_write(path, text, 0600, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = file_open(path, O_RDONLY, 0, err);
    struct s3_put_object_request in = {.bucket = bucket, .key = key};
    struct s3_put_object_output out;
    struct aws_body body = {.fd = fd, .size = (int64_t)text.n};
    action_store_encryption(r->run->store, &in);
    *ret_url = str_printf(a, "https://%.*s.s3.%.*s.amazonaws.com/%.*s", STR_ARG(bucket),
                          STR_ARG(r->run->region), STR_ARG(key));
    return fd < 0 ? -1
                  : aws_call_stream(r->target, &s3_op_put_object, a, &in, &body, &out, NULL, err);
}

static int read_template(struct reading *r, struct stack_request *to, struct err *err) {
    struct str text = STR_NONE;
    if (read_path(r, "TemplatePath", MAX_TEMPLATE, &text, err) < 0) {
        return -1;
    }
    if (text.n <= MAX_BODY) {
        to->template_body = text;
        return 0;
    }
    return put_template(r, text, &to->template_url, err);
}

static void read_capabilities(struct action_run *run, struct stack_request *to) {
    struct str rest = action_setting(run, "Capabilities");
    struct str one = STR_NONE;
    while (rest.n > 0 && str_cut(&rest, ',', &one)) {
        *arena_push(run->arena, &to->capabilities) = str_trim(one);
    }
}

int stack_request_read(struct action_run *run, const struct aws_target *target,
                       struct stack_request *ret, struct err *err) {
    struct reading r = {.run = run, .target = target};
    struct err ignored = ERR_INIT;
    *ret = (struct stack_request){.stack_name = action_setting(run, "StackName"),
                                  .role_arn = action_setting(run, "RoleArn")};
    read_capabilities(run, ret);
    if (dir_make_temp(run->arena, "trunkline-stack", &r.dir, err) < 0) {
        return -1;
    }
    int result = read_template(&r, ret, err) < 0 || add_configuration(&r, ret, err) < 0 ||
                         add_overrides(&r, ret, err) < 0
                     ? -1
                     : 0;
    (void)!tree_remove(r.dir, &ignored);
    return result;
}
