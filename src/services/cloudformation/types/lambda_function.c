/* AWS::Lambda::Function. Inline code (ZipFile) is packed as the handler's file. */
#include "gen/lambda.h"
#include "platform/archive/zip.h"
#include "platform/crypto/encode.h"
#include "platform/os/fd.h"
#include "services/cloudformation/types.h"

#include <sys/mman.h>
#include <unistd.h>

enum { INLINE_MAX = 4 * 1024 * 1024 };

static const char *const not_settings[] = {
    "Code", "FunctionName", "Tags", "Architectures", "ReservedConcurrentExecutions", "PackageType",
    NULL};

/* The archive with index.py, index.js ... as base64, which is how JSON holds a blob. */
static int pack(struct cf_call *c, struct str source, struct str *ret, struct err *err) {
    struct zip_writer *zip cleanup_zip = NULL;
    const struct zip_limits limits = {.entries = 1, .bytes = INLINE_MAX};
    struct str runtime = cf_text(c, c->props, "Runtime");
    bool node = str_starts(runtime, S("nodejs"));
    struct str bytes = STR_NONE;
    int fd cleanup_fd = memfd_create("lambda-inline", MFD_CLOEXEC);
    if (!node && !str_starts(runtime, S("python"))) {
        return err_set(err, ERR_INVALID,
                       "ZipFile can only be used with Python and Node.js runtimes");
    }
    if (fd < 0 || zip_begin(fd, &limits, &zip, err) < 0) {
        return fd < 0 ? err_set(err, ERR_SYSTEM, "cannot make a file in memory") : -1;
    }
    if (zip_add_bytes(zip, node ? "index.js" : "index.py", source.p, source.n, 0644, err) < 0 ||
        zip_end(zip, err) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fd_read_all(c->arena, fd, INLINE_MAX, &bytes, err) < 0) {
        return -1;
    }
    *ret = base64_encode(c->arena, bytes);
    return 0;
}

/* The members of Code as the operations take them. */
static int code_json(struct cf_call *c, json_t **ret, struct err *err) {
    const json_t *code = json_object_get(c->props, "Code");
    struct str source = json_str(code, "ZipFile");
    *ret = json_copy((json_t *)code);
    if (source.p != NULL) {
        struct str packed;
        if (pack(c, source, &packed, err) < 0) {
            json_decref(*ret);
            return -1;
        }
        json_set_str(*ret, "ZipFile", packed);
    }
    return 0;
}

static json_t *named(struct cf_call *c) {
    json_t *input = json_object();
    json_set_str(input, "FunctionName", c->physical);
    return input;
}

static int reserve(struct cf_call *c, struct err *err) {
    json_t *input = named(c);
    json_t *n = json_object_get(c->props, "ReservedConcurrentExecutions");
    if (n == NULL) {
        return cf_invoke(c, &lambda_op_delete_function_concurrency, input, NULL, err);
    }
    json_set(input, "ReservedConcurrentExecutions", json_incref(n));
    return cf_invoke(c, &lambda_op_put_function_concurrency, input, NULL, err);
}

static int create(struct cf_call *c, struct err *err) {
    static const char *const aside[] = {"ReservedConcurrentExecutions", NULL};
    json_t *code = NULL;
    struct str_map tags = cf_tags(c, c->props);
    if (code_json(c, &code, err) < 0) {
        return -1;
    }
    json_t *input = cf_omit(c->props, aside);
    c->physical = cf_name(c, "FunctionName", 64, false);
    json_set_str(input, "FunctionName", c->physical);
    json_set(input, "Code", code);
    if (tags.n > 0) {
        json_set(input, "Tags", cf_tags_json(&tags, false));
    }
    cf_attr(c, "Arn", cf_arn(c, "lambda", "function:%.*s", STR_ARG(c->physical)));
    if (cf_invoke(c, &lambda_op_create_function, input, NULL, err) < 0) {
        return -1;
    }
    return json_object_get(c->props, "ReservedConcurrentExecutions") != NULL ? reserve(c, err) : 0;
}

