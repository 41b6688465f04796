/* Implementation of stack_outputs.h. */
#include "flow/action/stack_outputs.h"

#include "flow/action/artifacts.h"
#include "platform/archive/zip.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"
#include "platform/text/json.h"

#include <fcntl.h>

static json_t *outputs_object(struct arena *a, const struct cloudformation_stack *stack) {
    json_t *o = json_object();
    for (size_t i = 0; i < stack->outputs.n; i++) {
        json_set_str(o, str_z(a, stack->outputs.v[i].output_key), stack->outputs.v[i].output_value);
    }
    return o;
}

/* A zip without a file where no name is given: the artifact exists, as on AWS. */
static int make_zip(struct action_run *run, const char *path, struct str text, struct err *err) {
    struct str name = action_setting(run, "OutputFileName");
    int out cleanup_fd = file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
    struct zip_writer *zip cleanup_zip = NULL;
    if (out < 0 || zip_begin(out, NULL, &zip, err) < 0) {
        return -1;
    }
    if (name.n > 0 && zip_add_bytes(zip, str_z(run->arena, name), text.p, text.n, 0644, err) < 0) {
        return -1;
    }
    return zip_end(zip, err);
}

static int put_artifact(struct action_run *run, const struct aws_target *target, struct str text,
                        struct action_artifact *artifact, struct err *err) {
    const char *dir = NULL;
    struct err ignored = ERR_INIT;
    if (dir_make_temp(run->arena, "trunkline-outputs", &dir, err) < 0) {
        return -1;
    }
    const char *path = str_printf(run->arena, "%s/outputs.zip", dir).p;
    int result = make_zip(run, path, text, err) < 0
                     ? -1
                     : action_output_put(run, target, path, artifact, err);
    (void)!tree_remove(dir, &ignored);
    return result;
}

int stack_outputs(struct action_run *run, const struct aws_target *target,
                  const struct cloudformation_stack *stack, struct action_end *ret,
                  struct err *err) {
    json_t *o cleanup_json = outputs_object(run->arena, stack);
    if (run->decl->outputs.n > 0) {
        struct action_artifact artifact = action_output(run, run->decl->outputs.v[0]);
        struct str text = json_dump_pretty(run->arena, o);
        if (put_artifact(run, target, text, &artifact, err) < 0 ||
            action_store_outputs(run, &artifact, 1, &ret->outputs, err) < 0) {
            return -1;
        }
    }
    json_set_str(o, "StackName", stack->stack_name);
    ret->output_variables = json_dump_str(run->arena, o);
    return 0;
}
