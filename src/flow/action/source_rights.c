/* May the action's role read what a source names? Facts: CodePipeline's troubleshooting page
 * (permissions of connections), and what its user guide has a role for CodeCommit be allowed. */
#include "flow/action/source.h"

#include "gen/codeconnections.h"

/* No operation of the API asks for these rights: they are asked for as if this one did. */
static int ask(struct action_run *run, const struct aws_target *target, const char *action,
               struct str arn, struct err *err) {
    static const char *const resource[] = {"{ConnectionArn}", NULL};
    struct codeconnections_get_connection_input in = {.connection_arn = arn};
    struct shape_right right = {.action = action, .resources = resource};
    struct shape_op op = codeconnections_op_get_connection;
    op.rights = &right;
    op.n_rights = 1;
    return aws_allowed(run->flow->world, run->arena, target, &op, &in, err);
}

int source_may_connect(struct action_run *run, const struct aws_target *target, struct str arn,
                       struct err *err) {
    static const char *const actions[] = {"codeconnections:UseConnection",
                                          "codestar-connections:UseConnection"};
    size_t own = str_starts(arn, S("arn:aws:codestar-connections:")); /* asked for first */
    struct err why = ERR_INIT;
    if (ask(run, target, actions[own], arn, &why) == 0 ||
        ask(run, target, actions[1 - own], arn, &why) == 0) {
        return 0;
    }
    *err = why;
    return why.kind == ERR_DENIED
               ? err_set(err, ERR_DENIED,
                         "Unable to use Connection: " STR_FMT
                         ". The provided role does not have sufficient permissions: it needs %s",
                         STR_ARG(arn), actions[own])
               : -1;
}

int source_may_read(struct action_run *run, const struct aws_target *target, struct str repository,
                    struct err *err) {
    struct str arn =
        str_printf(run->arena, "arn:aws:codecommit:" STR_FMT ":" STR_FMT ":" STR_FMT,
                   STR_ARG(run->region), STR_ARG(target->account), STR_ARG(repository));
    return ask(run, target, "codecommit:UploadArchive", arn, err);
}