static int tag(struct cf_call *c, struct err *err) {
    struct str_list gone = cf_tags_gone(c);
    struct str_map tags = cf_tags(c, c->props);
    if (gone.n > 0) {
        json_t *input = json_object();
        json_set_str(input, "Resource", json_str(c->attrs, "Arn"));
        json_set(input, "TagKeys", cf_list_json(&gone));
        if (cf_invoke(c, &lambda_op_untag_resource, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (tags.n == 0) {
        return 0;
    }
    json_t *input = json_object();
    json_set_str(input, "Resource", json_str(c->attrs, "Arn"));
    json_set(input, "Tags", cf_tags_json(&tags, false));
    return cf_invoke(c, &lambda_op_tag_resource, input, NULL, err);
}

/* A setting that is not in the template any more goes back to its default. */
static void add_defaults(struct cf_call *c, json_t *input) {
    static const struct {
        const char *name;
        const char *value;
    } defaults[] = {
        {"Description", "\"\""},
        {"Timeout", "3"},
        {"MemorySize", "128"},
        {"Environment", "{\"Variables\":{}}"},
        {"TracingConfig", "{\"Mode\":\"PassThrough\"}"},
        {"EphemeralStorage", "{\"Size\":512}"},
    };
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        struct err err = ERR_INIT;
        if (json_object_get(c->props, defaults[i].name) == NULL &&
            json_object_get(c->old, defaults[i].name) != NULL) {
            json_set(input, defaults[i].name, json_parse(str_c(defaults[i].value), &err));
        }
    }
}

static int update(struct cf_call *c, struct err *err) {
    json_t *input = NULL;
    if (!cf_same(c, "Code") || !cf_same(c, "Architectures")) {
        if (code_json(c, &input, err) < 0) {
            return -1;
        }
        json_t *architectures = json_object_get(c->props, "Architectures");
        json_set_str(input, "FunctionName", c->physical);
        if (architectures != NULL) {
            json_set(input, "Architectures", json_incref(architectures));
        }
        if (cf_invoke(c, &lambda_op_update_function_code, input, NULL, err) < 0) {
            return -1;
        }
    }
    json_t *before cleanup_json = cf_omit(c->old, not_settings);
    json_t *after cleanup_json = cf_omit(c->props, not_settings);
    if (!json_equal(before, after)) {
        input = json_copy(after);
        json_set_str(input, "FunctionName", c->physical);
        add_defaults(c, input);
        if (cf_invoke(c, &lambda_op_update_function_configuration, input, NULL, err) < 0) {
            return -1;
        }
    }
    if (!cf_same(c, "ReservedConcurrentExecutions") && reserve(c, err) < 0) {
        return -1;
    }
    return !cf_same(c, "Tags") && tag(c, err) < 0 ? -1 : 0;
}

static int remove_function(struct cf_call *c, struct err *err) {
    int bad = cf_invoke(c, &lambda_op_delete_function, named(c), NULL, err);
    return bad < 0 && !cf_gone(err, &lambda_ResourceNotFoundException) ? -1 : 0;
}

const struct cf_type cf_type_lambda_function = {
    .name = "AWS::Lambda::Function",
    .properties = (const char *const[]){"Architectures",
                                        "Code",
                                        "DeadLetterConfig",
                                        "Description",
                                        "Environment",
                                        "EphemeralStorage",
                                        "FileSystemConfigs",
                                        "FunctionName",
                                        "Handler",
                                        "LoggingConfig",
                                        "MemorySize",
                                        "PackageType",
                                        "ReservedConcurrentExecutions",
                                        "Role",
                                        "Runtime",
                                        "SnapStart",
                                        "Tags",
                                        "Timeout",
                                        "TracingConfig",
                                        "VpcConfig",
                                        NULL},
    .required = (const char *const[]){"Code", "Role", NULL},
    .fixed = (const char *const[]){"FunctionName", "PackageType", NULL},
    .attributes = (const char *const[]){"Arn", NULL},
    .tags = true,
    .create = create,
    .update = update,
    .remove = remove_function,
};
