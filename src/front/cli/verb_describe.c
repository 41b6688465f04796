/* trunkline dev describe-op: an operation as its descriptor has it. */
#include "front/cli/out.h"

#include "aws/shape/shape.h"

#include "gen/cloudformation.h"
#include "gen/cloudwatch.h"
#include "gen/codebuild.h"
#include "gen/codeconnections.h"
#include "gen/codepipeline.h"
#include "gen/codestar_connections.h"
#include "gen/dynamodb.h"
#include "gen/iam.h"
#include "gen/kms.h"
#include "gen/lambda.h"
#include "gen/logs.h"
#include "gen/s3.h"
#include "gen/sns.h"
#include "gen/ssm.h"
#include "gen/sts.h"
#include "gen/trunkline.h"

static const struct shape_service *const services[] = {
    &cloudformation_service,
    &cloudwatch_service,
    &codebuild_service,
    &codeconnections_service,
    &codepipeline_service,
    &codestar_connections_service,
    &dynamodb_service,
    &iam_service,
    &kms_service,
    &lambda_service,
    &logs_service,
    &s3_service,
    &sns_service,
    &ssm_service,
    &sts_service,
    &trunkline_service,
};

static const struct shape_service *find_service(const char *name) {
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (strcmp(services[i]->name, name) == 0 || strcmp(services[i]->signing, name) == 0) {
            return services[i];
        }
    }
    return NULL;
}

static struct str kind_of(struct arena *a, const struct shape *s) {
    static const char *const names[] = {
        [SHAPE_STRUCT] = "struct",   [SHAPE_LIST] = "list of ", [SHAPE_MAP] = "map of ",
        [SHAPE_STR] = "text",        [SHAPE_ENUM] = "one of",   [SHAPE_BLOB] = "bytes",
        [SHAPE_BOOL] = "true/false", [SHAPE_INT] = "number",    [SHAPE_LONG] = "number",
        [SHAPE_FLOAT] = "number",    [SHAPE_DOUBLE] = "number", [SHAPE_TIMESTAMP] = "time",
        [SHAPE_DOCUMENT] = "JSON",   [SHAPE_BODY] = "stream",
    };
    if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP) {
        return str_printf(a, "%s" STR_FMT, names[s->kind], STR_ARG(kind_of(a, s->item)));
    }
    if (s->kind == SHAPE_STRUCT) {
        return str_c(s->name);
    }
    if (s->kind != SHAPE_ENUM) {
        return str_c(names[s->kind]);
    }
    struct str all = S("");
    for (uint32_t i = 0; i < s->n_members; i++) {
        all = str_printf(a, STR_FMT "%s%s", STR_ARG(all), i ? " | " : "", s->values[i]);
    }
    return all;
}

static void print_members(struct cli *c, const char *title, const struct shape *s) {
    fprintf(c->out, "\n%s %s\n", title, s->name ? s->name : "");
    for (uint32_t i = 0; i < s->n_members; i++) {
        const struct shape_member *m = &s->members[i];
        fprintf(c->out, "  %-32s %s " STR_FMT "\n", m->name,
                m->flags & SHAPE_MEMBER_REQUIRED ? "!" : " ",
                STR_ARG(kind_of(&c->arena, m->shape)));
    }
}

static void print_op(struct cli *c, const struct shape_service *service,
                     const struct shape_op *op) {
    fprintf(c->out, "%s %s: %s %s%s%s\n", service->name, op->name, op->method, op->uri,
            op->flags & SHAPE_OP_READ ? ", reads only" : "",
            op->flags & SHAPE_OP_UNIMPLEMENTED ? ", not built" : "");
    for (uint32_t i = 0; i < op->n_rights; i++) {
        fprintf(c->out, "  needs %s on", op->rights[i].action);
        for (const char *const *r = op->rights[i].resources; r && *r; r++) {
            fprintf(c->out, " %s", *r);
        }
        fprintf(c->out, "%s\n", op->rights[i].resources && op->rights[i].resources[0] ? "" : " *");
    }
    print_members(c, "in", op->in);
    print_members(c, "out", op->out);
    if (op->errors && op->errors[0]) {
        fputs("\nerrors\n", c->out);
    }
    for (const struct aws_error *const *e = op->errors; e && *e; e++) {
        fprintf(c->out, "  %-48s %d\n", (*e)->name, (*e)->http_status);
    }
}

static json_t *members_json(struct cli *c, const struct shape *s) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->n_members; i++) {
        json_t *one = json_object();
        json_set_str(one, "name", str_c(s->members[i].name));
        json_set(one, "required", json_boolean(s->members[i].flags & SHAPE_MEMBER_REQUIRED));
        json_set_str(one, "type", kind_of(&c->arena, s->members[i].shape));
        json_array_append_new(list, one);
    }
    return list;
}

static int op_json(struct cli *c, const struct shape_service *service, const struct shape_op *op) {
    json_t *o = json_object();
    json_t *errors = json_array();
    for (const struct aws_error *const *e = op->errors; e && *e; e++) {
        json_array_append_new(errors, json_string((*e)->name));
    }
    json_set_str(o, "service", str_c(service->name));
    json_set_str(o, "operation", str_c(op->name));
    json_set(o, "built", json_boolean(!(op->flags & SHAPE_OP_UNIMPLEMENTED)));
    json_set(o, "in", members_json(c, op->in));
    json_set(o, "out", members_json(c, op->out));
    json_set(o, "errors", errors);
    return out_json(c, o);
}

static int run(struct cli *c, struct err *err) {
    const struct shape_service *service = find_service(c->args[0]);
    if (service == NULL) {
        return err_set(err, ERR_NOT_FOUND, "there is no service '%s'", c->args[0]);
    }
    if (c->args_n == 1) {
        for (uint32_t i = 0; i < service->n_ops; i++) {
            fprintf(c->out, "%s%s\n", service->ops[i]->name,
                    service->ops[i]->flags & SHAPE_OP_UNIMPLEMENTED ? "  (not built)" : "");
        }
        return EXIT_DONE;
    }
    const struct shape_op *op = shape_find_op(service, str_c(c->args[1]));
    if (op == NULL) {
        return err_set(err, ERR_NOT_FOUND, "%s has no operation '%s'", c->args[0], c->args[1]);
    }
    if (c->json) {
        return op_json(c, service, op);
    }
    print_op(c, service, op);
    return EXIT_DONE;
}

const struct cli_verb verb_dev_describe_op = {
    .name = "dev describe-op",
    .group = CLI_DEVELOP,
    .args = "SERVICE [OPERATION]",
    .min_args = 1,
    .max_args = 2,
    .flags = CLI_NO_SERVER_OPTIONS,
    .summary = "Print an operation as its descriptor has it: members, errors, rights",
    .run = run,
};
